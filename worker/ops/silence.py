"""A store that keeps the connection and says nothing ends what waits for it within five seconds."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from fallbacks.errors import StoreUnreachable
from fallbacks.store.redis_connections import client

T = TypeVar("T")

ANSWER_SECONDS = 1.5
TRIES = 2
"""In a row."""

PAUSE_SECONDS = 1.0

SILENT = "it keeps the connection and says nothing: it is frozen, or overloaded"


async def while_it_answers(url: str, work: Coroutine[Any, Any, T]) -> T:
    """Do the work while the store at this URL answers. Raises `StoreUnreachable` once it is silent.

    A store that refuses is the work's own to find out. It is asked from a thread: this loop may be busy for long, with
    an import or a model, and what came meanwhile would look late.
    """
    loop, silent, ended = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def fell_silent() -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(silent.set)

    threading.Thread(target=_watch, args=(url, fell_silent, ended), daemon=True).start()
    doing, watching = asyncio.ensure_future(work), asyncio.ensure_future(silent.wait())
    try:
        await asyncio.wait((doing, watching), return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise StoreUnreachable(SILENT)
        return await doing
    finally:
        ended.set()
        doing.cancel()
        watching.cancel()
        await asyncio.wait((doing, watching))  # swallows no Ctrl-C that comes meanwhile, as suppressing would
        if not doing.cancelled():
            doing.exception()  # what it raised at its end has been raised, or comes after the silence


def _watch(url: str, fell_silent: Any, ended: threading.Event) -> None:
    missed = 0
    with client(url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS) as store:
        while missed < TRIES and not ended.is_set():
            try:
                store.ping()
                missed = 0
            except RedisTimeoutError:
                missed += 1
                continue
            except (RedisError, OSError):
                missed = 0
            ended.wait(PAUSE_SECONDS)
    if missed:
        fell_silent()
