"""The store's part: a ticket's row and journal, and every key beside them that holds a text or points to a person."""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

from fallbacks.erasure.texts import Eraser
from fallbacks.history.port import EndedTicket
from fallbacks.ledger.addresses import address_digest
from fallbacks.store import keys
from fallbacks.store.port import Store

PAGE = 500
TRIES = 20
"""Of a ticket to which something happens again and again while it is read."""

Found = tuple[int, int]
"""(what was found, what of it was erased)."""


async def read_ticket(store: Store, ticket_id: str) -> EndedTicket | None:
    """As the store has it; None where it has none."""
    row = await store.row(ticket_id)
    if not row:
        return None
    journal, effects = await store.journal(ticket_id), await store.fields(keys.effects(ticket_id))
    return EndedTicket(ticket_id, row, tuple(journal), effects, await store.fields(keys.original(ticket_id)))


async def put_back(store: Store, before: EndedTicket, left: EndedTicket, *, whole: bool) -> bool:
    """Put what is left in its place; False where something has happened to the ticket since it was read."""
    row = json.dumps(dict(left.row), ensure_ascii=False) if whole else ""
    effects = json.dumps(dict(left.effects), ensure_ascii=False) if whole else ""
    args: tuple[str | int, ...] = (before.row["version"], len(before.journal), row, effects, *left.journal)
    return bool(await store.run("erase", before.id, *args))


class StoredTexts:
    """What else there is. dry: nothing is changed, and what is found is counted."""

    def __init__(self, store: Store, eraser: Eraser, *, dry: bool) -> None:
        self.store = store
        self.eraser = eraser
        self.dry = dry

    async def outbox(self, ids: frozenset[str]) -> Found:
        """Outcomes on their way, and those kept for a week: they keep type and place."""
        mine = [key async for key, ticket in self._family(keys.message, "ticket") if ticket in ids]
        for key in mine if not self.dry else ():
            row = await self.store.fields(key)
            if "body" in row:
                await self.store.put(key, {"body": self.eraser.outcome(row["body"])})
        return len(mine), 0 if self.dry else len(mine)

    async def threads(self, ids: frozenset[str]) -> Found:
        """Mails, by which answers to them are found."""
        return await self._forget([key async for key, ticket in self._family(keys.thread) if ticket in ids])

    async def answers(self) -> Found:
        """Models' answers that may be used again: none says whose request it answers, so all go."""
        return await self._forget([key async for key, _ in self._family(keys.answer)])

    async def of_person(self, requesters: frozenset[str], emails: frozenset[str]) -> Found:
        """Lists of a requester's tickets, and mails to them that came back."""
        names = [*map(keys.requester, requesters), *(keys.bounced(address_digest(email)) for email in emails)]
        there = [key async for key, _ in self._family(keys.requester) if key in names]
        there += [key async for key, _ in self._family(keys.bounced, "ticket") if key in names]
        return await self._forget(there)

    async def recent(self, people: frozenset[str]) -> Found:
        """Who sent lately."""
        return await self._lines(keys.RECENT, lambda line: "" if json.loads(line).get("who") in people else line)

    async def examples(self, ids: frozenset[str]) -> Found:
        """People's decisions: what they are counted by stays."""
        return await self._lines(
            keys.EXAMPLES, lambda line: self.eraser.example(line) if json.loads(line).get("id") in ids else line
        )

    async def operator_log(self, words: frozenset[str]) -> Found:
        """Lines that name the person, by id, address or name."""

        def left(line: str) -> str:
            if not any(word in line for word in words):
                return line
            said = {
                name: self._without(value, words) if name in ("before", "after") else value
                for name, value in json.loads(line).items()
            }
            return json.dumps(said, ensure_ascii=False)

        return await self._lines(keys.CONTROL_LOG, left) if words else (0, 0)

    async def probes(self, ids: frozenset[str]) -> list[str]:
        """Tickets that copy one of these."""
        waiting = await self.store.fields(keys.PROBES)
        return [probe for probe, stored in waiting.items() if json.loads(stored).get("source") in ids]

    @staticmethod
    def _without(value: object, words: Iterable[str]) -> object:
        for word in words if isinstance(value, str) else ():
            value = str(value).replace(word, "[erased]")
        return value

    async def _lines(self, name: str, left: Callable[[str], str]) -> Found:
        """Lines of a list that are not as `left` leaves them."""
        lines = [line async for line in self._listed(name)]
        pairs = {line: then for line in lines if (then := left(line)) != line}
        flat = [part for pair in pairs.items() for part in pair]
        for at in range(0, 0 if self.dry else len(flat), PAGE):
            await self.store.run("relist", "", name, *flat[at : at + PAGE])
        return len(pairs), 0 if self.dry else len(pairs)

    async def _listed(self, name: str) -> AsyncIterator[str]:
        start = 0
        while page := await self.store.listed(name, start, start + PAGE - 1):
            start += len(page)
            for line in page:
                yield line

    async def _family(self, key: Callable[[str], str], field: str = "") -> AsyncIterator[tuple[str, str]]:
        """(key, its text or the field of it) of each key of a family; one may come twice."""
        cursor, seen = "0", set[str]()
        while True:
            cursor, flat = await self.store.run("family", "", key("*"), cursor, PAGE, field)
            for name, value in zip(flat[::2], flat[1::2], strict=True):
                if name not in seen:
                    seen.add(name)
                    yield name, value
            if str(cursor) == "0":
                return

    async def _forget(self, names: Sequence[str]) -> Found:
        for at in range(0, 0 if self.dry else len(names), PAGE):
            await self.store.run("forget", "", *names[at : at + PAGE])
        return len(names), 0 if self.dry else len(names)
