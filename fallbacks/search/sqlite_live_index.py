"""The index of the tickets that are here: SQLite's full text, in memory. One event loop owns an instance.

`n` rises with the time of acceptance, as in `fallbacks/history/sqlite/search.py`: words are read from their end, and no
further than until enough was found.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fallbacks.history.port import Facts, Search
from fallbacks.history.words import match_all, read_terms, searched, stand_in
from fallbacks.ledger.states import ENDED

_SCHEMA = """
CREATE TABLE ticket (
    n INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, accepted INTEGER NOT NULL, since INTEGER NOT NULL,
    version INTEGER NOT NULL, state TEXT NOT NULL, source TEXT NOT NULL, requester TEXT, email TEXT, reason TEXT,
    closed TEXT, key TEXT, facets TEXT NOT NULL, decided_by TEXT, corrected INTEGER NOT NULL
);
CREATE INDEX by_requester ON ticket (requester);
CREATE INDEX by_email ON ticket (email);
CREATE VIRTUAL TABLE said USING fts5(text, tokenize='unicode61 remove_diacritics 2');
"""
_COLUMNS = 15
_BITS = 12
"""Of `n`, below the ms of acceptance: tickets of the same ms."""

_Clause = tuple[str, Sequence[Any]]


class SqliteLiveIndex:
    """Implements `fallbacks.search.live.LiveIndex`."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._db.executescript(_SCHEMA)
        self._numbers: dict[str, int] = {}
        self._taken: set[int] = set()

    def __len__(self) -> int:
        return len(self._numbers)

    def put(self, tickets: Iterable[tuple[str, Facts]]) -> None:
        """Learn tickets anew, or as they are by now."""
        given = dict(tickets)
        again = [(self._numbers[each],) for each in given if each in self._numbers]
        rows = [(self._number(each, facts.accepted_ms), each, *_values(facts)) for each, facts in given.items()]
        said = [(self._numbers[each], searched(each, facts)) for each, facts in given.items()]
        self._db.execute("BEGIN")
        self._db.executemany("DELETE FROM said WHERE rowid = ?", again)
        self._db.executemany(f"INSERT OR REPLACE INTO ticket VALUES ({_marks(range(_COLUMNS))})", rows)  # noqa: S608
        self._db.executemany("INSERT INTO said (rowid, text) VALUES (?, ?)", said)
        self._db.execute("COMMIT")

    def forget(self, ticket_ids: Iterable[str]) -> None:
        """Tickets that are not here any more."""
        numbers = [(self._numbers.pop(each),) for each in ticket_ids if each in self._numbers]
        self._taken.difference_update(number for (number,) in numbers)
        for table, column in (("said", "rowid"), ("ticket", "n")):
            self._db.executemany(f"DELETE FROM {table} WHERE {column} = ?", numbers)  # noqa: S608 - ours

    def versions(self, ticket_ids: Sequence[str]) -> Mapping[str, int]:
        """Of those that are known."""
        known = [self._numbers[each] for each in ticket_ids if each in self._numbers]
        rows = self._db.execute(f"SELECT id, version FROM ticket WHERE n IN ({_marks(known)})", known)  # noqa: S608
        return dict(rows.fetchall())

    def after(self, ticket_id: str, count: int) -> Mapping[str, int]:
        """Versions of the next so many by id, to go through all of them."""
        sql = "SELECT id, version FROM ticket WHERE id > ? ORDER BY id LIMIT ?"
        return dict(self._db.execute(sql, (ticket_id, count)).fetchall())

    def search(self, wanted: Search) -> list[tuple[int, str]]:
        """(accepted_ms, id), in the order of history's search, at most `limit`."""
        found = list[tuple[int, str]]()
        for row in self._selected(wanted):
            if wanted.before and row >= wanted.before:
                continue
            if len(found) >= wanted.limit and row[0] != found[-1][0]:  # within a ms, ids decide
                break
            found.append(row)
        return sorted(found, reverse=True)[: wanted.limit]

    def fitting(self, wanted: Search, ticket_ids: Sequence[str]) -> frozenset[str]:
        """Those of them that it asks for, wherever it begins. Their words are looked at one by one: asking the index of
        words for each of a few would gather all beginnings of `pay*` each time.
        """
        terms = read_terms(wanted.q)
        if wanted.q.strip() and not terms:
            return frozenset()
        known = [self._numbers[each] for each in ticket_ids if each in self._numbers]
        clauses = [(f"n IN ({_marks(known)})", known), *_clauses(wanted), *_at_times(wanted)]
        rows = self._rows("id, text", "ticket JOIN said ON said.rowid = n", clauses)
        return frozenset(ticket_id for ticket_id, words in rows if stand_in(terms, words))

    def close(self) -> None:
        """Free the index."""
        self._db.close()

    def _selected(self, wanted: Search) -> Iterator[tuple[int, str]]:
        terms = read_terms(wanted.q)
        if wanted.q.strip() and not terms:
            return iter(())
        clauses = [*_clauses(wanted), *_at_times(wanted)]
        if not terms:
            return self._rows("accepted, id", "ticket", clauses, "n")
        clauses.append(("said MATCH ?", [match_all(terms)]))
        return self._rows("accepted, id", "said CROSS JOIN ticket ON n = said.rowid", clauses, "said.rowid")

    def _rows(self, columns: str, source: str, clauses: Sequence[_Clause], order: str = "n") -> Iterator[Any]:
        where = " AND ".join(clause for clause, _ in clauses) or "TRUE"
        values = [value for _, some in clauses for value in some]
        sql = f"SELECT {columns} FROM {source} WHERE {where} ORDER BY {order} DESC"  # noqa: S608 - of our own words
        return self._db.execute(sql, values)

    def _number(self, ticket_id: str, accepted_ms: int) -> int:
        number = self._numbers.get(ticket_id, accepted_ms << _BITS)
        while ticket_id not in self._numbers and number in self._taken:
            number += 1
        self._numbers[ticket_id] = number
        self._taken.add(number)
        return number


