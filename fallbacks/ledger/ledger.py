"""The ledger: accept, claim, step, park, conclude, hand off, release, sweep. Every worker's write is fenced.

Each method is one atomic script, so a crash leaves a ticket before it or after it and never between. A call may be
repeated when its answer was lost: each carries an id by which the ledger knows it.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from fallbacks.errors import HistoryUnreachable, IdempotencyConflict, SourceLimited
from fallbacks.history.port import Known
from fallbacks.ledger import journal_log
from fallbacks.ledger.acts import ALONE
from fallbacks.ledger.addresses import address_digest
from fallbacks.ledger.arrival import first_events, shortest_ms
from fallbacks.ledger.calls import PendingCall
from fallbacks.ledger.claims import Accepted as Accepted
from fallbacks.ledger.claims import Claim as Claim
from fallbacks.ledger.claims import Conclusion as Conclusion
from fallbacks.ledger.claims import Lease as Lease
from fallbacks.ledger.claims import read_claim
from fallbacks.ledger.limits.breaker import ModelFailure
from fallbacks.ledger.move import AlertRaised, At, ByWorker, In, InboxEntry, Move, OutboxEntry, RunFigures, make_move
from fallbacks.ledger.past.known_before import KnownBefore
from fallbacks.ledger.results import item_facets, result_fields, result_names
from fallbacks.ledger.states import Closed, Hint, HintKind, State
from fallbacks.ledger.steps import Steps
from fallbacks.ledger.targets import USUAL, Targets
from fallbacks.plan import PLAN, InboxQueue, Severity
from fallbacks.store.port import Store, lua_header
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.limits import Limits
from tasks.run.process import Process
from tasks.ticket import Priority, Ticket

LOCAL_DOOR = "local"
"""The door of what this deployment puts in itself: its command line, repairs, probes."""

FIRST_SWEEP_MS = 10_000
"""An accepted ticket that nobody claimed within this time is published again."""

STEP = 10_000
"""What a ticket of a source with the weight 1 moves the source's next turn on (`line_up` in `lua/_prelude.lua`)."""


