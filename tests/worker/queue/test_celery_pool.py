"""The pool by itself: what Celery hands it comes back on the thread that handed it."""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from socket import socketpair
from types import SimpleNamespace
from typing import Any

import click
import pytest
from celery import Celery
from celery.app.trace import trace_task_ret
from celery.bin.worker import WorkersPool
from celery.concurrency import prefork, solo, thread
from celery.exceptions import Reject
from kombu.asynchronous.hub import Hub as KombuHub

from worker.config.settings import Settings
from worker.queue.celery_pool import NEXT_ROUND_SECONDS, Callback, TaskPool
from worker.service.celery_factory import sender_app
from worker.service.worker_command import worker_command
from worker.work.event_loop import LoopThread

Told = list[tuple[int, Any, float]]

LIMIT = 50


class Hub:
    """Kombu's as the pool uses it: callables from any thread, run on one."""

    def __init__(self) -> None:
        self.ready: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.ready.put(callback)

    def call_later(self, _: float, callback: Callable[[], None]) -> None:
        self.ready.put(callback)

    def run_until(self, enough: Callable[[], bool]) -> None:
        while not enough():
            self.ready.get(timeout=60)()


def _where() -> int:
    return threading.get_ident()


class Bench:
    """A pool, its loop, and tasks that are coroutines."""

    def __init__(self) -> None:
        self.app = Celery("bench", broker="memory://", set_as_current=False)
        self.app.conf.accept_content = ["json"]
        self.loop = LoopThread()
        self.pool = TaskPool(LIMIT, app=self.app)
        self.pool.start()
        self.trace = partial(trace_task_ret, app=self.app)
        self.told: Told = []
        self.threads: list[int] = []

    def task(self, work: Callable[..., Coroutine[Any, Any, Any]]) -> str:
        def launch(args: list[Any], kwargs: dict[str, Any], _: Any, ended: Callable[[Any], None]) -> None:
            self.loop.start(work(*args, **kwargs), ended)

        def never() -> None:
            raise AssertionError("the pool launches it")

        return str(self.app.task(name=work.__name__, shared=False, launch=staticmethod(launch))(never).name)

    def send(self, name: str, *args: Any, callback: Callback | None = None) -> None:
        body = json.dumps([args, {}, {}]).encode()
        request = {"id": "1", "task": name, "args": args, "kwargs": {}}
        traced = (name, "1", request, body, "application/json", "utf-8")
        self.pool.apply_async(
            self.trace, args=traced, accept_callback=lambda *_: None, callback=callback or self._callback
        )

    def _callback(self, verdict: tuple[int, Any, float]) -> None:
        self.threads.append(threading.get_ident())
        self.told.append(verdict)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.pool.stop()
    bench.loop.loop.call_soon_threadsafe(bench.loop.loop.stop)


def test_many_wait_at_once_and_each_result_is_told_on_celerys_thread(bench: Bench) -> None:
    hub, gate, waiting = Hub(), asyncio.Event(), []
    bench.pool.register_with_event_loop(hub)

    async def wait(number: int) -> int:
        waiting.append(number)
        if len(waiting) == LIMIT:
            gate.set()
        await gate.wait()
        return number

    name = bench.task(wait)
    for number in range(LIMIT):
        bench.send(name, number)
    hub.run_until(lambda: len(bench.told) == LIMIT)
    assert sorted(result for _, result, _ in bench.told) == list(range(LIMIT))
    assert {failed for failed, _, _ in bench.told} == {0}
    assert set(bench.threads) == {threading.get_ident()}


def test_what_is_acknowledged_does_not_wait_for_the_next_event(bench: Bench) -> None:
    """As Celery does it: in the round of the hub after the one in which the end is told."""
    hub, told, acknowledged, slept = KombuHub(), list[Any](), list[Any](), list[float]()
    poll = hub.poller.poll

    def recorded(seconds: float) -> Any:
        if told and not acknowledged:
            slept.append(seconds)
        return poll(seconds)

    def callback(verdict: Any) -> None:
        told.append(verdict)
        hub.call_soon(acknowledged.append, verdict)

    async def nothing() -> None: ...

    hub.poller.poll = recorded
    quiet, other = socketpair()
    with closing(hub), quiet, other:
        hub.add_reader(quiet, told.clear)
        bench.pool.register_with_event_loop(hub)
        bench.send(bench.task(nothing), callback=callback)
        rounds = hub.create_loop()
        while not acknowledged:
            next(rounds)
    assert slept
    assert max(slept) <= NEXT_ROUND_SECONDS


