"""The half of the inbox that decides nothing: pages, serve-next, holds, snoozes and notes."""

import json
from asyncio import gather
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from fallbacks.access.users import Users
from fallbacks.errors import Stale, StoreUnreachable, UnknownTicket
from fallbacks.history.port import History
from fallbacks.inbox.decisions import held_since_ms
from fallbacks.inbox.mentions import Mentions, named_in
from fallbacks.inbox.ownership import owned, owners
from fallbacks.inbox.reach import reach_of, within
from fallbacks.inbox.wanted import Counts, Wanted
from fallbacks.ledger import journal_log
from fallbacks.ledger.acts import Act
from fallbacks.ledger.move import STAYS, At, ByPerson, InboxEntry, Move, make_move, stale
from fallbacks.ledger.states import INBOX
from fallbacks.ledger.views import TicketView, Views, read_row
from fallbacks.store import keys
from fallbacks.store.port import Store, lua_header
from tasks.run import events as ev
from tasks.run.process import Process

HOLD_MS = 5 * 60_000
"""How long an item stays with the person who opened it."""

NOTE_TRIES = 5
"""A note on a ticket that moves this often meanwhile is refused."""


ALL = 10**9
"""More items than any inbox holds."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the inbox, most urgent first. total: items that match. next_offset: None on the last page."""

    items: list[TicketView]
    total: int
    next_offset: int | None


