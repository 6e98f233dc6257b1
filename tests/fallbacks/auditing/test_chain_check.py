"""What is changed in history's database behind our back shows against the chain."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from fallbacks.auditing.chain_check import Checked, check_chain
from fallbacks.history.documents import pack
from fallbacks.history.ed25519_seals import Ed25519Sealer, sealed_by
from fallbacks.history.facts import entry_of
from fallbacks.history.sqlite.history import SqliteHistory
from tests.fallbacks.history.ended import ended, entry
from tests.fallbacks.scene import TRIAGE

SEALER = Ed25519Sealer(bytes(range(32)))
Tamper = Callable[[sqlite3.Connection], object]


def document(db: sqlite3.Connection) -> None:
    """One event of t2 says that somebody else approved."""
    found = ended("t2")
    forged = replace(found, journal=tuple(stored.replace("ann", "eve") for stored in found.journal))
    put(db, pack([(forged, "")])[0])


def row(db: sqlite3.Connection) -> None:
    put(db, pack([(ended("t2", priority="low"), "")])[0])


def put(db: sqlite3.Connection, packed: bytes) -> None:
    db.execute("UPDATE document SET packed = ? WHERE n = (SELECT n FROM ticket WHERE id = 't2')", (packed,))


TAMPERINGS: dict[str, Tamper] = {
    "an event": document,
    "a row": row,
    "a column": lambda db: db.execute("UPDATE ticket SET spent = 1 WHERE id = 't2'"),
    "a ticket gone": lambda db: db.execute("DELETE FROM ticket WHERE id = 't2'"),
    "a link gone": lambda db: db.execute("DELETE FROM link WHERE place = 2"),
    "a link changed": lambda db: db.execute("UPDATE link SET events = 1 WHERE place = 2"),
}


async def checked(path: Path, sealer: Ed25519Sealer = SEALER) -> Checked:
    history = SqliteHistory(path, TRIAGE)
    try:
        return await check_chain(history, TRIAGE, lambda what, seal: sealed_by(sealer.public, what, seal))
    finally:
        await history.aclose()


async def written(path: Path) -> None:
    history = SqliteHistory(path, TRIAGE, SEALER.seal)
    await history.write([entry(f"t{n}") for n in range(4)])
    later = ended("t1", version=6)
    await history.write([entry_of(replace(later, journal=(*later.journal, later.journal[-1])), TRIAGE)])
    await history.aclose()


@pytest.mark.parametrize("name", TAMPERINGS)
def test_a_change_behind_our_back_shows(tmp_path: Path, name: str) -> None:
    path = tmp_path / "history.sqlite"
    asyncio.run(written(path))
    whole = asyncio.run(checked(path))
    assert (whole.links, whole.tickets, whole.unsealed, whole.missing, whole.problems) == (5, 4, 0, 0, [])
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        TAMPERINGS[name](db)
    assert asyncio.run(checked(path)).problems


def test_a_chain_that_somebody_else_sealed_is_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    asyncio.run(written(path))
    problems = asyncio.run(checked(path, Ed25519Sealer(bytes(32)))).problems
    assert [what for _, what in problems] == [f"link {n} is sealed by none of the keys that count" for n in (4, 5)]
