"""A store that keeps the connection and says nothing ends what waits for it within five seconds."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from fallbacks.errors import StoreUnreachable
from fallbacks.store.redis_connections import client
from fallbacks.store.urls import is_cluster

T = TypeVar("T")

ANSWER_SECONDS = 1.5
TRIES = 2
"""In a row."""

PAUSE_SECONDS = 1.0

SILENT = "it keeps the connection and says nothing: it is frozen, or overloaded"


class Watch:
    """Asks the store at this URL from now on whether it answers, until it is ended.

    It asks from a thread: a loop may be busy for long, with an import or a model, and what came meanwhile would look
    late.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._silent = False
        self._hears: Callable[[], object] = bool
        self._lock, self._ended = threading.Lock(), threading.Event()
        threading.Thread(target=self._ask, daemon=True).start()

    def end(self) -> None:
        """Ask no longer."""
        self._ended.set()

    def on_silence(self, hears: Callable[[], object]) -> None:
        """Call this once the store is silent: at once where it is already."""
        with self._lock:
            self._hears = hears
            if self._silent:
                hears()

    def _ask(self) -> None:
        missed = 0
        if is_cluster(self._url):  # one node that is silent is not the store, and each call has an end of its own
            return
        with client(self._url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS) as store:
            while missed < TRIES and not self._ended.is_set():
                try:
                    store.ping()
                    missed = 0
                except RedisTimeoutError:
                    missed += 1
                    continue
                except (RedisError, OSError):
                    missed = 0
                self._ended.wait(PAUSE_SECONDS)
        if missed:
            with self._lock:
                self._silent = True
                self._hears()


async def while_it_answers(url: str, work: Coroutine[Any, Any, T], watch: Watch | None = None) -> T:
    """Do the work while the store at this URL answers. Raises `StoreUnreachable` once it is silent.

    A store that refuses is the work's own to find out. watch: one that has begun already; it is ended with the work.
    """
    loop, silent = asyncio.get_running_loop(), asyncio.Event()

    def fell_silent() -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(silent.set)

    asking = watch or Watch(url)
    asking.on_silence(fell_silent)
    doing, watching = asyncio.ensure_future(work), asyncio.ensure_future(silent.wait())
    try:
        await asyncio.wait((doing, watching), return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise StoreUnreachable(SILENT)
        return await doing
    finally:
        asking.end()
        doing.cancel()
        watching.cancel()
        await asyncio.wait((doing, watching))  # swallows no Ctrl-C that comes meanwhile, as suppressing would
        if not doing.cancelled():
            doing.exception()  # what it raised at its end has been raised, or comes after the silence