class Holds:
    """What waits, and who has it. person: who acts, as they are known to the door they came through."""

    def __init__(self, store: Store, process: Process, history: History | None = None) -> None:
        self.store = store
        self.process = process
        self.views = Views(store, history)

    async def page(self, facets: Sequence[str] = (), offset: int = 0, limit: int = 50) -> Page:
        """Items waiting, most urgent first. facets: any of "queue:...", "reason:..." and those of the process."""
        return await self.find(Wanted(tuple(facets)), offset, limit)

    async def find(self, wanted: Wanted, offset: int = 0, limit: int = 50, counted: int = ALL) -> Page:
        """Those items that are wanted, in its order. counted: so many more than the page at most are counted."""
        ids, total = await self.find_ids(wanted, offset, limit, counted)
        return Page(await self.items(ids), total, offset + limit if offset + limit < total else None)

    async def find_ids(self, wanted: Wanted, offset: int, limit: int, counted: int = ALL) -> tuple[list[str], int]:
        """The same, only their ids; and how many match."""
        total, ids = await self.store.run("inbox_page", "", wanted.to_header(), offset, limit, counted)
        return list(ids), int(total)

    async def items(self, ids: Sequence[str]) -> list[TicketView]:
        """These tickets, without those that are gone."""
        now = await self.store.now_ms()
        rows = await gather(*map(self.store.row, ids))
        return [read_row(ticket_id, row, now) for ticket_id, row in zip(ids, rows, strict=True) if row]

    async def counts(self, unseen: Sequence[str] = ()) -> Counts:
        """How many items the usual lists hold, without those under the facets `unseen`: an item is of one at most."""
        seen = within(self.process, unseen)
        values = lua_header(seen.to_values()) if seen else ""
        return Counts(*map(int, await self.store.run("inbox_counts", "", values)))

    async def next(
        self,
        person: str,
        facet: str | None = None,
        skip: Sequence[str] = (),
        *,
        wanted: Wanted | None = None,
        unseen: Sequence[str] = (),
    ) -> TicketView | None:
        """Hold and return the first item nobody else holds, of their own before what is nobody's; None when there is
        none. wanted: instead of a facet. unseen: under these facets only what is their own.
        """
        asked, event = wanted or Wanted((facet,) if facet else ()), ev.PersonActed(person, Act.CLAIM)
        own = replace(asked, facets=(*asked.facets, f"{keys.ASSIGNEE}{person}"))
        others = replace(asked, without=(*asked.without, keys.ASSIGNED), within=within(self.process, unseen))
        for one in (own, others):
            header = one.to_header()
            ticket_id = await self.store.run("next_item", "", person, HOLD_MS, header, event.to_json(), *skip)
            if ticket_id:
                journal_log.wrote(ticket_id, None, [event])
                return await self.views.ticket(ticket_id)
        return None

    async def claim(self, ticket_id: str, person: str, version: int | None = None) -> TicketView:
        """Hold an item for five minutes."""
        now = await self.store.now_ms()
        held = {"holder": person, "held_until": str(now + HOLD_MS)}
        return await self._note(ticket_id, person, version, Act.CLAIM, values=held)

    async def renew(self, ticket_id: str, person: str) -> int:
        """Keep an item that this person holds for another five minutes; returns until when, store time in ms.

        Changes no version: what others and the page itself were shown stays true. Raises `Stale` where somebody else
        has it by now, or nobody.
        """
        verdict = await self.store.run("hold", ticket_id, person, HOLD_MS)
        if verdict[0] == "unknown":
            raise UnknownTicket(ticket_id)
        if verdict[0] == "stale":
            raise stale(ticket_id, verdict)
        return int(verdict[1])

    async def release(self, ticket_id: str, person: str, version: int | None = None) -> TicketView:
        """Give an item back."""
        return await self._note(ticket_id, person, version, Act.RELEASE, unset=("holder", "held_until"))

    async def snooze(self, ticket_id: str, person: str, version: int | None, seconds: float) -> TicketView:
        """Hide an item from serve-next for a while, and give it back."""
        until = str(await self.store.now_ms() + int(seconds * 1000))
        gone = ("holder", "held_until")
        return await self._note(ticket_id, person, version, Act.SNOOZE, values={"snoozed_until": until}, unset=gone)

    async def assign(self, ticket_id: str, person: str, version: int | None, to: str) -> TicketView:
        """Leave an item to a person or a group (`team:cards`) while it waits, and give it back; to nobody with "".

        Raises `ValueError` for a group that there is not.
        """
        view = await self._waiting(ticket_id, version)
        row = await self.store.row(ticket_id)
        person_to, group = owners(self.process, view, to[:80])
        theirs = replace(view, assignee=person_to, given=group)
        entry = InboxEntry(At(int(row["sla"])), owned(self.process, theirs, json.loads(row["facets"])))
        event = ev.PersonActed(person, Act.ASSIGN, to[:80])
        await self._act(
            ticket_id, Move(view.state, (view.state,), ByPerson(view.version, person), (event,), inbox=entry)
        )
        return await self.views.ticket(ticket_id)

    async def give_up(self, ticket_id: str, person: str, version: int | None) -> TicketView:
        """Take an item from the person whose it is: it goes to whoever's turn it is in its group, where that is in
        rotation, else to nobody.
        """
        view, row = await self._waiting(ticket_id, version), await self.store.row(ticket_id)
        facets = owned(self.process, replace(view, assignee=None), json.loads(row["facets"]))
        event = ev.PersonActed(person, Act.ASSIGN, "")
        by, entry = ByPerson(view.version, person), InboxEntry(At(int(row["sla"])), facets)
        await self._act(
            ticket_id, Move(view.state, (view.state,), by, (event,), inbox=entry, former=view.assignee or "")
        )
        return await self.views.ticket(ticket_id)

    async def note(self, ticket_id: str, person: str, text: str) -> TicketView:
        """Add a note to the timeline of any ticket."""
        event = ev.PersonActed(person, Act.NOTE, text[:4000])
        await self.views.bring_back(ticket_id)
        for last in (*[False] * NOTE_TRIES, True):
            state = (await self.views.ticket(ticket_id)).state
            try:  # a note moves nothing: it is written in the state that was read, or read again
                await self._act(ticket_id, Move(state, (state,), ByPerson(), (event,), due=STAYS, inbox=STAYS))
                break
            except Stale:
                if last:
                    raise
        view = await self.views.ticket(ticket_id)
        if "@" in text:
            await self._mention(view, person, text)
        return view

    async def _mention(self, view: TicketView, person: str, text: str) -> None:
        """Bring it to those who are named and may see it. The note stands, whatever becomes of this."""
        with suppress(StoreUnreachable):
            people = {user.name: user.teams for user in await Users(self.store).everybody() if user.name != person}
            named = named_in(text, people)
            seeing = [name for name in named if not reach_of(self.process, name, people[name]).beyond(view)]
            await Mentions(self.store).add(view.id, seeing)

    async def _waiting(self, ticket_id: str, version: int | None) -> TicketView:
        view = await self.views.ticket(ticket_id)
        if view.state not in INBOX or (version is not None and version != view.version):
            raise stale(ticket_id, ["stale", view.state.value, view.version, view.holder or ""])
        return view

    async def _note(self, ticket_id: str, person: str, version: int | None, act: Act, **what: Any) -> TicketView:
        view = await self._waiting(ticket_id, version)
        by, event = ByPerson(version, person), ev.PersonActed(person, act)
        await self._act(ticket_id, Move(view.state, (view.state,), by, (event,), inbox=STAYS, **what))
        return await self.views.ticket(ticket_id)

    async def _act(self, ticket_id: str, move: Move) -> None:
        moved = await make_move(self.store, ticket_id, move, self.process.facet_names)
        match move.by:
            case ByPerson(name=str(person)) if "holder" not in move.values:
                with suppress(StoreUnreachable):  # a measurement: what was done is done
                    await self.store.put(keys.LAST_ACTS, {person: str(moved.at_ms)})

    async def _handled_seconds(self, timeline: Sequence[ev.Recorded], person: str, now_ms: int) -> float | None:
        """Since they held it, or did the last thing to another item: the console holds the next one ahead of time."""
        held = held_since_ms(timeline, person)
        if held is None:
            return None
        before = int((await self.store.fields(keys.LAST_ACTS)).get(person, 0))
        return max(0, now_ms - max(held, before)) / 1000
