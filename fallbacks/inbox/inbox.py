"""The inbox: what people do with what waits for them. One service behind console, API and command line.

Every action names the version it was based on; a stale one, or one on an item that somebody else holds, raises
`Stale` and changes nothing.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict

from pydantic import BaseModel

from fallbacks.delivery.outcomes import Outcome, OutcomeWriter
from fallbacks.errors import Stale
from fallbacks.history.port import History
from fallbacks.inbox.calls import APPROVAL_SECONDS, Tools, no_tools
from fallbacks.inbox.decisions import (
    ADDED_SINCE,
    Effort,
    caused_by,
    correction_of,
    decided_by_hand,
    entry_of,
    example_of,
    on_top,
    stands,
    way_back,
    way_back_to_decision,
    with_messages,
    with_reason,
)
from fallbacks.inbox.endings import DECIDABLE, UNDO_MS, Endings
from fallbacks.inbox.probes import is_probe
from fallbacks.ledger.acts import Act
from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.move import ByPerson, In, Move, OutboxEntry, stale
from fallbacks.ledger.past.known_before import KnownBefore
from fallbacks.ledger.results import result_fields
from fallbacks.ledger.states import INBOX, Hint, HintKind, State
from fallbacks.ledger.views import TicketView
from fallbacks.plan import PLAN
from fallbacks.store.port import Store
from tasks.language import N_, _, ngettext, translated
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.checkpoint import fold
from tasks.run.limits import Limits
from tasks.run.process import Process, Result
from tasks.ticket import Ticket

BLIND = N_("Its suggestion is not shown: decide for yourself")
"""Nobody may approve or refuse what they have not seen."""

CALL_WAITS = N_("a call waits for approval here, and no suggestion: approve that call, or refuse it")

Publish = Callable[[list[Hint]], Awaitable[object]]
"""Puts hints on the queues. A failure costs time only: the sweep publishes what is due."""


class Inbox(Endings):
    """Actions of people. history: where what has left the store is found; None: nowhere. max_resumes: how often people
    may send one ticket to the agent again, so that fresh limits do not add up without end; None: as often as they like.
    """

    def __init__(
        self,
        store: Store,
        process: Process,
        outcomes: OutcomeWriter,
        max_wait_seconds: float | None = None,
        history: History | None = None,
        max_resumes: int | None = None,
        tools: Tools = no_tools,
        approval_seconds: float = APPROVAL_SECONDS,
    ) -> None:
        super().__init__(store, process, outcomes, history, max_wait_seconds, tools, approval_seconds)
        self.max_resumes = max_resumes

    async def approve(
        self, ticket_id: str, person: str, version: int | None, keystrokes: int | None = None
    ) -> TicketView:
        """Let the suggestion stand. keystrokes: what it took, where a door counts them."""
        view = await self._waiting(ticket_id, version)
        if view.blind:
            raise ValueError(translated(BLIND))
        if view.call is not None:
            raise ValueError(translated(CALL_WAITS))
        if view.decision is None:
            raise ValueError(_("%(ticket)s has no suggestion to approve; decide it by hand", ticket=ticket_id))
        if missing := self.process.missing(view.decision):
            fields = _(" and ").join(missing)
            raise ValueError(
                _(
                    "%(ticket)s lacks %(fields)s, which decisions need; decide it by hand",
                    ticket=ticket_id,
                    fields=fields,
                )
            )
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
        if view.blind or view.call is not None:
            raise ValueError(translated(BLIND if view.blind else CALL_WAITS))
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
        done = (await self.views.row(rejected_id)).get("repaired_as")
        held = view.holder not in (None, person) or (version is not None and version != view.version)
        if done is None and (view.state is not State.REJECTED or held):
            raise stale(rejected_id, ["stale", view.state.value, view.version, view.holder or ""])
        named = ticket if ticket.id else ticket.model_copy(update={"id": repaired_id(rejected_id)})
        once = f"repair:{rejected_id}"
        before = KnownBefore(self.views.history) if self.views.history else None
        accepted = await Ledger(self.store, self.process, before=before).accept(
            named, limits, door=Act.REPAIR, idempotency_key=once, max_wait_seconds=max_wait_seconds
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
            raise ValueError(_("%(ticket)s could not be read as a ticket; repair or dismiss it", ticket=ticket_id))
        timeline = await self.views.timeline(ticket_id)
        self._check_resumes(ticket_id, timeline)
        limits = on_top(fresh, fold(timeline).usage, view.spent_nanodollars)
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

    def _check_resumes(self, ticket_id: str, timeline: Sequence[ev.Recorded]) -> None:
        before = sum(isinstance(recorded.event, ev.Resumed) for recorded in timeline)
        if self.max_resumes is not None and before >= self.max_resumes:
            raise ValueError(
                ngettext(
                    "%(ticket)s was sent back to the agent once, as often as DESKHAND_MAX_RESUMES allows (%(most)s): "
                    "decide it by hand",
                    "%(ticket)s was sent back to the agent %(num)s times, as often as DESKHAND_MAX_RESUMES allows "
                    "(%(most)s): decide it by hand",
                    before,
                    ticket=ticket_id,
                    most=self.max_resumes,
                )
            )

    async def correct(self, ticket_id: str, person: str, version: int | None, given: BaseModel, why: str) -> TicketView:
        """Another decision than the one that stands, which stays in the journal. given: a `hand` of the process.

        What upstream and the evidence of autonomy had of the decision before is corrected. A ticket in history
        comes back. The same decision again is refused: there is nothing to send.
        """
        view = await self._decided(ticket_id, version)
        row = await self.store.row(ticket_id)
        if "probe" in row or await is_probe(self.store, ticket_id):
            raise ValueError(_("%(ticket)s is a probe: nobody waits for its decision", ticket=ticket_id))
        before = view.decision or {}
        decision = decided_by_hand(view, self.process, person, with_reason(given, why))
        if stands(self.process, before, decision):
            raise ValueError(_("%(ticket)s is decided so already", ticket=ticket_id))
        outcome = {"state": State.DECIDED.value, "decision": decision, "earlier": before, "reason": why}
        outcome |= caused_by(view)
        outbox = self.outcomes.entries(Outcome.CORRECTED, ticket_id, view.door, outcome, UNDO_MS)
        whole = with_messages(view, await self.views.timeline(ticket_id))
        example = correction_of(whole, self.process, person, decision, await self.store.now_ms())
        move = Move(
            State.DECIDED,
            (State.DECIDED,),
            ByPerson(view.version, person),
            (ev.Decided(person, Act.CORRECT, decision, why),),
            values={
                **result_fields(self.process, decision),
                "earlier": json.dumps(before, ensure_ascii=False),
                "undo": way_back_to_decision(row, self.process, person, outbox, example),
            },
            outbox=outbox,
            undo_in_ms=UNDO_MS,
            example=example,
            count=(f"person_{Act.CORRECT}",),
        )
        await self._act(ticket_id, move)
        return await self.views.ticket(ticket_id)

    async def _decided(self, ticket_id: str, version: int | None) -> TicketView:
        """A ticket whose decision stands, in the store: brought back where it has left it. Raises `Stale`."""
        view = await self.views.ticket(ticket_id)
        if view.state is not State.DECIDED or (version is not None and version != view.version):
            raise stale(ticket_id, ["stale", view.state.value, view.version, view.holder or ""])
        return await self.views.ticket(ticket_id) if await self.views.bring_back(ticket_id) else view

    async def _decide(
        self, view: TicketView, person: str, act: Act, decision: Result, keystrokes: int | None
    ) -> TicketView:
        secret = await is_probe(self.store, view.id)
        outbox = () if secret else self._decided_outcome(view, decision)
        now, row = await self.store.now_ms(), await self.store.row(view.id)
        timeline = await self.views.timeline(view.id)
        effort = Effort(await self._handled_seconds(timeline, person, now), keystrokes)
        example = example_of(with_messages(view, timeline), self.process, act, person, decision, now, effort)
        move = Move(
            State.DECIDED,
            DECIDABLE,
            ByPerson(view.version, person),
            (ev.Decided(person, act, decision),),
            values={
                **result_fields(self.process, decision),
                "undo": way_back(view, self.process, person, State.DECIDED, outbox, example, row),
                **({"earlier": row["standing"]} if "standing" in row else {}),
            },
            unset=("standing",),
            outbox=outbox,
            undo_in_ms=UNDO_MS,
            example=None if secret else example,
            agreed=None if secret or not view.result else self.process.key(view.result) == self.process.key(decision),
            count=() if secret else (f"person_{act}",),
        )
        await self._act(view.id, move)
        return await self.views.ticket(view.id)

    def _decided_outcome(self, view: TicketView, decision: Result) -> tuple[OutboxEntry, ...]:
        """Where a decision stands already, this one corrects it, or it is the same and nothing is sent."""
        outcome = {"state": State.DECIDED.value, "decision": decision, **caused_by(view)}
        if view.stands is None:
            return self.outcomes.entries(Outcome.DECIDED, view.id, view.door, outcome, UNDO_MS)
        if stands(self.process, view.stands, decision):
            return ()
        corrected = {**outcome, "earlier": view.stands, "reason": ADDED_SINCE}
        return self.outcomes.entries(Outcome.CORRECTED, view.id, view.door, corrected, UNDO_MS)


def repaired_id(rejected_id: str) -> str:
    """The id of a repaired ticket that names none: always the same, so that no message becomes two tickets."""
    return f"fix_{rejected_id.removeprefix('rej_')}"[:128]
