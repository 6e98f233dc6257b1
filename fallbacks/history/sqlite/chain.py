"""The chain over what was written, in SQLite. The three digests of a link are kept as bytes."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from fallbacks.history.chain import Seal, links_after
from fallbacks.history.port import EndedTicket, Link


def add_links(db: sqlite3.Connection, tickets: Sequence[EndedTicket], seal: Seal | None) -> None:
    """One for each ticket that was written, behind the last one there is."""
    last = db.execute("SELECT * FROM link ORDER BY place DESC LIMIT 1").fetchone()
    links = links_after(_link(last) if last else None, tickets, seal)
    db.executemany("INSERT INTO link VALUES (?, ?, ?, ?, ?, ?, ?, ?)", map(_row, links))


def read_links(db: sqlite3.Connection, start: int, count: int) -> list[Link]:
    """In order."""
    sql = "SELECT * FROM link WHERE place >= ? AND place < ? ORDER BY place"
    return list(map(_link, db.execute(sql, (start, start + count))))


def _row(link: Link) -> tuple[Any, ...]:
    digests = map(bytes.fromhex, (link.head, link.row, link.hash))
    return (link.place, link.id, link.version, link.events, *digests, link.seal)


def _link(row: Sequence[Any]) -> Link:
    place, ticket_id, version, events, head, digest, chained, seal = row
    return Link(place, ticket_id, version, events, head.hex(), digest.hex(), chained.hex(), seal)
