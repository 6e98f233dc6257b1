"""The index of the tickets that are here: SQLite's full text, in memory. One event loop owns an instance."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fallbacks.history.port import Facts, Search
from fallbacks.history.words import match_all, read_terms, searched
from fallbacks.ledger.states import ENDED

_SCHEMA = """
CREATE TABLE ticket (
    n INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, accepted INTEGER NOT NULL, since INTEGER NOT NULL,
    version INTEGER NOT NULL, state TEXT NOT NULL, source TEXT NOT NULL, requester TEXT, email TEXT, reason TEXT,
    closed TEXT, key TEXT, facets TEXT NOT NULL, decided_by TEXT, corrected INTEGER NOT NULL
);
CREATE INDEX by_age ON ticket (accepted DESC, id DESC);
CREATE VIRTUAL TABLE said USING fts5(text, tokenize='unicode61 remove_diacritics 2');
"""
_COLUMNS = 15
_MOST_VARIABLES = 500
_Asked = list[tuple[str, tuple[Any, ...]]]
"""Conditions of a query, all of which must hold, and their values."""


class SqliteLiveIndex:
    """Implements `fallbacks.search.live.LiveIndex`."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._db.executescript(_SCHEMA)

    def __len__(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM ticket").fetchone()[0])

    def put(self, tickets: Iterable[tuple[str, Facts]]) -> None:
        """Learn tickets anew, or as they are by now."""
        self._db.execute("BEGIN")
        try:
            for ticket_id, facts in tickets:
                self._put(ticket_id, facts)
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def forget(self, ticket_ids: Iterable[str]) -> None:
        """Tickets that are not here any more."""
        for ticket_id in ticket_ids:
            for (n,) in self._db.execute("SELECT n FROM ticket WHERE id = ?", (ticket_id,)).fetchall():
                self._db.execute("DELETE FROM said WHERE rowid = ?", (n,))
                self._db.execute("DELETE FROM ticket WHERE n = ?", (n,))

    def versions(self, ticket_ids: Sequence[str]) -> Mapping[str, int]:
        """Of those that are known."""
        found = dict[str, int]()
        for start in range(0, len(ticket_ids), _MOST_VARIABLES):
            some = ticket_ids[start : start + _MOST_VARIABLES]
            rows = self._db.execute(f"SELECT id, version FROM ticket WHERE id IN ({_marks(some)})", some)  # noqa: S608 - marks
            found |= {str(ticket_id): int(version) for ticket_id, version in rows}
        return found

    def after(self, ticket_id: str, count: int) -> Mapping[str, int]:
        """Versions of the next so many by id, to go through all of them."""
        rows = self._db.execute("SELECT id, version FROM ticket WHERE id > ? ORDER BY id LIMIT ?", (ticket_id, count))
        return {str(each): int(version) for each, version in rows}

    def search(self, wanted: Search, among: Sequence[str] | None = None) -> list[tuple[int, str]]:
        """(accepted_ms, id), in the order of history's search, at most `limit`. among: only of these."""
        asked = _asked(wanted)
        if among is not None:
            asked.append((f"id IN ({_marks(among)})", tuple(among)))
        where = " AND ".join(condition for condition, _ in asked) or "TRUE"
        values = [value for _, some in asked for value in some]
        sql = f"SELECT accepted, id FROM ticket WHERE {where} ORDER BY accepted DESC, id DESC LIMIT ?"  # noqa: S608 - ours
        return [(int(accepted), str(found)) for accepted, found in self._db.execute(sql, (*values, wanted.limit))]

    def close(self) -> None:
        """Free the index."""
        self._db.close()

    def _put(self, ticket_id: str, facts: Facts) -> None:
        row = (
            facts.accepted_ms, facts.ended_ms, facts.version, facts.state, facts.source, facts.requester_id,
            facts.requester_email, facts.reason, facts.closed, facts.key, _facets(facts.facets), facts.decided_by,
            int(facts.corrected),
        )  # fmt: skip
        found = self._db.execute("SELECT n FROM ticket WHERE id = ?", (ticket_id,)).fetchone()
        if found:
            self._db.execute("DELETE FROM said WHERE rowid = ?", found)
        n = self._db.execute(
            f"INSERT OR REPLACE INTO ticket VALUES ({_marks(range(_COLUMNS))})",  # noqa: S608 - marks
            (found[0] if found else None, ticket_id, *row),
        ).lastrowid
        self._db.execute("INSERT INTO said (rowid, text) VALUES (?, ?)", (n, searched(ticket_id, facts)))


def _asked(wanted: Search) -> _Asked:
    asked: _Asked = [*_said(wanted.q), *_exactly(wanted), *_at_times(wanted)]
    if wanted.states:
        asked.append((f"state IN ({_marks(wanted.states)})", tuple(wanted.states)))
    if wanted.requester is not None:
        asked.append(("? IN (lower(requester), lower(email))", (wanted.requester.lower(),)))
    if wanted.reason is not None:
        asked.append(("? IN (reason, closed)", (wanted.reason,)))
    asked += [("instr(facets, ?) > 0", (_facets({name: value}),)) for name, value in wanted.facets.items()]
    if wanted.before is not None:
        asked.append(("(accepted, id) < (?, ?)", wanted.before))
    return asked


def _said(q: str) -> _Asked:
    if not q.strip():
        return []
    match = match_all(read_terms(q))
    return [("n IN (SELECT rowid FROM said WHERE said MATCH ?)", (match,)) if match else ("FALSE", ())]


def _at_times(wanted: Search) -> _Asked:
    asked: _Asked = []
    if wanted.since_ms is not None:
        asked.append(("accepted >= ?", (wanted.since_ms,)))
    if wanted.until_ms is not None:
        asked.append(("accepted < ?", (wanted.until_ms,)))
    if wanted.ended_since_ms is not None:
        ended = tuple(sorted(ENDED))
        asked.append((f"since >= ? AND state IN ({_marks(ended)})", (wanted.ended_since_ms, *ended)))
    return asked


def _exactly(wanted: Search) -> _Asked:
    named = {name: getattr(wanted, name) for name in ("key", "source", "decided_by", "corrected")}
    return [(f"{name} = ?", (value,)) for name, value in named.items() if value is not None]


def _facets(facets: Mapping[str, str]) -> str:
    """Each between bars, so that one is found in many."""
    return "".join(f"|{name}={value}|" for name, value in sorted(facets.items()))


def _marks(values: Iterable[Any]) -> str:
    return ", ".join("?" for _ in values)
