"""Working one message: claim its ticket, run the agent, leave it in the state that follows. A run's outermost edge."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, assert_never

from fallbacks import plan
from fallbacks.autonomy.standing import Judgement, Key
from fallbacks.delivery.outcomes import Outcome, OutcomeWriter
from fallbacks.errors import StoreUnreachable
from fallbacks.inbox.calls import APPROVAL_SECONDS
from fallbacks.inbox.decisions import AGENT, upheld
from fallbacks.ledger.acts import ALONE, Act
from fallbacks.ledger.calls import pending
from fallbacks.ledger.ledger import Claim, Conclusion, Ledger
from fallbacks.ledger.limits.source_caps import NO_CAPS, SourceCaps
from fallbacks.ledger.run_ledger import LeasedLedger
from fallbacks.ledger.states import State
from tasks.conversation import conversation
from tasks.errors import LeaseLost, NewMessages
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.agent import Agent
from tasks.run.checkpoint import Checkpoint, Stop, fold
from tasks.run.clock import StoreClock
from tasks.run.tool_calls import Earned, ToolRunner, unearned
from tasks.ticket import Priority, Ticket
from worker.models.tier import Tier
from worker.telemetry.tracing import NoTracing, Tracing
from worker.work.live_runs import LiveRuns
from worker.work.message_outcome import MessageOutcome, Unworked, unclaimed
from worker.work.run_loop import AnyEnding, Asks, Assignment, Concluded, Drained, GivenUp, Waits, tier_of, work

log = logging.getLogger(__name__)

Work = Callable[[Claim], Coroutine[Any, Any, MessageOutcome]]


async def no_quota(_ticket: Ticket) -> str:
    """No ticket is one too many."""
    return ""


async def alone(_claim: Claim) -> str:
    """No ticket answers another."""
    return ""


@dataclass(slots=True)
class Executor:
    """Works tickets on one event loop.

    tiers: none where this process only hands off. day_cap: nanodollars of the fleet per UTC day, None for no cap.
    source_caps: of sources that have a budget. judge: whether a decision of a tier may be decided alone.
    approval_seconds: how long a call that waits for a person may be approved. earned: why a tool may not act
    unapproved. over_quota: why a ticket is one too many of its requester, "" where it is not. switched_off: no agent
    works here, whoever asks. enter: signs in with the store and returns its canary, "" for none; asked before the first
    run. joined: the ticket that this one, a reply, has become a message of; "" where it is none.
    """

    live: LiveRuns
    ledger: Ledger
    agent: Agent
    tiers: tuple[Tier, ...]
    outcomes: OutcomeWriter
    judge: Callable[[Key], Awaitable[Judgement]]
    day_cap: int | None = None
    source_caps: Mapping[str, SourceCaps] = field(default_factory=dict)
    approval_seconds: float = APPROVAL_SECONDS
    earned: Earned = unearned
    max_losses: int = 3
    over_quota: Callable[[Ticket], Awaitable[str]] = no_quota
    switched_off: bool = False
    enter: Callable[[], Awaitable[str]] | None = None
    joined: Callable[[Claim], Awaitable[str]] = alone
    tracing: Tracing = field(default_factory=NoTracing)

    async def ready(self) -> None:
        """Enter, once a process that has an agent. Raises `StoreUnreachable`."""
        if self.enter is not None and self.tiers and not self.agent.canary:
            self.agent = replace(self.agent, canary=await self.enter())

    async def triage(self, ticket_id: str, *, hint: bool = False) -> MessageOutcome:
        """Claim a ticket and work it to a state of rest. hint: that which should go first; see `Ledger.claim`."""
        if not self.tiers:
            return Unworked.NO_AGENT  # a hand-off worker; the sweep offers the ticket to others
        return await self._claimed(ticket_id, "tickets", self._work, hint=hint)

    async def hand_off(self, ticket_id: str) -> MessageOutcome:
        """Hand off a ticket that no agent should touch: it kills workers, or has waited too long."""
        return await self._claimed(ticket_id, "handoff", self._take_to_people)

    async def _claimed(self, ticket_id: str, queue: str, work_it: Work, *, hint: bool = False) -> MessageOutcome:
        if self.live.draining:
            return Unworked.DRAINING
        claim = await self.ledger.claim(ticket_id, self.live.owner, queue, hint=hint)
        if isinstance(claim, str):
            return unclaimed(claim)
        return await self.live.hold(claim.lease, self._guarded(claim, work_it))

    async def _guarded(self, claim: Claim, work_it: Work) -> MessageOutcome:
        """Turn whatever can happen into an outcome. Nothing is lost here: a lease left behind expires and is swept."""
        try:
            return await self._survived(claim, work_it)
        except LeaseLost:
            return Unworked.LEASE_LOST
        except StoreUnreachable as error:
            log.warning("store unreachable, leaving %s to the sweep: %s", claim.lease.ticket_id, error)
            return Unworked.ABANDONED

    async def _survived(self, claim: Claim, work_it: Work) -> MessageOutcome:
        try:
            return await work_it(claim)
        except (LeaseLost, StoreUnreachable):
            raise
        except asyncio.CancelledError:
            if not self.live.draining:  # the heartbeat found the lease gone
                return Unworked.LEASE_LOST
            await self.ledger.release(claim.lease, (), "the worker is stopping; a call in flight was cut")
            return Unworked.RELEASED
        except Exception as error:
            log.exception("the run of %s failed", claim.lease.ticket_id)
            return await self._refuse(
                claim, Stop(Reason.INTERNAL_ERROR, f"{type(error).__name__} in {_where(error)}", 0)
            )

    async def _work(self, claim: Claim) -> MessageOutcome:
        with self.tracing.run(claim.lease.ticket_id, claim.lease.epoch, claim.trace) as ended:
            outcome = await self._run_to_rest(claim)
            ended(outcome)
            return outcome

    async def _run_to_rest(self, claim: Claim) -> MessageOutcome:
        if of := await self.joined(claim):
            return await self._join(claim, of)
        if stop := self._unfit(claim) or await self._one_too_many(claim):
            return await self._refuse(claim, stop)
        await self.ready()
        checkpoint = fold(claim.journal)
        unwritten: Sequence[ev.Event] = ()
        leased = LeasedLedger(self.ledger, claim.lease, claim.limits, self.day_cap, lambda: self.live.draining)
        leased.heard, leased.source = checkpoint.heard, self.source_caps.get(claim.ticket.source, NO_CAPS)
        assignment = self._assignment(claim, leased)
        while True:  # once more for what was added while it was concluded
            ending = await work(self.agent, self.tiers, assignment, checkpoint, unwritten)
            try:
                return await self._rest(claim, ending)
            except NewMessages:
                checkpoint, unwritten = await self._reread(leased, ending.unwritten)

    async def _join(self, claim: Claim, of: str) -> MessageOutcome:
        """What is added to it meanwhile is found when it is claimed again."""
        try:
            await self.ledger.join(claim.lease, of, fold(claim.journal).heard)
        except NewMessages:
            await self.ledger.release(claim.lease, (), "something was added to it")
            return Unworked.RELEASED
        return State.CLOSED

    async def _rest(self, claim: Claim, ending: AnyEnding) -> MessageOutcome:
        """Leave the ticket where the run came to. Raises `NewMessages` where that is not all there is to look at."""
        match ending:
            case Concluded():
                return await self._conclude(claim, ending)
            case Asks():
                return await self._ask(claim, ending)
            case Waits(checkpoint=checkpoint, unwritten=unwritten, stop=stop, until_ms=until_ms):
                model = tier_of(checkpoint, self.tiers).model.name
                waiting = (unwritten, stop.reason, until_ms)
                await self.ledger.park(claim.lease, *waiting, waits=stop.waits, model=model)
                return State.PARKED
            case GivenUp():
                return await self._hand_off(claim, ending)
            case Drained(unwritten=unwritten):
                await self.ledger.release(claim.lease, unwritten, "the worker is stopping")
                return Unworked.RELEASED
            case unknown:
                assert_never(unknown)

    async def _take_to_people(self, claim: Claim) -> MessageOutcome:
        if stop := self._unfit(claim):
            return await self._refuse(claim, stop)
        await self.ledger.release(claim.lease, (), "nothing speaks against the agent working it")
        return Unworked.RELEASED

    def _unfit(self, claim: Claim) -> Stop | None:
        """Why no agent should touch this ticket, or None."""
        if claim.losses >= self.max_losses:
            return Stop(Reason.WORKER_LOST, f"{claim.losses} workers were lost while working it", 0)
        if claim.deadline_ms is not None and claim.now_ms >= claim.deadline_ms:
            return Stop(Reason.DEADLINE_PASSED, _late(claim), 0)
        if claim.ticket.unreadable:
            return Stop(Reason.NO_READABLE_TEXT, claim.ticket.unreadable, 0)
        if self.switched_off:
            return Stop(Reason.AUTONOMY_OFF, "AUTONOMY is off", 0)
        return None

    async def _one_too_many(self, claim: Claim) -> Stop | None:
        """Asked once for a ticket: what a person sends back to the agent is wanted, whoever sent it."""
        detail = "" if claim.lease.epoch > 1 else await self.over_quota(claim.ticket)
        return Stop(Reason.REQUESTER_QUOTA, detail, 0) if detail else None

    def _assignment(self, claim: Claim, leased: LeasedLedger) -> Assignment:
        tools = ToolRunner(self.agent.tools, claim.ticket, claim.lease.ticket_id, leased, self.earned)
        return Assignment(
            tools,
            claim.limits,
            StoreClock.at(claim.now_ms),
            claim.deadline_ms,
            reread=lambda unwritten: self._reread(leased, unwritten),
        )

    async def _reread(self, leased: LeasedLedger, unwritten: Sequence[ev.Event]) -> tuple[Checkpoint, list[ev.Event]]:
        """The run as the journal has it now, and what it had not written yet. An opening that was not sent, and a
        call that nobody was shown, are left out: those that follow know what was added.
        """
        stored = await self.ledger.store.journal(leased.lease.ticket_id)
        journal = [ev.read_event(event, seq) for seq, event in enumerate(stored)]
        checkpoint, now = fold(journal), await self.ledger.store.now_ms()
        leased.heard = checkpoint.heard
        kept = [event for event in unwritten if not isinstance(event, ev.ConversationStarted | ev.CallProposed)]
        for event in kept:
            checkpoint = checkpoint.apply(ev.Recorded(0, now, leased.lease.epoch, event))
        return checkpoint, kept

    async def _ask(self, claim: Claim, ending: Asks) -> MessageOutcome:
        """Put the call that the run came to before people, and let go of the ticket."""
        proposed = ending.unwritten[-1]
        assert isinstance(proposed, ev.CallProposed)  # noqa: S101 - a run that asks has just noted what
        version = tier_of(ending.checkpoint, self.tiers).version
        call = pending(proposed, await self.ledger.store.now_ms(), int(self.approval_seconds * 1000), version)
        priority = self._priority(claim, ending.checkpoint)
        await self.ledger.propose(claim.lease, ending.unwritten, call, priority, ending.checkpoint.heard)
        return State.SUGGESTED

    def _priority(self, claim: Claim, checkpoint: Checkpoint) -> Priority:
        return self.agent.process.priority(conversation(claim.ticket, checkpoint.added), checkpoint.context)

    async def _conclude(self, claim: Claim, ending: Concluded) -> MessageOutcome:
        process, result, cause = self.agent.process, dict(ending.result), _cause(ending.checkpoint)
        if claim.stands is not None and upheld(process, claim.stands, result):
            version = tier_of(ending.checkpoint, self.tiers).version
            heard = ending.checkpoint.heard
            conclusion = Conclusion(ending.unwritten, result, Priority.NORMAL, version=version, heard=heard)
            await self.ledger.uphold(claim.lease, conclusion, claim.stands)
            return State.DECIDED
        tier = tier_of(ending.checkpoint, self.tiers)
        key = Key(process.key(result), result["tier"], tier.version)
        alone = _by_agent_alone(claim) and claim.stands is None
        if claim.stands is not None:
            judgement = Judgement(auto=False, blind=False, why="a decision stands: a person must correct it")
        elif ending.person:  # never decided alone, so the blind audit of what is has no part in it
            judgement = Judgement(auto=False, blind=False, why=f"a person must decide: {'; '.join(ending.person)}")
        elif alone:
            judgement = await self.judge(key)
        else:
            judgement = Judgement(auto=False, blind=False, why="a person has had a part in it")
        made = {**process.extras(result), "tier": key.tier, "version": key.version, "blind": judgement.blind}
        made |= {"confidence": result["confidence"], "basis": tier.basis} if tier.basis else {}
        proposal = {**process.facets(result), **made} if alone and process.fits(result) else None
        priority = Priority(result["priority"])
        said = (judgement.why, proposal, judgement.blind, key.version, ending.checkpoint.heard)
        conclusion = Conclusion(ending.unwritten, result, priority, *said)
        approver = self._ended_by(ending) if claim.stands is None else ""
        if judgement.auto or approver:
            result["decided_by"] = approver or result["decided_by"]
            document = {"state": State.DECIDED.value, "decision": result, **cause}
            outbox = self.outcomes.entries(Outcome.DECIDED, claim.lease.ticket_id, claim.door, document)
            by, act = (approver, Act.APPROVE_CALL) if approver else (AGENT, ALONE)
            why = "its approval ends the ticket" if approver else judgement.why
            await self.ledger.decide(claim.lease, replace(conclusion, decision=result, why=why), outbox, by, act)
            return State.DECIDED
        await self.ledger.suggest(claim.lease, conclusion)
        return State.SUGGESTED

    def _ended_by(self, ending: Concluded) -> str:
        """The person whose approval of a call was the decision; "" where there was none, or the rules want another."""
        tools = self.agent.tools
        by = [person for name, person in ending.checkpoint.done_for if name in tools and tools[name].ends]
        return by[-1] if by and not ending.person else ""

    async def _refuse(self, claim: Claim, stop: Stop) -> MessageOutcome:
        """Hand off what stopped outside the loop: the journal must have the reason, too."""
        checkpoint = fold(claim.journal)
        noted = () if checkpoint.stop else (ev.RunStopped(stop.step, stop.reason.value, stop.detail),)
        return await self._hand_off(claim, GivenUp(checkpoint, noted, stop))

    async def _hand_off(self, claim: Claim, ending: GivenUp) -> MessageOutcome:
        stop, result = ending.stop, ending.checkpoint.suggestion
        row = plan.PLAN[stop.reason]
        priority = Priority(result["priority"]) if result else self._priority(claim, ending.checkpoint)
        document = {"state": State.HANDED_OFF.value, "reason": stop.reason.value, **_cause(ending.checkpoint)}
        outbox = self.outcomes.entries(Outcome.HANDED_OFF, claim.lease.ticket_id, claim.door, document)
        version = tier_of(ending.checkpoint, self.tiers).version if self.tiers else ""
        await self.ledger.hand_off(
            claim.lease,
            Conclusion(ending.unwritten, result, priority, version=version),
            stop.reason,
            stop.detail,
            row.queue,
            row.severity,
            () if claim.stands is not None else outbox,  # what stands goes on standing until it is corrected
        )
        return State.HANDED_OFF


def _cause(checkpoint: Checkpoint) -> dict[str, str]:
    """The message that an outcome follows from, where there is one."""
    asking = [added.message.id or "" for added in checkpoint.added if not added.quiet]
    return {"message": asking[-1]} if asking else {}


def _late(claim: Claim) -> str:
    """What a ticket past its deadline has waited for, in words."""
    for recorded in reversed(claim.journal):
        match recorded.event:
            case ev.StepStarted():
                break
            case ev.Parked(reason=reason) if reason in set(Reason):
                return f"its deadline passed while it waited: {plan.PLAN[Reason(reason)].means}"
    return "its deadline passed before the agent was done"


def _by_agent_alone(claim: Claim) -> bool:
    """A suggestion made with a person's hint proves nothing of the agent, and the person wants to see it."""
    return not any(isinstance(recorded.event, _PARTS_OF_PEOPLE) for recorded in claim.journal)


_PARTS_OF_PEOPLE = (ev.Resumed, ev.CallApproved, ev.CallEdited, ev.CallRejected)


def _where(error: Exception) -> str:
    """File and line of the innermost frame: what a report needs, without any value."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
