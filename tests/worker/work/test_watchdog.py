"""What blocks the event loop is named while it does: the ticket, and the line of ours."""

import asyncio
import logging
import threading

import pytest

from fallbacks.ledger.ledger import Lease
from tests.services.waiting import wait_for
from worker.work.event_loop import LoopThread
from worker.work.watchdog import Watchdog


def test_the_ticket_that_holds_the_loop_is_named(caplog: pytest.LogCaptureFixture) -> None:
    thread, runs, let_go = LoopThread(), dict[str, tuple[Lease, asyncio.Task[str]]](), threading.Event()

    async def begin() -> asyncio.Task[str]:
        return asyncio.ensure_future(hold(let_go))

    with caplog.at_level(logging.ERROR):
        Watchdog(thread.loop, lambda: runs, 0.1).start()
        task = thread.run(begin())
        runs["slow"] = (Lease("slow", 1, "w"), task)
        wait_for(lambda: "blocked for" in caplog.text)
        let_go.set()
        wait_for(lambda: "was blocked for" in caplog.text)
    thread.close()
    assert "by ticket slow at event_loop.py" in caplog.text


def test_what_is_no_run_is_named_by_its_task(caplog: pytest.LogCaptureFixture) -> None:
    thread, let_go = LoopThread(), threading.Event()
    with caplog.at_level(logging.ERROR):
        Watchdog(thread.loop, dict, 0.1).start()
        thread.start(hold(let_go))
        wait_for(lambda: "blocked for" in caplog.text)
    let_go.set()
    thread.close()
    assert "by hold at" in caplog.text


async def hold(let_go: threading.Event) -> str:
    await asyncio.sleep(0)
    let_go.wait(30)
    return "done"
