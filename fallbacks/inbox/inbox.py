"""The inbox: what people do with what waits for them. One service behind console, API and command line.

Every action names the version it was based on; a stale one, or one on an item that somebody else holds, raises
`Stale` and changes nothing.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel

from fallbacks.delivery.outcomes import Outcome, OutcomeWriter
from fallbacks.errors import NotAllowed, Stale, StoreUnreachable, UnknownTicket
from fallbacks.inbox.decisions import Effort, decided_by_hand, entry_of, example_of, held_since_ms, on_top, way_back
from fallbacks.inbox.probes import is_probe
from fallbacks.ledger import journal_log
from fallbacks.ledger.acts import Act
from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.move import STAYS, ByPerson, In, Move, TakesBack, make_move, read_entry, stale
from fallbacks.ledger.results import result_fields
from fallbacks.ledger.states import ENDED, INBOX, Hint, HintKind, State
from fallbacks.ledger.views import TicketView, Views, read_row
from fallbacks.plan import PLAN
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.limits import Limits
from tasks.run.process import Process, Result
from tasks.ticket import Ticket

BLIND = "Its suggestion is not shown: decide for yourself"
"""Nobody may approve or refuse what they have not seen."""

DECIDABLE = (State.SUGGESTED, State.HANDED_OFF)
"""A person may decide it, or send it back to the agent."""

HOLD_MS = 5 * 60_000
"""How long an item stays with the person who opened it."""

UNDO_MS = 10_000
"""How long a decision can be undone; nothing leaves the outbox before."""

NOTE_TRIES = 5
"""A note on a ticket that moves this often meanwhile is refused."""

SCAN = 500
"""Items that serve-next reads at once on its way to one that nobody holds."""


Publish = Callable[[list[Hint]], Awaitable[object]]
"""Puts hints on the queues. A failure costs time only: the sweep publishes what is due."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the inbox, most urgent first. total: items that match. next_offset: None on the last page."""

    items: list[TicketView]
    total: int
    next_offset: int | None


