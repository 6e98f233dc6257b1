"""Writes the journal for auditors: every event of every ticket, live or in history, and every act of an operator."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fallbacks.auditing.lines import FORM, Kind, body_of, finished, line_hash, sealed_part
from fallbacks.history.chain import erased_of, journal_head
from fallbacks.history.port import EndedTicket, History, Search
from fallbacks.history.seals import Sealer
from fallbacks.ledger.states import ENDED, State
from fallbacks.store import keys
from fallbacks.store.port import Store

PAGE = 200

_ROW = ("state", "version", "accepted", "since", "source", "door", "digest", "spent", "overbilled")
"""Fields of a ticket's row that its line shows: none of its text."""

Write = Callable[[bytes], object]


@dataclass(slots=True)
class Journal:
    """A file that is being written. head: hash of the last line. counts: lines of each kind."""

    write: Write
    count: int = 0
    head: str = ""
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, kind: Kind, said: Mapping[str, Any], stored: str | None = None) -> None:
        """One more line."""
        body = body_of(self.count + 1, kind, said, stored)
        self.head = line_hash(self.head, body)
        self.count += 1
        self.counts[kind.value] = self.counts.get(kind.value, 0) + 1
        self.write(finished(body, self.head))

    def end(self, sealer: Sealer) -> None:
        """The trailer: how many lines, the last hash, and the seal over both."""
        said = {"count": self.count, "head": self.head, "lines": self.counts, "key": sealer.public}
        body = body_of(self.count + 1, Kind.TRAILER, said)
        hash_ = line_hash(self.head, body)
        self.write(finished(body, hash_, sealer.seal(sealed_part(self.count, hash_))))


async def export_journal(
    store: Store, history: History | None, sealer: Sealer, write: Write, about: Mapping[str, Any]
) -> Journal:
    """Write all of it, tickets one after another. about: what the header says of the deployment.

    A ticket that was accepted before this began is in it once, wherever it moves meanwhile.
    """
    journal = Journal(write)
    journal.add(Kind.HEADER, {"form": FORM, "at": await store.now_ms(), **about})
    async for ticket in _tickets(store, history):
        _add_ticket(journal, ticket)
    for line in await _acts(store):
        journal.add(Kind.ACT, {"act": json.loads(line)})
    for receipt in reversed(await store.listed(keys.RECEIPTS, 0, -1)):
        journal.add(Kind.RECEIPT, {"receipt": json.loads(receipt)})
    journal.end(sealer)
    return journal


def _add_ticket(journal: Journal, ticket: EndedTicket) -> None:
    events = ticket.journal
    erased = sum(erased_of(stored) is not None for stored in events)
    row = {name: ticket.row[name] for name in _ROW if name in ticket.row}
    head = journal_head(ticket.id, events)
    journal.add(Kind.TICKET, {"id": ticket.id, **row, "events": len(events), "erased": erased, "head": head})
    for place, stored in enumerate(events):
        journal.add(Kind.EVENT, {"ticket": ticket.id, "seq": place}, stored)


async def _tickets(store: Store, history: History | None) -> AsyncIterator[EndedTicket]:
    """Those of the store, then of history; what leaves the one for the other meanwhile is looked up at the end."""
    live, left = await _live(store), list[str]()
    for ticket_id in live:
        row, events = await store.row(ticket_id), await store.journal(ticket_id)
        if row and events:
            yield EndedTicket(ticket_id, row, tuple(events), {})
        else:
            left.append(ticket_id)
    if history is None:
        return
    seen = set(live)
    async for page in _pages(history):
        for ticket in (await history.find_many([each for each in page if each not in seen])).values():
            seen.add(ticket.id)
            yield ticket
    for at in range(0, len(left), PAGE):
        for ticket in (await history.find_many(left[at : at + PAGE])).values():
            yield ticket


async def _live(store: Store) -> list[str]:
    """Tickets that are in a state. Those go on meanwhile, so they are read in the order of a ticket's life, twice."""
    states = sorted(State, key=lambda state: state in ENDED)
    found: dict[str, None] = {}
    for state in (*states, *states):
        found |= dict.fromkeys(ticket_id for ticket_id, _ in await store.ranked(keys.in_state(state), 0, -1))
    return list(found)


async def _pages(history: History) -> AsyncIterator[Sequence[str]]:
    before: tuple[int, str] | None = None
    while page := await history.search(Search(before=before, limit=PAGE)):
        yield [ticket_id for ticket_id, _ in page]
        ticket_id, facts = page[-1]
        before = (facts.accepted_ms, ticket_id)


async def _acts(store: Store) -> list[str]:
    """Lines of the operator log and of the sign-ins, oldest first."""
    lists = (keys.CONTROL_LOG, keys.SIGN_IN_LOG)
    lines = [line for name in lists for line in reversed(await store.listed(name, 0, -1))]
    return sorted(lines, key=lambda line: int(json.loads(line)["at"]))
