"""Connections to a SQLite file that several threads and processes of one machine share: one writes at a time."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from fallbacks.errors import HistoryUnreachable
from fallbacks.history.sqlite.schema import prepare

T = TypeVar("T")

LOCK_SECONDS = 30.0
"""What a writer waits for another process's."""

MOST_READERS = 4
STEPS_BETWEEN_LOOKS = 100_000
MOST_LOOKS = 20_000
"""Of SQLite's virtual machine: a query of a person's ends after some minutes."""


class SqliteConnections:
    """Opened when first used. Work runs in threads; what fails is `HistoryUnreachable`."""

    def __init__(self, path: Path, views: Mapping[str, str]) -> None:
        self.path = path
        self._views = views
        self._writing = asyncio.Lock()
        self._writer: sqlite3.Connection | None = None
        self._readers: list[sqlite3.Connection] = []
        self._reading = asyncio.Semaphore(MOST_READERS)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """In one transaction, which is on the disk on return. It ends whoever leaves meanwhile."""
        return await self._kept_out(lambda: self._written(work))

    async def _kept_out(self, work: Callable[[], T]) -> T:
        await self._writing.acquire()
        running = asyncio.ensure_future(asyncio.to_thread(work))
        running.add_done_callback(lambda _: self._writing.release())
        return await asyncio.shield(running)

    async def alone(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """As `write`, without a transaction around it."""
        return await self._kept_out(lambda: self._written(work, begin=False))

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """At one moment of the database. What it began goes on to its end in its thread."""
        await self._reading.acquire()
        running = asyncio.ensure_future(asyncio.to_thread(self._read, work))
        running.add_done_callback(lambda _: self._reading.release())
        return await asyncio.shield(running)

    async def aclose(self) -> None:
        """Close every connection."""
        async with self._writing:
            opened = [*self._readers, *([self._writer] if self._writer else [])]
            self._readers, self._writer = [], None
            for db in opened:
                await asyncio.to_thread(db.close)

    def _written(self, work: Callable[[sqlite3.Connection], T], *, begin: bool = True) -> T:
        try:
            if self._writer is None:
                self._writer = self._open()
            with self._writer as db:
                if begin:
                    db.execute("BEGIN IMMEDIATE")
                return work(db)
        except (sqlite3.Error, OSError) as error:
            self._drop_writer()
            raise HistoryUnreachable(f"{self.path} could not be written: {error}") from error

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            db = self._readers.pop() if self._readers else self._open()
            try:
                with db:
                    db.execute("BEGIN")
                    found = work(db)
            except BaseException:
                db.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise HistoryUnreachable(f"{self.path} could not be read: {error}") from error
        self._readers.append(db)
        return found

    def _drop_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self.path, LOCK_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")  # in WAL mode a commit is synced only so
            db.execute("PRAGMA cache_size = -16000")
            prepare(db, self._views)
        except BaseException:
            db.close()
            raise
        return db

    async def query(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """A person's own words: on a connection of its own that can neither write nor reach another file."""
        return await asyncio.to_thread(self._queried, work)

    def _queried(self, work: Callable[[sqlite3.Connection], T]) -> T:
        looks = 0

        def look() -> int:
            nonlocal looks
            looks += 1
            return looks > MOST_LOOKS

        try:
            with closing(self._open()) as db:
                db.execute("PRAGMA query_only = ON")
                db.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
                db.set_progress_handler(look, STEPS_BETWEEN_LOOKS)
                return work(db)
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise HistoryUnreachable("the query took too long") from error
            raise ValueError(f"the query cannot be run: {error}") from error
        except (sqlite3.Error, sqlite3.Warning) as error:  # a second statement is a warning
            raise ValueError(f"the query cannot be run: {error}") from error
