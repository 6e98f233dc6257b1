"""Erases a requester's tickets, or one, from every place there is, and writes the receipt."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import uuid4

from fallbacks.erasure.quotes import Quotes
from fallbacks.erasure.stored import TRIES, Found, StoredTexts, put_back, read_ticket
from fallbacks.erasure.texts import BODY, Eraser, core_of
from fallbacks.erasure.whom import Person, Whom, tickets_of
from fallbacks.errors import Stale, UnknownTicket
from fallbacks.history.facts import entry_of
from fallbacks.history.port import EndedTicket, History
from fallbacks.history.receipts import Receipt, mark_of
from fallbacks.history.seals import Sealer
from fallbacks.ledger.limits.control import ERASED, Control
from fallbacks.ledger.states import ENDED, State
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.run.events import TextsErased, read_event
from tasks.run.process import Process

PAGE = 100

Cancel = Callable[[str, str], Awaitable[object]]
"""(ticket id, who): end it, whatever it waits for."""

LOGS = {
    "store": "its append-only file keeps what was there until BGREWRITEAOF, a snapshot until a later one",
    "local model": "versions that learned before are marked: they go with a later one, or by `deskhand train --forget`",
    "backups": "copies of store, history and cold files hold what they held, until they are deleted",
    "outside": "delivered outcomes, exports, and logs of mail servers and of models' makers are not ours to erase",
}
"""What no erasure here reaches."""

UNSCRUBBED = {"history": "its files may hold what was replaced until they are written anew: `deskhand erase` does that"}


@dataclass(slots=True)
class _Work:
    """One erasure. ids: of its tickets; cores: how they begin, by which they are found quoted."""

    receipt_id: str
    eraser: Eraser
    texts: StoredTexts
    ids: set[str] = field(default_factory=set)
    person: Person = field(default_factory=Person)
    cores: dict[str, int] = field(default_factory=dict)
    marks: list[str] = field(default_factory=list)
    places: dict[str, Counter[str]] = field(default_factory=dict)

    def count(self, place: str, found: int, erased: int) -> None:
        counts = self.places.setdefault(place, Counter(found=0, erased=0))
        counts["found"] += found
        counts["erased"] += erased


class Erasure:
    """Over the store, and history where there is one. cancel: see `Cancel`."""

    def __init__(self, store: Store, history: History | None, process: Process, sealer: Sealer, cancel: Cancel) -> None:
        self.store = store
        self.history = history
        self.process = process
        self.sealer = sealer
        self.cancel = cancel

    async def erase(self, whom: Whom, by: str, *, dry_run: bool = False, scrub: bool = True) -> Receipt:
        """Erase, or count what would be. What has not ended is cancelled first. Raises `UnknownTicket` where a ticket
        is nowhere, `Stale` where one is worked so fast that it cannot be caught.

        scrub: write history's files anew at once, which holds its writers as long as that takes. A crash on the
        way leaves some places erased and others not, and no receipt: asked again it does the rest.
        """
        live, ended = await tickets_of(self.store, self.history, whom)
        if whom.requester is None and not live and not ended:
            raise UnknownTicket(whom.value)
        receipt_id = f"era_{uuid4().hex[:16]}"
        eraser = Eraser(self.process, receipt_id, by, self.sealer.pseudonym)
        work = _Work(receipt_id, eraser, StoredTexts(self.store, eraser, dry=dry_run))
        if whom.requester is not None:
            work.person = Person(frozenset({whom.requester}), frozenset({whom.requester}))
        live += await work.texts.probes(frozenset(live) | frozenset(ended))
        for ticket_id in live:
            if not await self._live(work, ticket_id, by, dry_run=dry_run) and ticket_id not in ended:
                ended.append(ticket_id)
        for at in range(0, len(ended), PAGE):
            await self._ended(work, ended[at : at + PAGE], dry_run=dry_run)
        await self._beside(work)
        quotes = Quotes(self.store, self.history, self.process, work.eraser, work.ids)
        for place, counted, marks in await quotes.erase(work.cores, dry=dry_run):
            work.count(place, *counted)
            work.marks += marks
        receipt = await self._receipt(work, whom, by, scrub=scrub and not dry_run)
        if not dry_run:
            await self._keep(receipt, whom)
        return receipt

    async def _live(self, work: _Work, ticket_id: str, by: str, *, dry_run: bool) -> bool:
        """A ticket of the store, ended first; False where it has left for history meanwhile."""
        for _ in range(TRIES):
            ticket = await read_ticket(self.store, ticket_id)
            if ticket is None:
                return False
            self._seen(work, ticket)
            if dry_run:
                work.count("tickets", 1, 0)
                return True
            if State(ticket.row["state"]) not in ENDED:
                await self.cancel(ticket_id, by)
                continue
            left = work.eraser.ticket(ticket, await self.store.now_ms())
            if await put_back(self.store, ticket, left, whole=True):
                self._mark(work, left)
                work.count("tickets", 1, 1)
                return True
        raise Stale(f"{ticket_id} changes all the time: try again", state="", version=0, holder="")

    async def _ended(self, work: _Work, ids: list[str], *, dry_run: bool) -> None:
        """Tickets of history."""
        if self.history is None:
            return
        found = list((await self.history.find_many(ids)).values())
        for ticket in found:
            self._seen(work, ticket)
        if dry_run:
            work.count("history", len(found), 0)
            return
        now = await self.store.now_ms()
        left = [work.eraser.ticket(ticket, now) for ticket in found]
        for place, count in (await self.history.erase([entry_of(one, self.process) for one in left])).items():
            work.count(f"history {place}", count, count)
        for one in left:
            self._mark(work, one)

    def _seen(self, work: _Work, ticket: EndedTicket) -> None:
        work.ids.add(ticket.id)
        if body := ticket.row.get("body"):
            work.person = work.person.with_requester(body)
            said = json.loads(body)
            if said.get("body") != BODY:
                text = "\n\n".join(filter(None, (said.get("subject"), said.get("body"))))
                work.cores[core_of(text)] = int(ticket.row["accepted"])

    @staticmethod
    def _mark(work: _Work, left: EndedTicket) -> None:
        event = read_event(left.journal[-1]).event
        if isinstance(event, TextsErased):
            work.marks.append(mark_of(left.id, event.receipt, event.head, event.left))

    async def _beside(self, work: _Work) -> None:
        ids, person, texts = frozenset(work.ids), work.person, work.texts
        found: dict[str, Found] = {
            "outbox": await texts.outbox(ids),
            "threads": await texts.threads(ids),
            "answers kept for use again": await texts.answers(),
            "lists of the requester": await texts.of_person(person.ids, person.emails),
            "recent senders": await texts.recent(person.known_by),
            "people's decisions": await texts.examples(ids),
            "operator log": await texts.operator_log(person.telling),
        }
        for place, counted in found.items():
            work.count(place, *counted)
        if self.history:
            work.count("people's decisions in history", *await self._examples(work, ids))

    async def _examples(self, work: _Work, ids: frozenset[str]) -> Found:
        history, start, found = self.history, 0, 0
        while history and (page := await history.examples(start, 500)):
            mine = {
                start + place: work.eraser.example(stored)
                for place, stored in enumerate(page)
                if json.loads(stored).get("id") in ids
            }
            if mine and not work.texts.dry:
                await history.replace_examples(mine)
            found += len(mine)
            start += len(page)
        return found, 0 if work.texts.dry else found

    async def _receipt(self, work: _Work, whom: Whom, by: str, *, scrub: bool) -> Receipt:
        logs = dict(LOGS)
        if self.history:
            logs |= await self.history.scrub() if scrub else UNSCRUBBED
        whom_digest = self.sealer.pseudonym(whom.value)
        at, places = await self.store.now_ms(), {name: dict(counts) for name, counts in work.places.items()}
        marks = tuple(sorted(work.marks))
        return Receipt(work.receipt_id, at, by, whom.kind, whom_digest, marks, places, logs).sealed(self.sealer)

    async def _keep(self, receipt: Receipt, whom: Whom) -> None:
        """First the mark for the local model, then the receipt: its number is what other processes look at."""
        await self.store.put(keys.RELEARN, {receipt.id: str(receipt.at_ms)})
        await self.store.run("log", "", keys.RECEIPTS, 10**9, receipt.to_json())
        words = f"erased {len(receipt.tickets)} tickets of a {whom.kind}, receipt {receipt.id}"
        await Control(self.store).changed(receipt.by, f"{ERASED}{receipt.id}", words)
