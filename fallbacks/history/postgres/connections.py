"""Connections to PostgreSQL: a pool that is opened when first used, and drops what cannot serve."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection, DataError, Error, ProgrammingError
from psycopg.errors import ReadOnlySqlTransaction
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from fallbacks.errors import HistoryUnreachable
from fallbacks.history.postgres.schema import SCHEMA, prepare

MOST_CONNECTIONS = 4
CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 60
IDLE_SECONDS = 300.0

Connection = AsyncConnection[Any]


class PostgresConnections:
    """Of one event loop. What fails is `HistoryUnreachable`; ids of what is at fault are in its cause."""

    def __init__(self, url: str, views: Mapping[str, str], connect_seconds: float = CONNECT_SECONDS) -> None:
        self._url = url
        self._views = views
        self._seconds = connect_seconds
        self._pool: AsyncConnectionPool[Connection] | None = None
        self._ready = False
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self, *, read_only: bool = False) -> AsyncIterator[Connection]:
        """A connection inside a transaction, which is committed, and so on the disk, on leaving."""
        try:
            pool = await self._opened()
            async with pool.connection(timeout=self._seconds) as db:
                try:
                    async with db.transaction():
                        if read_only:
                            await db.execute("SET TRANSACTION READ ONLY")
                        yield db
                except ReadOnlySqlTransaction:  # a primary that is none any more: the next one may be
                    if not read_only:
                        await db.close()
                    raise
        except (PoolTimeout, PoolClosed, TooManyRequests, OSError) as error:
            raise HistoryUnreachable(f"PostgreSQL does not answer within {self._seconds:g} s") from error
        except (DataError, ProgrammingError) as error:
            if read_only:
                raise
            raise HistoryUnreachable(f"PostgreSQL refused: {_said(error)}") from error
        except Error as error:
            raise HistoryUnreachable(f"PostgreSQL failed: {_said(error)}") from error

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[Connection]:
        """A connection without a transaction, closed afterwards."""
        try:
            pool = await self._opened()
            async with pool.connection(timeout=self._seconds) as db:
                try:
                    yield db
                finally:
                    await db.close()
        except (PoolTimeout, PoolClosed, TooManyRequests, OSError, Error) as error:
            raise HistoryUnreachable(f"PostgreSQL failed: {type(error).__name__}") from error

    async def aclose(self) -> None:
        """Close every connection."""
        if self._pool is not None:
            await self._pool.close(timeout=self._seconds)
            self._pool, self._ready = None, False

    async def _opened(self) -> AsyncConnectionPool[Connection]:
        async with self._opening:
            if self._pool is None:
                logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # whoever asked gets the error
                self._pool = AsyncConnectionPool(
                    self._url,
                    min_size=0,
                    max_size=MOST_CONNECTIONS,
                    max_idle=IDLE_SECONDS,
                    open=False,
                    configure=_configure,
                    check=AsyncConnectionPool.check_connection,
                    kwargs={"autocommit": True, "prepare_threshold": None, "connect_timeout": math.ceil(self._seconds)},
                )
                await self._pool.open()
            if not self._ready:
                async with self._pool.connection(timeout=self._seconds) as db, db.transaction():
                    await prepare(db, self._views)
                self._ready = True
        return self._pool


async def _configure(db: Connection) -> None:
    """autocommit: what is not in a transaction of ours needs none."""
    await db.execute(f"SET search_path TO {SCHEMA}")
    await db.execute(f"SET statement_timeout TO '{STATEMENT_SECONDS}s'")
    await db.execute("SET synchronous_commit TO on")
    await db.execute("SET timezone TO 'UTC'")


def _said(error: Error) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