class Ledger(Steps):
    """The ledger over a store.

    lease_ms: how long a silent worker keeps its tickets. first_sweep_ms: an accepted ticket that nobody claimed within
    this time is published again. sent_in: the W3C traceparent that a ticket accepted now was sent in, "" for none.
    before: what knows the tickets that have left the store; None where none leaves. weights: of sources, in who goes
    first; 1 where it names none. targets: how soon a person should look. rates:
    tickets per minute, of sources that have one.
    """

    def __init__(
        self,
        store: Store,
        process: Process,
        lease_ms: int = 30_000,
        first_sweep_ms: int = FIRST_SWEEP_MS,
        sent_in: Callable[[], str] = str,
        before: KnownBefore | None = None,
        weights: Mapping[str, float] = MappingProxyType({}),
        targets: Targets = USUAL,
        rates: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        super().__init__(store, process, lease_ms)
        self.weights = weights
        self.targets = targets
        self.rates = rates
        self.before = before
        self.first_sweep_ms = first_sweep_ms
        self.sent_in = sent_in

    async def accept(
        self,
        ticket: Ticket,
        limits: Limits,
        *,
        door: str = LOCAL_DOOR,
        sent_by: str | None = None,
        idempotency_key: str | None = None,
        max_wait_seconds: float | None = None,
        not_before_ms: int | None = None,
        expires_ms: int | None = None,
        closed: Closed | None = None,
        detail: str = "",
        original: str | None = None,
        attached: str | None = None,
        bounced: str | None = None,
        answers: Sequence[str] = (),
        aside: bool = False,
        refuse: bool = False,
    ) -> Accepted:
        """Write a new ticket's row. The same again changes nothing; another body raises `IdempotencyConflict`.

        door: what it came in by, `http`, `celery`, `intake`, `mail`, `hook:NAME`: its own field, which nothing that a
        client says can set. sent_by: the id of the API key that sent it.
        not_before_ms, expires_ms: store time. Until the first the ticket is parked, and its longest wait begins then;
        past the second it goes to people. closed: it ends at once without a decision: no run, no outcome. detail: of
        which sort it is. original: what the ticket was read from; attached: by `attachments.packed_texts`. Both
        are kept beside it (base64 of zlib). bounced: the address that a bounce is about. answers: ids of tickets, one
        of which it answers: where one is there when this one is claimed, it becomes a message of it. aside: no worker
        is to take it, though it is queued. refuse: a new ticket beyond the rate of its source raises `SourceLimited`;
        else it is parked until its turn.

        One that has left the store is known, too. Where history cannot be asked, the ticket is accepted and worked; one
        that was here before then leaves under an id of its own, and is reported (`fallbacks.ledger.past.leaving`).
        """
        known, asked = await self._known_before(ticket.id, idempotency_key)
        if known is not None:
            if known.digest != ticket.digest():
                raise IdempotencyConflict(known.id)
            return Accepted(known.id, State(known.state), created=False)
        ticket_id = ticket.id or new_id()
        body, digest = ticket.written(ticket_id)
        header = {
            **self._first_row(ticket, limits),
            "digest": digest,
            "door": door,
            "sent_by": sent_by,
            "idem": idempotency_key,
            "wait_ms": shortest_ms(ticket.deadline_seconds, max_wait_seconds),
            "not_before": not_before_ms,
            "expires": expires_ms,
            "closed": closed,
            "detail": detail[:500] if closed else None,
            "original": original,
            "attached": attached,
            "bounced": address_digest(bounced) if bounced else None,
            "answers": json.dumps(list(answers)) if answers else None,
            "unasked": None if asked else "1",
            "aside": aside or None,
            "rate": None if aside else self.rates.get(ticket.source),
            "refuse": refuse or None,
        }
        events = first_events(ticket, not_before_ms, closed, detail)
        return await self._accept(ticket.source, (ticket_id, body), header, events)

    def _first_row(self, ticket: Ticket, limits: Limits) -> dict[str, Any]:
        """What the ticket itself says of its row."""
        asks, weight = ticket.requester, self.weights.get(ticket.source)
        return {
            "limits": json.dumps(asdict(limits)),
            "source": ticket.source,
            "priority": ticket.priority or Priority.NORMAL,
            "requester": asks.id if asks and asks.id else None,
            "who": asks.identity if asks else None,
            "trace": self.sent_in() or None,
            "due_in": self.first_sweep_ms,
            "step": round(STEP / weight) if weight else None,
        }

    async def _accept(
        self, source: str, written: tuple[str, str], header: dict[str, Any], events: list[ev.Event]
    ) -> Accepted:
        """written: the ticket's id, and the ticket as it is stored."""
        ticket_id, body = written
        said = [event.to_json() for event in events]
        outcome, known_id, *state = await self.store.run("accept", ticket_id, lua_header(header), body, *said)
        if outcome == "conflict":
            raise IdempotencyConflict(known_id)
        if outcome == "limited":
            raise SourceLimited(source, int(known_id))
        if outcome == "new":
            journal_log.wrote(known_id, 0, events[:1] if state[0] == State.QUEUED else events)
        return Accepted(known_id, State(state[0]), outcome == "new")

    async def reject(self, ticket_id: str, raw_base64: str, error: str, origin: str) -> None:
        """Keep what could not be read as a ticket, whole, in the inbox, and raise an alert."""
        if (await self._known_before(ticket_id, None))[0] is not None:
            return
        row = PLAN[Reason.UNREADABLE]
        facets = item_facets(self.process, row.queue, Reason.UNREADABLE, None)
        header = {
            "origin": origin[:64],
            "error": error[:1000],
            "sla_in": (await self.targets.look_by(self.store, Priority.NORMAL, facets)).ms,
            "facets": facets,
            "severity": row.severity,
        }
        event = ev.Rejected(error[:1000], origin[:64])
        verdict = await self.store.run("reject", ticket_id, lua_header(header), raw_base64, event.to_json())
        if verdict[0] == "new":
            journal_log.wrote(ticket_id, 0, [event])

    async def _known_before(self, ticket_id: str | None, key: str | None) -> tuple[Known | None, bool]:
        """(the ticket in history that this is, with its state now; whether history could be asked)."""
        if self.before is None or not (ticket_id or key):
            return None, True
        try:
            known = await self.before.find(ticket_id, key)
        except HistoryUnreachable:
            return None, False
        if known is None:
            return None, True
        ((state,),) = await self.store.rows([known.id], ["state"])  # it may have come back
        return (known if state is None else replace(known, state=state)), True

    async def claim(self, ticket_id: str, owner: str, queue: str = "tickets", *, hint: bool = False) -> Claim | str:
        """Take a queued ticket. Returns the state it is in (or "unknown", "paused") when there is nothing to claim.

        hint: the id is that of a message, and whichever queued ticket should go first is taken: by urgency, then by the
        share of its source, then by age.
        """
        event = ev.Claimed(owner)
        args = (owner, self.lease_ms, queue, uuid4().hex, event.to_json(), "1" if hint else "")
        found = await self.store.run("claim", ticket_id, *args)
        if found[0] != "ok":
            return str(found[0])
        claim = read_claim(Lease(str(found[5]), int(found[1]), owner), found)
        journal_log.wrote(claim.lease.ticket_id, claim.lease.epoch, [event])
        return claim

    async def park(
        self,
        lease: Lease,
        events: Sequence[ev.Event],
        reason: Reason,
        until_ms: int,
        *,
        waits: bool = False,
        model: str = "",
    ) -> None:
        """Let a run wait without holding a slot. waits: see `Stop`. model: that was to be called, "" for none."""
        parked = ev.Parked(reason.value, until_ms, waits)
        uncalled = ModelFailure(model, reason) if model and reason is Reason.PRICE_UNKNOWN else None
        what: dict[str, Any] = {"due": At(until_ms), "values": {"reason": reason.value}, "failure": uncalled}
        await self._leave(lease, State.PARKED, (*events, parked), **what)

    async def release(self, lease: Lease, events: Sequence[ev.Event], why: str) -> None:
        """Give a ticket back in good order; it is due at once and counts as no loss."""
        await self._leave(lease, State.QUEUED, (*events, ev.Released(why)), due=In(0))

    async def suggest(self, lease: Lease, conclusion: Conclusion) -> None:
        """Put a validated decision into the inbox."""
        decision, queue = conclusion.decision or {}, InboxQueue.SUGGESTIONS
        values = {**result_fields(self.process, decision), "queue": queue.value}
        if conclusion.unaided:  # the first one stays, whatever a person's hint makes of it later
            values["proposal"] = json.dumps(conclusion.unaided, ensure_ascii=False)
        if conclusion.blind:
            values["blind"] = "1"
        await self._leave(
            lease,
            State.SUGGESTED,
            (*conclusion.events, ev.Suggested(queue.value, conclusion.why)),
            values=values,
            figures=self._figures(conclusion),
            unset=("reason", "detail") if conclusion.blind else ("reason", "detail", "blind"),
            inbox=await self._entry(
                conclusion.priority, item_facets(self.process, queue, None, {} if conclusion.blind else decision)
            ),
            heard=conclusion.heard,
        )

    async def propose(
        self, lease: Lease, events: Sequence[ev.Event], call: PendingCall, priority: Priority, heard: int
    ) -> None:
        """Put a call before people. The ticket waits in the inbox, without lease or slot."""
        queue = InboxQueue.APPROVALS
        await self._leave(
            lease,
            State.SUGGESTED,
            (*events, ev.Suggested(queue.value, call.why)),
            values={"call": call.to_json(), "queue": queue.value},
            unset=("reason", "detail", "blind", *result_names(self.process)),
            inbox=await self._entry(priority, item_facets(self.process, queue, None, None)),
            heard=heard,
        )

    async def decide(
        self,
        lease: Lease,
        conclusion: Conclusion,
        outbox: Sequence[OutboxEntry],
        by: str = "agent",
        act: str = ALONE,
    ) -> None:
        """Let the agent's decision stand. What it suggested is kept: a later correction is evidence. by: who approved
        what it follows from, by that act.
        """
        decision = conclusion.decision or {}
        values = result_fields(self.process, decision)
        if conclusion.unaided:
            values["proposal"] = json.dumps(conclusion.unaided, ensure_ascii=False)
        await self._leave(
            lease,
            State.DECIDED,
            (*conclusion.events, ev.Decided(by, act, decision, conclusion.why)),
            values=values,
            unset=("reason", "detail"),
            outbox=tuple(outbox),
            count=("decided_auto",) if act == ALONE else (),
            figures=self._figures(conclusion),
            heard=conclusion.heard,
        )

    async def uphold(self, lease: Lease, conclusion: Conclusion, stands: dict[str, Any]) -> None:
        """Let the decision stand that stood before something was added: nothing is sent."""
        await self._leave(
            lease,
            State.DECIDED,
            (*conclusion.events, ev.Upheld(decision=stands)),
            values=result_fields(self.process, stands),
            unset=("reason", "detail", "standing"),
            figures=self._figures(conclusion),
            heard=conclusion.heard,
        )

    async def join(self, lease: Lease, of: str, heard: int) -> None:
        """End a reply that was accepted before what it answers: it has become a message of that ticket. heard: messages
        of its own that went along. Raises `NewMessages`.
        """
        closed = Closed.DUPLICATE
        await self._leave(
            lease,
            State.CLOSED,
            (ev.Closed("intake", closed.value, "it is a message of the ticket that it answers", of),),
            values={"closed": closed.value, "detail": of},
            heard=heard,
        )

    async def hand_off(
        self,
        lease: Lease,
        conclusion: Conclusion,
        reason: Reason,
        detail: str,
        queue: InboxQueue,
        severity: Severity,
        outbox: Sequence[OutboxEntry] = (),
    ) -> None:
        """State, inbox entry and alert in one write. A draft decision is kept for the person."""
        values = {"reason": reason.value, "detail": detail[:500], "queue": queue.value}
        if conclusion.decision:
            values |= result_fields(self.process, conclusion.decision)
        await self._leave(
            lease,
            State.HANDED_OFF,
            (*conclusion.events, ev.HandedOff(reason.value, detail[:500], queue.value, severity.value)),
            values=values,
            unset=() if conclusion.decision else tuple(result_names(self.process)),
            inbox=await self._entry(conclusion.priority, item_facets(self.process, queue, reason, conclusion.decision)),
            alert=AlertRaised(reason, severity),
            outbox=tuple(outbox),
            figures=self._figures(conclusion),
        )

    async def renew(self, owner: str, leases: Sequence[Lease]) -> set[str]:
        """Renew all leases of one process in one call. Returns the ticket ids whose lease is gone."""
        if not leases:
            return set()
        pairs = [part for lease in leases for part in (lease.ticket_id, str(lease.epoch))]
        return set(await self.store.run("renew", "", owner, self.lease_ms, *pairs))

    async def take_back(self, owner: str) -> list[str]:
        """Make due what an owner holds that has ended, before its leases are over. Returns the ids, for `sweep`."""
        return list(await self.store.run("take_back", "", owner))

    async def sweep(
        self, *, limit: int, max_losses: int, base_ms: int | None = None, backlogged: bool = False
    ) -> list[Hint]:
        """Take back what is due. Returns the hints to publish."""
        began_ms = await self.store.now_ms() if journal_log.listens() else None
        how = (limit, max_losses, base_ms or self.first_sweep_ms, int(backlogged), self.lease_ms)
        flat = await self.store.run("sweep", "", *how)
        if began_ms is not None:
            for ticket_id in flat[1::2]:
                journal_log.swept(ticket_id, await self.store.journal(ticket_id, -journal_log.LATEST, -1), began_ms)
        return [(HintKind(kind), ticket_id) for kind, ticket_id in zip(flat[::2], flat[1::2], strict=True)]

    def _figures(self, conclusion: Conclusion) -> RunFigures:
        kind = self.process.key(conclusion.decision) if conclusion.decision else None
        return RunFigures(kind, conclusion.version or None)

    async def _entry(self, priority: Priority, facets: list[str]) -> InboxEntry:
        return InboxEntry(await self.targets.look_by(self.store, priority, facets), tuple(facets))

    async def _leave(self, lease: Lease, state: State, events: Sequence[ev.Event], **what: Any) -> None:
        by = ByWorker(lease.epoch, lease.owner)
        move = Move(state, (State.RUNNING,), by, tuple(events), **what)
        await make_move(self.store, lease.ticket_id, move, self.process.facet_names)


def new_id() -> str:
    """A ticket id that sorts by time: `tkt_` and 24 hex digits."""
    return f"tkt_{int(time.time() * 1000):012x}{uuid4().hex[:12]}"
