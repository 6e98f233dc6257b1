"""Similar decided tickets: a full-text index in memory, fed by whoever knows the decisions."""

import json
import sqlite3
from collections.abc import Iterable

from tasks.errors import ToolError
from tasks.tools.ports import PastTicket
from worker.lookups.sqlite_query import match_any

MAX_TEXT_CHARS = 4_000
DEFAULT_CAPACITY = 10_000
"""A search ranks every match: 1.6 ms (median) at this size, 8 ms at 46,000, and it blocks the loop."""

_SCHEMA = """
CREATE TABLE past (number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, text TEXT, facets TEXT);
CREATE VIRTUAL TABLE said USING fts5(
    text, content='past', content_rowid='number', tokenize='porter unicode61 remove_diacritics 2'
);
"""
_SEARCH = """
SELECT past.id, past.text, past.facets FROM said JOIN past ON past.number = said.rowid
WHERE said MATCH ? ORDER BY bm25(said) LIMIT ?
"""


class SimilarTickets:
    """The `similar` half of `tasks.tools.ports.TicketHistory`. One event loop owns an instance, and no call
    blocks it for long.

    capacity: the newest so many tickets are kept.
    """

    def __init__(self, capacity: int = DEFAULT_CAPACITY) -> None:
        self.capacity = capacity
        self._store = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._store.executescript(_SCHEMA)

    def __len__(self) -> int:
        return int(self._store.execute("SELECT count(*) FROM past").fetchone()[0])

    def add(self, ticket: PastTicket) -> None:
        """Learn one decided ticket; the same id again replaces it, e.g. after a person's correction."""
        self.add_many((ticket,))

    def add_many(self, tickets: Iterable[PastTicket]) -> None:
        """Learn decided tickets; undecided ones are passed over. About 7 ms per thousand: feed large lots in parts."""
        self._store.execute("BEGIN")
        try:
            for ticket in tickets:
                if ticket.facets:
                    self._replace(ticket)
            self._forget_oldest()
        except BaseException:
            self._store.execute("ROLLBACK")
            raise
        self._store.execute("COMMIT")

    async def similar(self, text: str, limit: int) -> list[PastTicket]:
        """Decided tickets most like this text, best first."""
        match = match_any(text)
        if not match or limit < 1:
            return []
        try:
            rows = self._store.execute(_SEARCH, (match, limit)).fetchall()
        except sqlite3.Error as error:
            raise ToolError(f"earlier tickets cannot be searched: {type(error).__name__}") from None
        return [PastTicket(ticket_id, said, json.loads(facets)) for ticket_id, said, facets in rows]

    def close(self) -> None:
        """Free the index."""
        self._store.close()

    def _replace(self, ticket: PastTicket) -> None:
        self._remove(self._store.execute("SELECT number, text FROM past WHERE id = ?", (ticket.id,)).fetchall())
        text = ticket.text[:MAX_TEXT_CHARS]
        number = self._store.execute(
            "INSERT INTO past (id, text, facets) VALUES (?, ?, ?)", (ticket.id, text, json.dumps(dict(ticket.facets)))
        ).lastrowid
        self._store.execute("INSERT INTO said (rowid, text) VALUES (?, ?)", (number, text))

    def _forget_oldest(self) -> None:
        surplus = len(self) - self.capacity
        if surplus > 0:
            oldest = "SELECT number, text FROM past ORDER BY number LIMIT ?"
            self._remove(self._store.execute(oldest, (surplus,)).fetchall())

    def _remove(self, rows: list[tuple[int, str]]) -> None:
        for number, text in rows:  # an external-content index must be given what it forgets
            self._store.execute("INSERT INTO said (said, rowid, text) VALUES ('delete', ?, ?)", (number, text))
            self._store.execute("DELETE FROM past WHERE number = ?", (number,))
