"""What is added to a ticket after it was accepted: by upstream, a helpdesk, a mail that answers. In every state, once.

What a message makes stale is withdrawn in the same write: nobody can approve it afterwards.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, assert_never

from fallbacks.delivery.outcomes import Outcome, OutcomeWriter
from fallbacks.errors import Stale, UnknownTicket
from fallbacks.history.port import History
from fallbacks.inbox.decisions import on_top
from fallbacks.inbox.probes import is_probe
from fallbacks.ledger.move import (
    STAYS,
    AddedMessage,
    AlertRaised,
    ByPerson,
    In,
    InboxEntry,
    Move,
    Moved,
    make_move,
)
from fallbacks.ledger.results import item_facets, result_names
from fallbacks.ledger.states import State
from fallbacks.ledger.targets import USUAL, Targets
from fallbacks.ledger.views import TicketView, Views
from fallbacks.plan import PLAN
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.conversation import Message
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.limits import Limits
from tasks.run.process import Process
from tasks.ticket import Priority

HOUR_SECONDS = 3600
TRIES = 8
"""A ticket that moves this often while a message is added is busy: whoever sends it must send it again."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of a conversation. per_hour: messages that are worked, beyond them people look; None: any number. chars: of all.

    limits: of a run. ticket_cost_nanodollars: of all runs of a ticket, None for no cap. max_wait_seconds: see `Inbox`.
    targets: how soon people should look.
    """

    limits: Limits
    per_hour: int | None = 20
    chars: int = 200_000
    ticket_cost_nanodollars: int | None = None
    max_wait_seconds: float | None = None
    targets: Targets = USUAL


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a message that came as a mail: see `Ledger.accept`."""

    original: str | None = None
    attached: str | None = None
    bounced: str | None = None


NOTHING = Kept()


@dataclass(frozen=True, slots=True)
class AddedTo:
    """What became of a message. state: of its ticket, now. created: False where it was there. works: publish a hint."""

    ticket_id: str
    message_id: str
    state: State
    created: bool
    works: bool


