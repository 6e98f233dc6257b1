"""The history under the ledger: tickets that have ended, whole, and what they are found by.

`sqlite_history.py` and `postgres_history.py` are the real ones; one contract suite runs on both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class EndedTicket:
    """One ticket as the ledger held it: fields of its row, stored events oldest first, its effect ledger.

    beside: what was kept beside the row, a mail and texts of what was attached: the hash `original:ID`. threads: ids
    of the mails that are it or were added to it. keys: idempotency keys (as the store names them) that made it.
    """

    id: str
    row: Mapping[str, str]
    journal: tuple[str, ...]
    effects: Mapping[str, str]
    beside: Mapping[str, str] = field(default_factory=dict)
    threads: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cost:
    """What a ticket cost on one UTC day with one tier. day: since 1970, as the store counts."""

    day: int
    tier: str
    calls: int
    input_tokens: int
    output_tokens: int
    nanodollars: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What a ticket is found and counted by, read from it when it left. Times in ms of the store.

    reason: of a ticket that was handed off; closed: kind of an end without a decision. key: of the decision; facets:
    all of them. digest: of its body, as its row has it. text: subject, body, messages and summary, for the search.
    """

    accepted_ms: int
    ended_ms: int
    version: int
    state: str
    source: str
    door: str
    digest: str
    subject: str = ""
    text: str = ""
    requester_id: str | None = None
    requester_email: str | None = None
    requester_name: str | None = None
    reason: str | None = None
    closed: str | None = None
    key: str | None = None
    facets: Mapping[str, str] = field(default_factory=dict)
    priority: str = ""
    tier: str | None = None
    decided_by: str | None = None
    confidence: float | None = None
    suggested: str | None = None
    corrected: bool = False
    spent_nanodollars: int = 0
    overbilled: int = 0
    steps: int = 0
    run_seconds: float = 0.0
    costs: tuple[Cost, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A ticket on its way into history."""

    ticket: EndedTicket
    facts: Facts


@dataclass(frozen=True, slots=True)
class Known:
    """A ticket that was here before: enough to answer one that is sent again."""

    id: str
    digest: str
    state: str


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for; what is None is not asked for. Newest acceptance first, then the greatest id by code point.

    q: words, read by `fallbacks.history.words`, all of which must stand in id, subject, text or in id, e-mail and name
    of the requester. requester: the id or the e-mail, case apart. reason: of a hand-off, or the kind of a close.
    since_ms, until_ms: accepted then or later, and before. ended_since_ms: ended then or later. before: (accepted_ms,
    id) to go on from, exclusive.
    """

    q: str = ""
    states: tuple[str, ...] = ()
    key: str | None = None
    facets: Mapping[str, str] = field(default_factory=dict)
    requester: str | None = None
    source: str | None = None
    reason: str | None = None
    decided_by: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    ended_since_ms: int | None = None
    corrected: bool | None = None
    before: tuple[int, str] | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain over all that was written here. place: from 1. events: of the ticket, when it was written;
    head: the chain over them, see `fallbacks.history.chain`; row: digest of its row. hash: over this and the link
    before. seal: over the hash, on the last link of each write, "" on the others.
    """

    place: int
    id: str
    version: int
    events: int
    head: str
    row: str
    hash: str
    seal: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """What is in history, what was erased or moved to cold files included. Nanodollars; days since 1970."""

    tickets: int
    spent: int
    overbilled: int
    spent_by_day: Mapping[int, int]


class History(Protocol):
    """Raises `HistoryUnreachable` when it cannot answer or write; nothing may then be assumed."""

    async def write(self, entries: Sequence[Entry]) -> None:
        """Keep tickets, all or none, durably on return. One that is here already is replaced by a later version, and
        stays as it is where it has the same or a later one.
        """
        ...

    async def find(self, ticket_id: str) -> EndedTicket | None:
        """A ticket whole, what was erased without its texts; None where it is not here."""
        ...

    async def find_many(self, ticket_ids: Sequence[str]) -> Mapping[str, EndedTicket]:
        """Those of them that are here, whole."""
        ...

    async def known(self, ticket_ids: Sequence[str]) -> Mapping[str, Known]:
        """Those of them that are here, erased ones too."""
        ...

    async def made_by(self, keys: Sequence[str]) -> Mapping[str, Known]:
        """Idempotency key -> the ticket that it made."""
        ...

    async def in_thread(self, mail_ids: Sequence[str]) -> Mapping[str, str]:
        """Mail id -> the ticket that it is, or was added to."""
        ...

    async def of_requester(self, requester_id: str, limit: int) -> list[tuple[str, Facts]]:
        """(id, facts without costs) of a requester's last tickets, newest first."""
        ...

    async def search(self, wanted: Search) -> list[tuple[str, Facts]]:
        """(id, facts without costs), at most `limit`."""
        ...

    async def identity(self) -> str:
        """Which history this is: made once, with its first table."""
        ...

    async def totals(self) -> Totals:
        """Sums over all."""
        ...

    async def add_examples(self, start: int, stored: Sequence[str]) -> None:
        """Keep people's decisions (JSON, as the store had them), all or none; the first has place `start` of all that
        ever were. One whose place is taken changes nothing.
        """
        ...

    async def examples(self, start: int, count: int) -> list[str]:
        """At most `count` from place `start`, in order."""
        ...

    async def query(self, sql: str, parameters: Mapping[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        """(columns, rows) of a query over the documented views; it cannot write. For reports."""
        ...

    async def chain(self, start: int, count: int) -> list[Link]:
        """At most `count` links from place `start` (1 is the first), in order. `write` adds one for each ticket that it
        keeps or replaces, in its transaction; `erase` adds none.
        """
        ...

    async def erase(self, entries: Sequence[Entry]) -> Mapping[str, int]:
        """Put what is left of tickets in their place, all or none, whatever version is here: document (cold ones, too),
        columns, search index; ids of their mails go. What is not here is left out. How many of each place were changed:
        `documents`, `cold`, `search`, `threads`.
        """
        ...

    async def replace_examples(self, stored: Mapping[int, str]) -> None:
        """Put others in the places of people's decisions that are here, all or none."""
        ...

    async def scrub(self) -> Mapping[str, str]:
        """Leave no trace in files of what was replaced, as far as the engine can; it may take long, and hold writers.
        File, or kind of file, that may still hold some -> what it is and when it goes.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...
