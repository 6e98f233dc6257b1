"""A store that keeps the connection and says nothing ends a command within five seconds."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from redis.exceptions import RedisError

from fallbacks.errors import StoreUnreachable
from fallbacks.store.redis_connections import async_client

T = TypeVar("T")

FIRST_SECONDS = 3.0
ANSWER_SECONDS = 1.8
TRIES = 2
"""In a row. One alone may be this process's own doing, which was busy with something else."""

PAUSE_SECONDS = 1.0


async def while_it_answers(url: str, work: Coroutine[Any, Any, T]) -> T:
    """Do the work while the store at this URL answers. Raises `StoreUnreachable` once it is silent.

    A store that refuses, or cannot be reached, is the work's own to find out.
    """
    doing, watching = asyncio.ensure_future(work), asyncio.ensure_future(_silent(url))
    try:
        await asyncio.wait((doing, watching), return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return await doing
        raise StoreUnreachable(await watching)
    finally:
        for task in (doing, watching):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task


async def _silent(url: str) -> str:
    """Returns once it is."""
    seconds, missed = FIRST_SECONDS, 0
    store = async_client(url, connections=1, socket_timeout=None)
    try:
        while True:
            try:
                async with asyncio.timeout(seconds):
                    await store.ping()
                missed = 0
            except TimeoutError:
                missed = TRIES if seconds == FIRST_SECONDS else missed + 1
            except (RedisError, OSError):
                missed = 0
            if missed >= TRIES:
                return "it keeps the connection and says nothing: it is frozen, or overloaded"
            await asyncio.sleep(0 if missed else PAUSE_SECONDS)
            seconds = ANSWER_SECONDS
    finally:
        await store.aclose(close_connection_pool=True)
