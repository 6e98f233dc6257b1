"""What blocks the event loop is named while it does: the ticket, and the line of ours."""

import asyncio
import logging
import threading
from pathlib import Path

import pytest
from redis import Redis

from fallbacks.ledger.ledger import Lease
from tests.services.waiting import wait_for
from worker.config.settings import load_settings
from worker.service.celery_factory import sender_app
from worker.service.worker_process import alarm
from worker.wiring import Parts
from worker.work.event_loop import LoopThread
from worker.work.watchdog import Watchdog


def test_the_ticket_that_holds_the_loop_is_named(caplog: pytest.LogCaptureFixture) -> None:
    thread, runs, let_go = LoopThread(), dict[str, tuple[Lease, asyncio.Task[str]]](), threading.Event()

    async def begin() -> asyncio.Task[str]:
        return asyncio.ensure_future(hold(let_go))

    alarms: list[str] = []
    with caplog.at_level(logging.ERROR):
        Watchdog(thread.loop, lambda: runs, 0.1, alarms.append).start()
        task = thread.run(begin())
        runs["slow"] = (Lease("slow", 1, "w"), task)
        wait_for(lambda: "blocked for" in caplog.text)
        let_go.set()
        wait_for(lambda: len(alarms) == 2)
    thread.close()
    assert "was blocked for" in caplog.text
    assert "by ticket slow at event_loop.py" in caplog.text
    assert [alarm.partition(" at ")[0] for alarm in alarms] == ["ticket slow", ""]


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
    let_go.wait(120)
    return "done"


def test_people_are_alerted_while_the_loop_still_stands(valkey_url: str, tmp_path: Path) -> None:
    settings = load_settings(model="local", home=tmp_path, redis_url=valkey_url)
    parts, let_go = Parts(settings, sender_app(settings, valkey_url), valkey_url), threading.Event()
    thread = LoopThread()
    Watchdog(thread.loop, dict, 0.5, alarm(parts)).start()
    with Redis.from_url(valkey_url, decode_responses=True) as redis:
        thread.start(hold(let_go))
        wait_for(lambda: redis.exists("deskhand:alert:loop_blocked"), message="the alert is raised")
        assert "held up by hold at" in str(redis.hgetall("deskhand:alert:loop_blocked"))
        let_go.set()
        wait_for(lambda: not redis.hexists("deskhand:alert:loop_blocked", "late_until"), message="it is over")
    thread.close()
