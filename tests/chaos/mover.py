"""`python -m tests.chaos.mover STORE HISTORY`: takes what has ended to history at once, until it is killed."""

import asyncio
import sys
from pathlib import Path

from fallbacks.errors import StoreUnreachable
from fallbacks.history.port import History
from fallbacks.history.sqlite.history import SqliteHistory
from fallbacks.history.sqlite.url import sqlite_path
from fallbacks.ledger.past.leaving import Leaving
from fallbacks.store.redis_store import RedisStore
from tests.fallbacks.scene import TRIAGE


def opened(url: str) -> History:
    """By its URL."""
    if not url.startswith("postgres"):
        return SqliteHistory(sqlite_path(url, Path()), TRIAGE)
    from fallbacks.history.postgres.history import PostgresHistory

    return PostgresHistory(url, TRIAGE)


async def move(store_url: str, history_url: str) -> None:
    leaving = Leaving(RedisStore(store_url), opened(history_url), TRIAGE, rests_ms=0)
    while True:
        try:
            done = await leaving.round()
        except StoreUnreachable:
            await asyncio.sleep(0.1)
        else:
            await asyncio.sleep(0 if done.left else 0.05)


if __name__ == "__main__":
    asyncio.run(move(*sys.argv[1:]))