def test_no_more_than_the_limit_run_whatever_comes_in(bench: Bench) -> None:
    """Messages with an eta, or that a lost connection brings again, come beside those that are prefetched."""
    hub, running, most = Hub(), set[int](), 0
    bench.pool.register_with_event_loop(hub)

    async def work(number: int) -> None:
        nonlocal most
        running.add(number)
        most = max(most, len(running))
        await asyncio.sleep(0)
        running.discard(number)

    name = bench.task(work)
    bench.loop.loop.call_soon_threadsafe((held := threading.Event()).wait, 10)  # so that none ends before all are sent
    for number in range(3 * LIMIT):
        bench.send(name, number)
    held.set()
    hub.run_until(lambda: len(bench.told) == 3 * LIMIT)
    assert most == LIMIT


def test_a_failure_is_logged(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    hub = Hub()
    bench.pool.register_with_event_loop(hub)

    async def hurt() -> None:
        raise LookupError("why")

    bench.send(bench.task(hurt))
    hub.run_until(lambda: bool(bench.told))
    assert "hurt failed" in caplog.text
    assert "LookupError: why" in caplog.text


def test_a_task_that_cannot_be_launched_does_not_hold_up_the_stop(bench: Bench) -> None:
    def launch(*_: Any) -> None:
        raise LookupError("no worker process")

    bench.app.task(name="unmade", shared=False, launch=staticmethod(launch))(_where)
    with pytest.raises(LookupError):  # which Celery ends the worker on
        bench.send("unmade")
    assert bench.pool.info["running"] == 0  # else stopping waits for it for ever


def test_what_a_task_raises_reaches_celery_whole(bench: Bench) -> None:
    hub = Hub()
    bench.pool.register_with_event_loop(hub)

    async def refuse() -> None:
        raise Reject("not now", requeue=True)

    bench.send(bench.task(refuse))
    hub.run_until(lambda: bool(bench.told))
    ((failed, info, _),) = bench.told
    assert failed
    assert isinstance(info.exception.exc, Reject)
    assert info.exception.exc.requeue


def test_stopping_waits_for_what_runs_and_tells_it(bench: Bench) -> None:
    bench.pool.register_with_event_loop(Hub())  # which runs no more
    begun, gate = threading.Event(), asyncio.Event()

    async def wait() -> str:
        begun.set()
        await gate.wait()
        return "done"

    bench.send(bench.task(wait))
    assert begun.wait(60)
    bench.loop.loop.call_soon_threadsafe(gate.set)
    bench.pool.stop()
    assert [result for _, result, _ in bench.told] == ["done"]


def test_a_task_that_is_no_coroutine_runs_in_a_thread(bench: Bench) -> None:
    bench.app.task(name="plain", shared=False)(_where)
    bench.send("plain")
    bench.pool.stop()
    ((failed, thread, _),) = bench.told
    assert not failed
    assert int(thread) != threading.get_ident()


def test_an_app_of_ours_names_the_pool(tmp_path: Path) -> None:
    app = sender_app(Settings(home=tmp_path), "redis://127.0.0.1:1/0")
    assert app.conf.worker_pool == f"{TaskPool.__module__}:{TaskPool.__name__}"


@pytest.mark.parametrize(
    ("name", "pool"), [("prefork", prefork.TaskPool), ("threads", thread.TaskPool), ("solo", solo.TaskPool)]
)
def test_another_pool_that_is_asked_for_is_had(tmp_path: Path, name: str, pool: type) -> None:
    app = sender_app(Settings(home=tmp_path), "redis://127.0.0.1:1/0")
    command = worker_command(["tickets"], 2, name)
    context = click.Context(click.Command("worker"), obj=SimpleNamespace(app=app))
    assert WorkersPool().convert(command[command.index("-P") + 1], None, context) is pool
