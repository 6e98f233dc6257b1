"""The archive's index beside its files, in SQLite. Lost, damaged or not writable, it is made anew from the files."""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from fallbacks.errors import ArchiveIndexChanged
from fallbacks.ledger.archive_reader import Extent, Place, Standing

log = logging.getLogger(__name__)

T = TypeVar("T")

LOCK_SECONDS = 30.0
"""What one process waits for another that adds a file."""

VERSION = 1

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS file (name TEXT PRIMARY KEY, number INTEGER NOT NULL, inode INTEGER NOT NULL,
  size INTEGER NOT NULL, whole INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS place (ticket INTEGER NOT NULL, file INTEGER NOT NULL, at INTEGER NOT NULL,
  length INTEGER NOT NULL, PRIMARY KEY (ticket, file, at)) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""


class SqliteArchiveIndex:
    """Implements `fallbacks.ledger.archive_reader.ArchiveIndex`. Used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._private: sqlite3.Connection | None = None

    def known(self) -> dict[str, Extent]:
        """See `ArchiveIndex`."""
        found = self._do(lambda db: db.execute("SELECT name, inode, size, whole FROM file").fetchall())
        return {name: Extent(inode, size, whole) for name, inode, size, whole in found}

    def add(self, name: str, before: Extent | None, now: Extent, tickets: Sequence[Standing]) -> None:
        """See `ArchiveIndex`."""
        self._do(lambda db: _add(db, name, before, now, tickets))

    def forget(self, name: str) -> None:
        """See `ArchiveIndex`."""
        self._do(lambda db: _forget(db, name))

    def places(self, ticket_id: str) -> list[Place]:
        """See `ArchiveIndex`."""
        query = (
            "SELECT name, at, length FROM place JOIN file ON number = file WHERE ticket = ? ORDER BY name DESC, at DESC"
        )
        return [Place(*row) for row in self._do(lambda db: db.execute(query, (_digest(ticket_id),)).fetchall())]

    def close(self) -> None:
        """Forget what could not be kept beside the files."""
        if self._private is not None:
            self._private.close()
            self._private = None

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._private is not None:
            with self._private as db:
                return work(db)
        try:
            with closing(sqlite3.connect(self.path, LOCK_SECONDS)) as db, db:
                _prepare(db)
                return work(db)
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)
            raise ArchiveIndexChanged(str(error)) from error

    def _begin_anew(self, error: sqlite3.DatabaseError) -> None:
        """A damaged file makes place for another; where none can be written, this process keeps one for itself."""
        log.warning("the archive's index %s is made anew: %s", self.path, error)
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            try:
                for suffix in ("-journal", ""):  # a journal that outlived its database would be played into the next
                    self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            except OSError:
                log.warning("the damaged file stays: nobody here may remove it")
            else:
                return
        self._private = sqlite3.connect("", check_same_thread=False)  # on disk, and gone with the process
        _prepare(self._private)


def _prepare(db: sqlite3.Connection) -> None:
    if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
        db.executescript(SCHEMA)


def _add(db: sqlite3.Connection, name: str, before: Extent | None, now: Extent, tickets: Sequence[Standing]) -> None:
    db.execute("BEGIN IMMEDIATE")
    row = db.execute("SELECT inode, size, whole FROM file WHERE name = ?", (name,)).fetchone()
    if (row and Extent(*row)) != before:
        raise ArchiveIndexChanged(f"{name} was indexed meanwhile")
    db.execute(
        "INSERT INTO file VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM file), ?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET size = excluded.size, whole = excluded.whole",
        (name, *now),
    )
    (number,) = db.execute("SELECT number FROM file WHERE name = ?", (name,)).fetchone()
    rows = ((_digest(ticket_id), number, at, length) for ticket_id, at, length in tickets)
    db.executemany("INSERT OR IGNORE INTO place VALUES (?, ?, ?, ?)", rows)


def _forget(db: sqlite3.Connection, name: str) -> None:
    db.execute("DELETE FROM place WHERE file = (SELECT number FROM file WHERE name = ?)", (name,))
    db.execute("DELETE FROM file WHERE name = ?", (name,))


def _digest(ticket_id: str) -> int:
    """64 bits of an id: whoever finds the file reads no ids in it."""
    return int.from_bytes(blake2b(ticket_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), signed=True)
