"""Finding tickets in SQLite, newest first. `n` rises with the time of acceptance, so that the index of words is read
from its end, and no further than until enough was found, however many tickets have a word.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from fallbacks.history.port import Search
from fallbacks.history.rows import FACTS
from fallbacks.history.words import match_all, read_terms

BITS = 12
"""Of `n`, below the ms of acceptance: tickets of the same ms."""

Row = tuple[Any, ...]
"""Id, facts as `FACTS` has them, document or None."""

SELECTED = ", ".join(["id", *(f"ticket.{name}" for name in FACTS), "packed"])

Clause = tuple[str, list[Any]]


def search(db: sqlite3.Connection, wanted: Search, keyed_by: str, *further: Clause) -> list[Row]:
    """At most `limit`, in the order of the port. keyed_by: the facet that the column `key` has."""
    terms = read_terms(wanted.q)
    if wanted.q.strip() and not terms:
        return []
    clauses = [*_clauses(wanted, keyed_by), *further]
    source, number = "ticket", "ticket.n"
    if terms:
        source, number = "found CROSS JOIN ticket ON ticket.n = found.rowid", "found.rowid"
        clauses.append(("found MATCH ?", [match_all(terms)]))
    clauses += _bounds(wanted, number)
    where = " AND ".join(clause for clause, _ in clauses) or "1"
    documents = "LEFT JOIN document ON document.n = ticket.n"
    sql = f"SELECT {SELECTED} FROM {source} {documents} WHERE {where} ORDER BY {number} DESC"
    return _first(db.execute(sql, [value for _, values in clauses for value in values]), wanted)


def _first(rows: Iterable[Row], wanted: Search) -> list[Row]:
    """As many as are wanted, and to the end of the last one's ms: within it, ids decide."""
    found = list[Row]()
    for row in rows:
        if wanted.before and (row[1], row[0]) >= wanted.before:
            continue
        if len(found) >= wanted.limit and row[1] != found[-1][1]:
            break
        found.append(row)
    return sorted(found, key=lambda row: (row[1], row[0]), reverse=True)[: wanted.limit]


def _bounds(wanted: Search, number: str) -> Iterator[Clause]:
    until = min(
        (ms for ms in (wanted.until_ms, wanted.before[0] + 1 if wanted.before else None) if ms is not None),
        default=None,
    )
    if wanted.since_ms is not None:
        yield f"{number} >= ?", [wanted.since_ms << BITS]
    if until is not None:
        yield f"{number} < ?", [until << BITS]


def _clauses(wanted: Search, keyed_by: str) -> Iterator[Clause]:
    if wanted.states:
        yield f"state IN ({', '.join('?' * len(wanted.states))})", list(wanted.states)
    key = wanted.key if wanted.key is not None else wanted.facets.get(keyed_by)
    equal = {"key": key, "source": wanted.source, "decided_by": wanted.decided_by}
    for name, value in equal.items():
        if value is not None:
            yield f"{name} = ?", [value]
    if wanted.reason is not None:
        yield "? IN (reason, closed)", [wanted.reason]
    for name, value in wanted.facets.items():
        yield "facets ->> ? = ?", [f'$."{name}"', value]
    if wanted.requester is not None:
        yield "(requester_id = ? OR requester_email = ?)", [wanted.requester] * 2
    if wanted.ended_since_ms is not None:
        yield "ended >= ?", [wanted.ended_since_ms]
    if wanted.corrected is not None:
        yield "corrected = ?", [wanted.corrected]