def _values(facts: Facts) -> tuple[Any, ...]:
    return (
        facts.accepted_ms, facts.ended_ms, facts.version, facts.state, facts.source, (facts.requester_id or "").lower(),
        (facts.requester_email or "").lower(), facts.reason, facts.closed, facts.key, _facets(facts.facets),
        facts.decided_by, int(facts.corrected),
    )  # fmt: skip


def _clauses(wanted: Search) -> Iterator[_Clause]:
    for name in ("key", "source", "decided_by", "corrected"):
        if (value := getattr(wanted, name)) is not None:
            yield f"{name} = ?", [value]
    for name, value in wanted.facets.items():
        yield "instr(facets, ?) > 0", [_facets({name: value})]
    if wanted.states:
        yield f"state IN ({_marks(wanted.states)})", wanted.states
    if wanted.requester is not None:
        of = "n IN (SELECT n FROM ticket WHERE requester = ? UNION SELECT n FROM ticket WHERE email = ?)"
        yield of, [wanted.requester.lower()] * 2
    if wanted.reason is not None:
        yield "? IN (reason, closed)", [wanted.reason]


def _at_times(wanted: Search) -> Iterator[_Clause]:
    if wanted.since_ms is not None:
        yield "accepted >= ?", [wanted.since_ms]
    if wanted.until_ms is not None:
        yield "accepted < ?", [wanted.until_ms]
    if wanted.before is not None:
        yield "accepted <= ?", [wanted.before[0]]
    if wanted.ended_since_ms is not None:
        yield f"since >= ? AND state IN ({_marks(ENDED)})", [wanted.ended_since_ms, *sorted(ENDED)]


def _facets(facets: Mapping[str, str]) -> str:
    """Each between bars, so that one is found in many."""
    return "".join(f"|{name}={value}|" for name, value in sorted(facets.items()))


def _marks(values: Iterable[Any]) -> str:
    return ", ".join("?" for _ in values)
