"""Taking texts out of a history in SQLite, whole."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fallbacks.history.documents import pack
from fallbacks.history.port import Entry
from fallbacks.history.rows import COLUMNS, latest, values_of

_UPDATE = f"UPDATE ticket SET {', '.join(f'{name} = ?' for name in COLUMNS)} WHERE n = ?"


def put_remains(db: sqlite3.Connection, entries: Sequence[Entry], numbers: Mapping[str, int]) -> Counter[str]:
    """What is left of each ticket in its place. numbers: of those that are here, by id. Counts what was changed."""
    changed: Counter[str] = Counter()
    here = [entry for entry in latest(entries) if entry.ticket.id in numbers]
    for entry, packed in zip(here, pack((entry.ticket, entry.facts.text) for entry in here), strict=True):
        number = numbers[entry.ticket.id]
        db.execute(_UPDATE, [*values_of(entry), number])
        changed["search"] += 1
        changed["cold"] += db.execute("SELECT count(*) FROM cold WHERE n = ?", (number,)).fetchone()[0]
        changed["threads"] += db.execute("DELETE FROM thread WHERE n = ?", (number,)).rowcount
        changed["documents"] += db.execute("INSERT OR REPLACE INTO document VALUES (?, ?)", (number, packed)).rowcount
    return changed


def replace_examples(db: sqlite3.Connection, stored: Mapping[int, str]) -> None:
    """In the places that are taken."""
    db.executemany("UPDATE example SET stored = ? WHERE place = ?", [(text, place) for place, text in stored.items()])


def scrubbed(path: Path, run: Callable[[str], object]) -> dict[str, str]:
    """Make index and file anew, and empty the log. run: executes a statement outside of a transaction."""
    run("INSERT INTO found(found) VALUES ('optimize')")
    run("VACUUM")
    run("PRAGMA wal_checkpoint(TRUNCATE)")
    log = path.with_name(f"{path.name}-wal")
    return {str(log): "its log, while others read it"} if log.exists() and log.stat().st_size else {}
