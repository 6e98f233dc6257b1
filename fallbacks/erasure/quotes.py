"""Other tickets that quote an erased one: similar and earlier tickets are shown to the agent, and stand in journals.

A quote is found by how the erased ticket begins. What the agent works just now is left: its run could not go on.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from fallbacks.erasure.stored import Found, put_back, read_ticket
from fallbacks.erasure.texts import Eraser, told_by
from fallbacks.erasure.whom import found_pages, live_bodies
from fallbacks.history.facts import entry_of
from fallbacks.history.port import EndedTicket, History, Search
from fallbacks.history.receipts import mark_of
from fallbacks.ledger.states import SETTLED, State
from fallbacks.store.port import Store
from tasks.run.events import TextsErased, read_event
from tasks.run.process import Process

LEAST = 12
"""Latin letters of a beginning that say whose it is, see `told_by`."""

Counted = tuple[str, Found, Sequence[str]]
"""(place, counts, marks)."""


class Quotes:
    """Looks through every ticket that was accepted after the erased one. ids: of those that are erased anyway."""

    def __init__(
        self, store: Store, history: History | None, process: Process, eraser: Eraser, ids: Iterable[str]
    ) -> None:
        self.store = store
        self.history = history
        self.process = process
        self.eraser = eraser
        self.ids = frozenset(ids)

    async def erase(self, cores: Mapping[str, int], *, dry: bool) -> list[Counted]:
        """cores: how erased tickets begin -> when they were accepted (ms)."""
        telling = {core: at for core, at in cores.items() if told_by(core) >= LEAST}
        if not telling:
            return []
        counted: list[Counted] = []
        for place, tickets in (("quotes", self._stored()), ("quotes in history", self._ended(min(telling.values())))):
            found, marks = 0, list[str]()
            async for ticket in tickets:
                if ticket.id in self.ids or not any(_quotes(stored, telling) for stored in ticket.journal):
                    continue
                found += 1
                if not dry and (mark := await self._erased(ticket, telling, in_store=place == "quotes")):
                    marks.append(mark)
            if found:
                counted.append((place, (found, len(marks)), marks))
        return counted

    async def _erased(self, ticket: EndedTicket, cores: Mapping[str, int], *, in_store: bool) -> str | None:
        now = await self.store.now_ms()
        left = self.eraser.mentions(ticket, lambda stored: _quotes(stored, cores), now)
        if not in_store and self.history:
            await self.history.erase([entry_of(left, self.process)])
        elif State(ticket.row["state"]) not in SETTLED or not await put_back(self.store, ticket, left, whole=False):
            return None
        said = read_event(left.journal[-1]).event
        return mark_of(left.id, said.receipt, said.head, said.left) if isinstance(said, TextsErased) else None

    async def _stored(self) -> AsyncIterator[EndedTicket]:
        async for ticket_id, _ in live_bodies(self.store):
            if ticket := await read_ticket(self.store, ticket_id):
                yield ticket

    async def _ended(self, since_ms: int) -> AsyncIterator[EndedTicket]:
        async for page in found_pages(self.history, Search(since_ms=since_ms)):
            for ticket in (await self.history.find_many(page)).values() if self.history else ():
                yield ticket


def _quotes(stored: str, cores: Iterable[str]) -> bool:
    return any(core in stored for core in cores)
