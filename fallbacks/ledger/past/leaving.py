"""Leaving: what has ended goes from the store to history, whole, so that memory holds live work.

It is written to history first, durably, and dropped from the store second, where it is still as it was read. A crash in
between leaves it in both: the store is what counts then, and the next round writes and drops it again.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fallbacks.history.facts import entry_of
from fallbacks.history.port import EndedTicket, Entry, History
from fallbacks.ledger.states import ENDED, State
from fallbacks.store.port import Store
from tasks.run.process import Process

log = logging.getLogger(__name__)

PAGE = 100
"""Tickets that are read, written and dropped at once."""

MOST = 2_000
"""Tickets of a state that one round looks at: history is drained into at a bounded rate, whatever waits."""

RESTS_MS = 10_000
"""How long a ticket has rested in its end before it leaves: whoever waits for its end reads it from memory."""

REMEMBERED_MS = 2 * 60 * 1000
"""How long the store knows that one has left: whoever asked history before that accepts long before this is over."""

GONE_OVER = frozenset({"undo", "undo_until", "op"})
"""Fields of a row that say nothing any more when it leaves: its undo is over, no move of it is made again."""

OUT = "out:"
"""How what is kept beside a ticket names a message of the outbox that reported of it."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one look did. left: tickets that are in history now. twice: (id, the id it left under) of tickets that were
    accepted a second time while history could not be asked.
    """

    left: int = 0
    twice: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Leaving:
    """Moves ended tickets. Any number of processes may; a ticket that cannot leave holds up no other.

    rests_ms: see `RESTS_MS`.
    """

    store: Store
    history: History
    process: Process
    rests_ms: int = RESTS_MS
    _stuck: set[str] = field(default_factory=set)
    _stayed: dict[State, int] = field(default_factory=dict)

    async def round(self, most: int = MOST) -> Round:
        """Move what may leave, looking at so many of each state. Raises `HistoryUnreachable`; nothing is lost then."""
        left, twice = 0, list[tuple[str, str]]()
        for state in sorted(ENDED):
            for _ in range(0, most, PAGE):
                found, went, again = await self._page(state, self._stayed.get(state, 0))
                left, twice = left + went, twice + again
                self._stayed[state] = self._stayed.get(state, 0) + found - went
                if found < PAGE:
                    self._stayed[state] = 0  # from the oldest on again, next time
                    break
        return Round(left, tuple(twice))

    async def _page(self, state: State, offset: int) -> tuple[int, int, list[tuple[str, str]]]:
        """(tickets that were looked at, of which left, that were accepted twice)."""
        page = await self.store.run("leaving_read", "", state.value, self.rests_ms, offset, PAGE)
        entries = [entry for found in page if (entry := self._entry(found)) is not None]
        if not entries:
            return len(page), 0, []
        versions = {entry.ticket.id: entry.ticket.row["version"] for entry in entries}
        renamed = await self._renamed(entries)
        await self.history.write([renamed.get(entry.ticket.id, entry) for entry in entries])
        args = [
            part
            for entry in entries
            for part in (entry.ticket.id, versions[entry.ticket.id], entry.facts.requester_id or "")
        ]
        went = await self.store.run("leaving_drop", "", state.value, REMEMBERED_MS, *args)
        return len(page), len(went), [(one, renamed[one].ticket.id) for one in went if one in renamed]

    def _entry(self, found: Sequence[Any]) -> Entry | None:
        """A ticket as history takes it; None for one that stays."""
        if len(found) < 3:
            if found[1:] == ["1"]:
                self._say(found[0])
            return None
        try:
            return entry_of(_ticket(*found), self.process)
        except (ValueError, KeyError, TypeError):
            self._say(found[0])
            return None

    def _say(self, ticket_id: str) -> None:
        """Once of each: it is looked at again and again."""
        if ticket_id not in self._stuck and len(self._stuck) < MOST:
            self._stuck.add(ticket_id)
            log.error("%s cannot leave the store: it cannot be read", ticket_id, exc_info=True)

    async def _renamed(self, entries: Sequence[Entry]) -> dict[str, Entry]:
        """Of tickets that were accepted while history could not be asked, those whose id it has: what they leave as."""
        unasked = [entry for entry in entries if "unasked" in entry.ticket.row]
        known = await self.history.known([entry.ticket.id for entry in unasked]) if unasked else {}
        there = await self.history.find_many(list(known)) if known else {}
        itself = {  # written by a round that ended before it could drop
            entry.ticket.id
            for entry in unasked
            if (kept := there.get(entry.ticket.id)) and kept.row["accepted"] == entry.ticket.row["accepted"]
        }
        known = {ticket_id: one for ticket_id, one in known.items() if ticket_id not in itself}
        keys = [key for entry in unasked for key in entry.ticket.keys]
        made = await self.history.made_by(keys) if keys else {}
        for entry in unasked:
            for key in entry.ticket.keys:
                if key in made and made[key].id != entry.ticket.id:
                    known = {**known, entry.ticket.id: made[key]}
        return {entry.ticket.id: _under_its_own_id(entry) for entry in unasked if entry.ticket.id in known}


def ended_ticket(
    ticket_id: str, row: dict[str, str], journal: Sequence[str], effects: dict[str, str], beside: dict[str, str]
) -> EndedTicket:
    """A ticket as history keeps it; what it is found by besides its id is in its row and its journal."""
    kept = {name: value for name, value in row.items() if name not in GONE_OVER}
    return EndedTicket(
        id=ticket_id,
        row=kept,
        journal=tuple(journal),
        effects=effects,
        beside=beside,
        threads=tuple(name.removeprefix(OUT) for name in beside if name.startswith(OUT)),
        keys=tuple(row.get("keys", "").split()),
    )


def _ticket(
    ticket_id: str,
    row: list[str],
    journal: list[str],
    effects: list[str],
    beside: list[str],
    messages: list[str],
    sent: list[tuple[str, list[str]]],
) -> EndedTicket:
    outbox = {f"{OUT}{out}": json.dumps(_pairs(fields), ensure_ascii=False) for out, fields in sent}
    found = ended_ticket(ticket_id, _pairs(row), journal, _pairs(effects), {**_pairs(beside), **outbox})
    return replace(found, threads=(*messages, *found.threads))


def _under_its_own_id(entry: Entry) -> Entry:
    """The second of two tickets with one id: whole, under an id that says so, without what the first is found by."""
    ticket = entry.ticket
    again = f"{ticket.id[:100]}@{entry.facts.accepted_ms}"
    return replace(entry, ticket=replace(ticket, id=again, keys=()))


def _pairs(flat: list[Any]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
