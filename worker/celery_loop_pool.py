"""Celery's pool interface over this process's event loop: a ticket in flight is a coroutine and holds no thread.

Measured against the threads pool: less CPU a ticket, and a tenth of the memory for each that waits on a model. Used by
default (`worker_pool`); `-P threads` works too. A task without `launch` runs in a thread, as there.
"""

import logging
import os
from asyncio import Future
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from time import monotonic
from typing import Any

from billiard.einfo import ExceptionInfo
from celery.concurrency.thread import TaskPool as ThreadPool
from kombu.exceptions import DecodeError
from kombu.serialization import loads, prepare_accept_content

log = logging.getLogger(__name__)

Callback = Callable[[Any], Any]
Launch = Callable[[list[Any], dict[str, Any], Any, Callable[["Future[Any]"], None]], None]
"""args, kwargs and Celery's request go in; what is given last is called on the loop's thread with the ended future."""


class TaskPool(ThreadPool):
    """Takes a task on Celery's thread, works it on the loop, and gives its end back on Celery's thread.

    There its message is acknowledged: no broker connection is used by two threads.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hub: Any = None
        self._running = 0
        self._ended: SimpleQueue[tuple[Callback, Future[Any], float]] = SimpleQueue()
        self._accept = prepare_accept_content(self.app.conf.accept_content)

    def register_with_event_loop(self, loop: Any) -> None:
        """Called anew after each reconnect: what ended meanwhile is still to be told."""
        self._hub = loop
        loop.call_soon(self._finish)

    def on_apply(
        self,
        target: Callable[..., Any],
        args: Any = None,
        kwargs: Any = None,
        callback: Callback | None = None,
        accept_callback: Callable[..., Any] | None = None,
        **options: Any,
    ) -> Any:
        """args: those of Celery's tracer: task name, id, request, body, content type and encoding."""
        found = self._launched(args)
        if found is None or callback is None:
            return super().on_apply(target, args, kwargs, callback, accept_callback, **options)
        if accept_callback is not None:
            accept_callback(os.getpid(), monotonic())
        launch, task_args, task_kwargs = found
        self._running += 1
        launch(task_args, task_kwargs, args[2], partial(self._end, callback, monotonic()))
        return None

    def on_stop(self) -> None:
        """Celery's own loop has ended: wait here for what still runs."""
        while self._running:
            self._take(*self._ended.get())
        super().on_stop()

    def _launched(self, args: Any) -> tuple[Launch, list[Any], dict[str, Any]] | None:
        launch = getattr(self.app.tasks.get(args[0]), "launch", None)
        if launch is None:
            return None
        try:
            task_args, task_kwargs, _ = loads(bytes(args[3]), args[4], args[5], accept=self._accept)
        except (DecodeError, ValueError, TypeError):
            return None  # the doors let no such message through; Celery's tracer says what it says
        return launch, task_args, task_kwargs

    def _end(self, callback: Callback, began: float, work: "Future[Any]") -> None:
        """On the loop's thread."""
        self._ended.put((callback, work, monotonic() - began))
        if self._hub is not None:
            self._hub.call_soon(self._finish)
        else:  # a broker that Celery reads with a blocking loop
            self.executor.submit(self._finish)

    def _finish(self) -> None:
        while not self._ended.empty():
            self._take(*self._ended.get())

    def _take(self, callback: Callback, work: "Future[Any]", seconds: float) -> None:
        self._running -= 1
        try:
            callback(_verdict(work, seconds))
        except Exception:
            log.exception("a message could not be acknowledged")

    def _get_info(self) -> Any:
        return {**super()._get_info(), "running": self._running}


def _verdict(work: "Future[Any]", seconds: float) -> tuple[int, Any, float]:
    """(failed, result or what was raised, seconds), as Celery's tracer says it."""
    try:
        return 0, work.result(), seconds
    except BaseException:  # Celery's request looks at what it was
        return 1, ExceptionInfo(), seconds