class Conversations:
    """Adds messages. history: where tickets that have left the store come back from."""

    def __init__(
        self,
        store: Store,
        process: Process,
        outcomes: OutcomeWriter,
        bounds: Bounds,
        history: History | None = None,
    ) -> None:
        self.store = store
        self.process = process
        self.outcomes = outcomes
        self.bounds = bounds
        self.views = Views(store, history)

    async def add(self, ticket_id: str, message: Message, *, door: str, kept: Kept = NOTHING) -> AddedTo:
        """Add a message, which has an id. The same again changes nothing.

        Raises `UnknownTicket`, `MessageConflict`, `ConversationFull`, `Stale` where the ticket never rests, and
        ValueError for what could not be read as a ticket.
        """
        seen = keys.messages(ticket_id)
        over = await self._too_many(ticket_id, message) if message.id not in await self.store.fields(seen) else ""
        for last in (*[False] * TRIES, True):
            view = await self._view(ticket_id)
            move = await self._move(view, message, door, over)
            if kept is not NOTHING and move.message is not None:
                move = replace(move, message=replace(move.message, **asdict(kept)))
            try:
                moved = await make_move(self.store, ticket_id, move, self.process.facet_names)
                return self._added(view, message, move, moved)
            except Stale:
                if last:
                    raise
        raise AssertionError  # the last try returns or raises

    def _added(self, view: TicketView, message: Message, move: Move, moved: Moved) -> AddedTo:
        state = view.state if moved.again else move.to
        works = state is State.QUEUED and not message.quiet
        return AddedTo(view.id, message.id or "", state, not moved.again, works)

    async def _view(self, ticket_id: str) -> TicketView:
        await self.views.bring_back(ticket_id)
        view = await self.views.ticket(ticket_id)
        if view.ticket is None:
            raise ValueError(f"{ticket_id} could not be read as a ticket: nothing can be added to it")
        row = await self.store.row(ticket_id)
        if "probe" in row or await is_probe(self.store, ticket_id):  # which upstream has never heard of
            raise UnknownTicket(ticket_id)
        return view

    async def _too_many(self, ticket_id: str, message: Message) -> str:
        if message.quiet or self.bounds.per_hour is None:
            return ""
        count = await self.store.tick(keys.message_rate(ticket_id), HOUR_SECONDS)
        if count <= self.bounds.per_hour:
            return ""
        return f"message {count} of this ticket within an hour; the agent works {self.bounds.per_hour}"

    async def _move(self, view: TicketView, message: Message, door: str, over: str) -> Move:
        """What follows in the state it is in."""
        added = ev.MessageAdded(message.fields(), message.quiet, door)
        same = Move(
            view.state,
            (view.state,),
            ByPerson(view.version),
            (added,),
            due=STAYS,
            inbox=STAYS,
            message=AddedMessage(
                message.id or "",
                message.digest(),
                len(message.body),
                max(0, self.bounds.chars - len(view.ticket.text if view.ticket else "")),
                not message.quiet,
            ),
        )
        if message.quiet:
            return replace(same, unnoticed=view.state in (State.SUGGESTED, State.HANDED_OFF))
        match view.state:
            case State.HANDED_OFF | State.REJECTED:
                return replace(same, unset=("snoozed_until",))
            case State.QUEUED | State.RUNNING | State.PARKED:
                return await self._to_people(same, view, over) if over else same
            case State.SUGGESTED | State.DECIDED | State.CLOSED | State.CANCELLED:
                again = await self._worked_again(same, view, message)
                return await self._to_people(again, view, over) if over else again
            case unknown:
                assert_never(unknown)

    async def _worked_again(self, move: Move, view: TicketView, message: Message) -> Move:
        """What stood or was suggested is withdrawn; a decision is kept in view, and stands for upstream meanwhile."""
        stands = view.decision if view.state is State.DECIDED else view.stands
        words = self.process.headline(stands) if stands else ""
        now, bounds = await self.store.now_ms(), self.bounds
        deadline = (
            {} if bounds.max_wait_seconds is None else {"deadline": str(now + int(bounds.max_wait_seconds * 1000))}
        )
        values = {"limits": json.dumps(asdict(await self._fresh_limits(view))), "losses": "0", **deadline}
        if stands:
            values["standing"] = json.dumps(stands, ensure_ascii=False)
        gone = {*result_names(self.process), "proposal", "blind", "reason", "detail", "queue", "closed", "undo"}
        return replace(
            move,
            to=State.QUEUED,
            events=(*move.events, ev.Reopened(message.id or "", view.state.value, words)),
            due=In(0),
            inbox=None,
            values=values,
            unset=(*sorted(gone), "undo_until", *(() if deadline else ("deadline",))),
        )

    async def _fresh_limits(self, view: TicketView) -> Limits:
        """A run's, on top of what is used, and within what the ticket may cost in all."""
        used = (await self.views.checkpoint(view.id)).usage
        limits = on_top(self.bounds.limits, used, view.spent_nanodollars)
        caps = [cap for cap in (limits.max_cost_nanodollars, self.bounds.ticket_cost_nanodollars) if cap is not None]
        return replace(limits, max_cost_nanodollars=max(min(caps), view.spent_nanodollars) if caps else None)

    async def _to_people(self, move: Move, view: TicketView, why: str) -> Move:
        """Two machines that answer each other are not worked for ever."""
        reason = Reason.MESSAGE_LOOP
        row, priority = PLAN[reason], Priority(view.priority)
        handed = ev.HandedOff(reason.value, why[:500], row.queue.value, row.severity.value)
        outcome: Mapping[str, Any] = {"state": State.HANDED_OFF.value, "reason": reason.value}
        facets = item_facets(self.process, row.queue, reason, None)
        stands = "standing" in move.values or view.stands is not None
        values = {**move.values, "reason": reason.value, "detail": why[:500], "queue": row.queue.value}
        return replace(
            move,
            to=State.HANDED_OFF,
            events=(*move.events, handed),
            due=None,
            inbox=InboxEntry(await self.bounds.targets.look_by(self.store, priority, facets), tuple(facets)),
            values=values,
            unset=tuple(name for name in move.unset if name not in values),
            alert=AlertRaised(reason, row.severity),
            outbox=() if stands else self.outcomes.entries(Outcome.HANDED_OFF, view.id, view.door, dict(outcome)),
        )