class Inbox:
    """Actions of people. person: who acts, as they are known to the door they came through.

    max_wait_seconds: after so long people get back what they had sent to the agent again; None: no such time.
    """

    def __init__(
        self, store: Store, process: Process, outcomes: OutcomeWriter, max_wait_seconds: float | None = None
    ) -> None:
        self.max_wait_seconds = max_wait_seconds
        self.store = store
        self.views = Views(store)
        self.process = process
        self.outcomes = outcomes

    async def page(self, facets: Sequence[str] = (), offset: int = 0, limit: int = 50) -> Page:
        """Items waiting, most urgent first. facets: any of "queue:...", "reason:..." and those of the process."""
        if facets:
            ids, total = await self.store.crossed(
                [keys.inbox_facet(facet) for facet in facets], offset, offset + limit - 1
            )
        else:
            ids = [member for member, _ in await self.store.ranked(keys.INBOX, offset, offset + limit - 1)]
            (total,) = await self.store.sizes([keys.INBOX])
        now = await self.store.now_ms()
        rows = [(ticket_id, await self.store.row(ticket_id)) for ticket_id in ids]
        items = [read_row(ticket_id, row, now) for ticket_id, row in rows if row]
        return Page(items, total, offset + limit if offset + limit < total else None)

    async def next(self, person: str, facet: str | None = None, skip: Sequence[str] = ()) -> TicketView | None:
        """Hold and return the most urgent item nobody else holds; None when there is none."""
        index = keys.inbox_facet(facet) if facet else keys.INBOX
        event = ev.PersonActed(person, Act.CLAIM)
        ticket_id = await self.store.run("next_item", "", person, HOLD_MS, SCAN, index, event.to_json(), *skip)
        if not ticket_id:
            return None
        journal_log.wrote(ticket_id, None, [event])
        return await self.views.ticket(ticket_id)

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

    async def note(self, ticket_id: str, person: str, text: str) -> TicketView:
        """Add a note to the timeline of any ticket."""
        event = ev.PersonActed(person, Act.NOTE, text[:4000])
        for last in (*[False] * NOTE_TRIES, True):
            state = (await self.views.ticket(ticket_id)).state
            try:  # a note moves nothing: it is written in the state that was read, or read again
                await self._act(ticket_id, Move(state, (state,), ByPerson(), (event,), due=STAYS, inbox=STAYS))
                break
            except Stale:
                if last:
                    raise
        return await self.views.ticket(ticket_id)

    async def approve(
        self, ticket_id: str, person: str, version: int | None, keystrokes: int | None = None
    ) -> TicketView:
        """Let the suggestion stand. keystrokes: what it took, where a door counts them."""
        view = await self._waiting(ticket_id, version)
        if view.blind:
            raise ValueError(BLIND)
        if view.decision is None:
            raise ValueError(f"{ticket_id} has no suggestion to approve; decide it by hand")
        return await self._decide(view, person, Act.APPROVE, {**view.decision, "decided_by": person}, keystrokes)

    async def decide(
        self,
        ticket_id: str,
        person: str,
        version: int | None,
        given: BaseModel,
        keystrokes: int | None = None,
    ) -> TicketView:
        """Decide by hand, or correct a suggestion, which stays in the timeline. given: a `hand` of the process."""
        view = await self._waiting(ticket_id, version)
        decision = decided_by_hand(view, self.process, person, given)
        return await self._decide(view, person, Act.EDIT if view.result else Act.DECIDE, decision, keystrokes)

    async def reject(self, ticket_id: str, person: str, version: int | None, why: str) -> TicketView:
        """Refuse a suggestion: it stays in the inbox for a decision by hand. An unreadable message is dismissed."""
        view = await self._waiting(ticket_id, version)
        if view.state is State.REJECTED:
            events = (ev.PersonActed(person, Act.DISMISS, why[:4000]), ev.Cancelled(person))
            await self._act(ticket_id, Move(State.CANCELLED, INBOX, ByPerson(view.version, person), events))
            return await self.views.ticket(ticket_id)
        if view.blind:
            raise ValueError(BLIND)
        reason = Reason.SUGGESTION_REJECTED
        row = PLAN[reason]
        handed = ev.HandedOff(reason.value, why[:500], row.queue.value, row.severity.value)
        move = Move(
            State.HANDED_OFF,
            INBOX,
            ByPerson(view.version, person),
            (ev.PersonActed(person, Act.REJECT, why[:4000]), handed),
            inbox=entry_of(view, self.process, row.queue, reason),
            values={"reason": reason.value, "detail": why[:500], "queue": row.queue.value},
        )
        await self._act(ticket_id, move)
        return await self.views.ticket(ticket_id)

    async def repair(
        self,
        rejected_id: str,
        person: str,
        version: int | None,
        ticket: Ticket,
        limits: Limits,
        publish: Publish,
        max_wait_seconds: float | None = None,
    ) -> TicketView:
        """Accept the corrected ticket of a message that could not be read, publish it, end the message; returns it.

        In this order, so that a crash loses nothing; the same repair again ends what is left to end and changes nothing
        else. Another ticket for the same message raises `IdempotencyConflict`.
        """
        view = await self.views.ticket(rejected_id)
        done = (await self.store.row(rejected_id)).get("repaired_as")
        held = view.holder not in (None, person) or (version is not None and version != view.version)
        if done is None and (view.state is not State.REJECTED or held):
            raise stale(rejected_id, ["stale", view.state.value, view.version, view.holder or ""])
        named = ticket if ticket.id else ticket.model_copy(update={"id": repaired_id(rejected_id)})
        once = f"repair:{rejected_id}"
        accepted = await Ledger(self.store, self.process).accept(
            named, limits, idempotency_key=once, max_wait_seconds=max_wait_seconds
        )
        if accepted.state is State.QUEUED:
            await publish([(HintKind.TRIAGE, accepted.id)])
        if done is None:
            await self._end_repaired(rejected_id, person, accepted.id)
        return await self.views.ticket(accepted.id)

    async def _end_repaired(self, rejected_id: str, person: str, new_id: str) -> None:
        """The ticket is accepted, so the message ends whoever holds it, unless it was dismissed or ended meanwhile."""
        events = (ev.PersonActed(person, Act.REPAIR, new_id), ev.Cancelled(person))
        move = Move(State.CANCELLED, (State.REJECTED,), ByPerson(), events, values={"repaired_as": new_id})
        with suppress(Stale):
            await self._act(rejected_id, move)

    async def resume(
        self, ticket_id: str, person: str, version: int | None, hint: str, fresh: Limits, from_step: int = 0
    ) -> TicketView:
        """Send it back to the agent with a hint and fresh limits; finished calls stay paid and are not made again.

        Its longest wait begins anew. Of its effects this person vouches that what was not recorded was not begun.
        """
        view = await self._waiting(ticket_id, version)
        if view.ticket is None:
            raise ValueError(f"{ticket_id} could not be read as a ticket; repair or dismiss it")
        used = (await self.views.checkpoint(ticket_id)).usage
        limits = on_top(fresh, used, view.spent_nanodollars)
        event, by = ev.Resumed(person, hint[:2000], from_step), ByPerson(view.version, person)
        now, wait = await self.store.now_ms(), self.max_wait_seconds
        deadline = {} if wait is None else {"deadline": str(now + int(wait * 1000))}
        move = Move(
            State.QUEUED,
            DECIDABLE,
            by,
            (event,),
            due=In(0),
            values={"limits": json.dumps(asdict(limits)), "losses": "0", "vouched": str(now)} | deadline,
            unset=("reason", "detail", "queue", *(() if deadline else ("deadline",))),
        )
        if await is_probe(self.store, ticket_id):  # the agent is not asked about it: its outcome would leave
            move = Move(State.CANCELLED, DECIDABLE, by, (event, ev.Cancelled(person)))
        await self._act(ticket_id, move)
        return await self.views.ticket(ticket_id)

    async def cancel(self, ticket_id: str, person: str, version: int | None = None) -> TicketView:
        """Withdraw a ticket that has not ended; its worker stops at its next write."""
        view = await self.views.ticket(ticket_id)
        if view.state is State.CANCELLED:
            return view
        states = [state for state in State if state not in ENDED]
        outcome = {"state": State.CANCELLED.value}
        secret = await is_probe(self.store, ticket_id)
        outbox = () if secret else self.outcomes.entries(Outcome.CANCELLED, ticket_id, view.door, outcome)
        move = Move(State.CANCELLED, states, ByPerson(version), (ev.Cancelled(person),), outbox=outbox)
        await self._act(ticket_id, move)
        return await self.views.ticket(ticket_id)

    async def undo(self, ticket_id: str, person: str, version: int | None, *, operator: bool = False) -> TicketView:
        """Take back a decision within ten seconds: the item waits again as it did.

        operator: may take back the decisions of others, too; anybody else gets `NotAllowed`.
        """
        row = await self.store.row(ticket_id)
        if not row:
            raise UnknownTicket(ticket_id)
        if "undo" not in row:
            raise ValueError(f"{ticket_id} has nothing to undo")
        if not operator and json.loads(row["decision"])["decided_by"] != person:
            raise NotAllowed("Only who decided it, or an operator, can undo it.")
        was = json.loads(row["undo"])
        based_on = int(row["version"]) if version is None else version  # whose decision it is was read in this one
        move = Move(
            State(was["state"]),
            (State.DECIDED,),
            ByPerson(based_on, person),
            (ev.PersonActed(person, Act.UNDO),),
            inbox=read_entry(was["inbox"]),
            values=was["set"],
            unset=(*was["unset"], "undo", "undo_until", "delivery"),
            takes_back=TakesBack(tuple(was["outbox"]), was["example"]),
            count=("undone",),
        )
        await self._act(ticket_id, move)
        return await self.views.ticket(ticket_id)

    async def _decide(
        self, view: TicketView, person: str, act: Act, decision: Result, keystrokes: int | None
    ) -> TicketView:
        outcome = {"state": State.DECIDED.value, "decision": decision}
        secret = await is_probe(self.store, view.id)
        outbox = () if secret else self.outcomes.entries(Outcome.DECIDED, view.id, view.door, outcome, UNDO_MS)
        now = await self.store.now_ms()
        effort = Effort(await self._handled_seconds(view.id, person, now), keystrokes)
        example = example_of(view, self.process, act, person, decision, now, effort)
        move = Move(
            State.DECIDED,
            DECIDABLE,
            ByPerson(view.version, person),
            (ev.Decided(person, act, decision),),
            values={
                **result_fields(self.process, decision),
                "undo": way_back(view, self.process, outbox, example),
            },
            outbox=outbox,
            undo_in_ms=UNDO_MS,
            example=None if secret else example,
            count=() if secret else (f"person_{act}",),
        )
        await self._act(view.id, move)
        return await self.views.ticket(view.id)

    async def _handled_seconds(self, ticket_id: str, person: str, now_ms: int) -> float | None:
        """Since they held it, or did the last thing to another item: the console holds the next one ahead of time."""
        held = held_since_ms(await self.views.timeline(ticket_id), person)
        if held is None:
            return None
        before = int((await self.store.fields(keys.LAST_ACTS)).get(person, 0))
        return max(0, now_ms - max(held, before)) / 1000

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


def repaired_id(rejected_id: str) -> str:
    """The id of a repaired ticket that names none: always the same, so that no message becomes two tickets."""
    return f"fix_{rejected_id.removeprefix('rej_')}"[:128]
