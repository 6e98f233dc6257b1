"""Working one ticket: claim, run, ask the plan, leave it in the state the plan says. The outermost edge of a run."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, assert_never

from fallbacks import plan
from fallbacks.autonomy.standing import Judgement, Key
from fallbacks.delivery.outcomes import Outcome, OutcomeWriter
from fallbacks.errors import StoreUnreachable
from fallbacks.ledger.ledger import Claim, Conclusion, Lease, Ledger
from fallbacks.ledger.run_ledger import LeasedLedger
from fallbacks.ledger.states import State
from tasks.errors import Draining, LeaseLost
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.checkpoint import Checkpoint, Stop, fold
from tasks.run.loop import Run
from tasks.run.messages import ToolSpec
from tasks.run.ports import Model
from tasks.run.process import Process
from tasks.run.tool import Tool, tools_version
from tasks.run.tool_calls import ToolRunner
from tasks.safety.redact import redact
from tasks.safety.screen import screen
from tasks.ticket import Priority
from worker.config.settings import Autonomy
from worker.intake.requester_quota import RequesterQuota
from worker.telemetry.tracing import NoTracing, Tracing

log = logging.getLogger(__name__)

PREFETCH = "ticket_context"

Work = Callable[[Claim], Coroutine[Any, Any, str]]


@dataclass(frozen=True, slots=True)
class Tier:
    """One model and the confidence below which it abstains.

    version: of all that its decisions depend on. redacted: it is shown tickets with personal data masked.
    """

    model: Model
    min_confidence: float
    version: str = ""
    redacted: bool = False


@dataclass(slots=True)
class StoreClock:
    """Store time, carried on by this process's monotonic clock: a wrong wall clock changes nothing."""

    offset_ms: float

    @classmethod
    def at(cls, store_ms: int) -> "StoreClock":
        """A clock that reads `store_ms` now."""
        return cls(store_ms - monotonic() * 1000)

    def now_ms(self) -> int:
        """Store time, ms since the epoch."""
        return int(monotonic() * 1000 + self.offset_ms)


@dataclass(slots=True)
class Executor:
    """Works tickets on one event loop.

    judge: whether a decision of a tier may be decided alone. quota: of a requester, None for none.
    enter: signs in with the books and returns their canary, "" for none; asked before the first run.
    runs: what this process holds now, by ticket id.
    """

    owner: str
    ledger: Ledger
    process: Process
    tiers: tuple[Tier, ...]
    tools: Mapping[str, Tool]
    outcomes: OutcomeWriter
    autonomy: Autonomy
    day_cap: int | None
    call_seconds: float
    max_output_tokens: int
    max_losses: int
    judge: Callable[[Key], Awaitable[Judgement]]
    tracing: Tracing = field(default_factory=NoTracing)
    code_version: str = ""
    quota: RequesterQuota | None = None
    enter: Callable[[], Awaitable[str]] | None = None
    canary: str = ""
    draining: bool = False
    runs: dict[str, tuple[Lease, asyncio.Task[str]]] = field(default_factory=dict)
    system: str = field(init=False)
    specs: tuple[ToolSpec, ...] = field(init=False)
    tools_version: str = field(init=False)

    def __post_init__(self) -> None:
        self.system = self.process.system("")
        offered = [tool.spec() for tool in self.tools.values() if tool.offered]
        self.specs = (*offered, self.process.terminal)
        self.tools_version = tools_version(self.specs)

    async def ready(self) -> None:
        """Enter, once a process that has an agent. Raises `StoreUnreachable`."""
        if self.enter is not None and self.tiers and not self.canary:
            self.canary = await self.enter()
            self.system = self.process.system(self.canary)

    async def triage(self, ticket_id: str) -> str:
        """Claim a ticket and work it to a state of rest. Returns that state, or why there was nothing to do."""
        if not self.tiers:
            return "no_agent"  # a hand-off worker; the sweep offers the ticket to others
        return await self._claimed(ticket_id, "tickets", self._work)

    async def hand_off(self, ticket_id: str) -> str:
        """Hand off a ticket that no agent should touch: it kills workers, or has waited too long."""
        return await self._claimed(ticket_id, "handoff", self._take_to_people)

    async def _claimed(self, ticket_id: str, queue: str, work: Work) -> str:
        if self.draining:
            return "draining"
        claim = await self.ledger.claim(ticket_id, self.owner, queue)
        if isinstance(claim, str):
            return claim
        if ticket_id in self.runs:  # this process lost it before; books set back by a crash may give it the same fence
            self.runs[ticket_id][1].cancel()
        task = asyncio.ensure_future(self._guarded(claim, work))
        self.runs[ticket_id] = (claim.lease, task)
        try:
            return await task
        finally:
            held = self.runs.get(ticket_id)
            if held is not None and held[1] is task:  # else this process took the ticket again after losing the lease
                del self.runs[ticket_id]

    async def _guarded(self, claim: Claim, work: Work) -> str:
        """Turn whatever can happen into an outcome. Nothing is lost here: a lease left behind expires and is swept."""
        try:
            return await self._survived(claim, work)
        except LeaseLost:
            return "lease_lost"
        except StoreUnreachable as error:
            log.warning("books unreachable, leaving %s to the sweep: %s", claim.lease.ticket_id, error)
            return "abandoned"

    async def _survived(self, claim: Claim, work: Work) -> str:
        try:
            return await work(claim)
        except (LeaseLost, StoreUnreachable):
            raise
        except asyncio.CancelledError:
            if not self.draining:  # the heartbeat found the lease gone
                return "lease_lost"
            await self.ledger.release(claim.lease, (), "the worker is stopping; a call in flight was cut")
            return "released"
        except Exception as error:
            log.exception("the run of %s failed", claim.lease.ticket_id)
            stop = Stop(Reason.INTERNAL_ERROR, f"{type(error).__name__} in {_where(error)}", 0)
            return await self._hand_off(claim, fold(claim.journal), (), stop)

    async def _work(self, claim: Claim) -> str:
        with self.tracing.run(claim.lease.ticket_id, claim.lease.epoch) as ended:
            outcome = await self._run_to_rest(claim)
            ended(outcome)
            return outcome

    async def _run_to_rest(self, claim: Claim) -> str:
        checkpoint, unwritten = fold(claim.journal), list[ev.Event]()
        if stop := self._unfit(claim) or await self._over_quota(claim):
            return await self._hand_off(claim, checkpoint, unwritten, stop)
        clock = StoreClock.at(claim.now_ms)
        await self.ready()
        while True:
            run = self._run(claim, checkpoint, clock, unwritten)
            try:
                stop = await run.advance()
            except Draining:
                await self.ledger.release(claim.lease, run.unwritten, "the worker is stopping")
                return "released"
            if stop is None:
                return await self._conclude(claim, run)
            match self._answer(claim, run.checkpoint, stop, clock.now_ms()):
                case plan.RetryNow():
                    run.note(ev.Retried(stop.reason.value))
                case plan.RaiseTier(tier):
                    run.note(ev.TierRaised(tier, stop.reason.value, run.leaning))
                case plan.Park(until_ms):
                    await self.ledger.park(claim.lease, run.unwritten, stop.reason, until_ms)
                    return State.PARKED.value
                case plan.HandOff():
                    return await self._hand_off(claim, run.checkpoint, run.unwritten, stop)
                case unknown:
                    assert_never(unknown)
            checkpoint, unwritten = run.checkpoint, run.unwritten

    async def _take_to_people(self, claim: Claim) -> str:
        if stop := self._unfit(claim):
            return await self._hand_off(claim, fold(claim.journal), (), stop)
        await self.ledger.release(claim.lease, (), "nothing speaks against the agent working it")
        return "released"

    def _unfit(self, claim: Claim) -> Stop | None:
        """Why no agent should touch this ticket, or None."""
        if claim.losses >= self.max_losses:
            return Stop(Reason.WORKER_LOST, f"{claim.losses} workers were lost while working it", 0)
        if claim.deadline_ms is not None and claim.now_ms >= claim.deadline_ms:
            return Stop(Reason.DEADLINE_PASSED, "its deadline passed before the agent was done", 0)
        if self.autonomy is Autonomy.OFF:
            return Stop(Reason.AUTONOMY_OFF, "AUTONOMY is off", 0)
        return None

    async def _over_quota(self, claim: Claim) -> Stop | None:
        """Asked once for a ticket: what a person sends back to the agent is wanted, whoever sent it."""
        if self.quota is None or claim.lease.epoch > 1:
            return None
        detail = await self.quota.exceeded(claim.ticket)
        return Stop(Reason.REQUESTER_QUOTA, detail, 0) if detail else None

    def _answer(self, claim: Claim, checkpoint: Checkpoint, stop: Stop, now_ms: int) -> plan.Answer:
        return plan.answer(
            stop,
            checkpoint,
            claim.limits,
            ticket_id=claim.lease.ticket_id,
            tiers=len(self.tiers),
            now_ms=now_ms,
            deadline_ms=claim.deadline_ms,
        )

    async def _conclude(self, claim: Claim, run: Run) -> str:
        decision = run.checkpoint.decision
        if signals := screen(claim.ticket.text, self.canary):
            detail = f"the text shows {', '.join(signals)}"
            stop = Stop(Reason.INJECTION_SUSPECTED, detail, run.checkpoint.usage.steps)
            return await self._hand_off(claim, run.checkpoint, run.unwritten, stop)
        key = Key(self.process.key(decision), decision["tier"], self._tier(run.checkpoint).version)
        alone = _by_agent_alone(claim)
        if why := run.checkpoint.person:  # never decided alone, so the blind audit of what is has no part in it
            judgement = Judgement(auto=False, blind=False, why=f"a person must decide: {'; '.join(why)}")
        elif alone:
            judgement = await self.judge(key)
        else:
            judgement = Judgement(auto=False, blind=False, why="a person has had a part in it")
        proposal = {**asdict(key), **self.process.facets(decision), "blind": judgement.blind} if alone else None
        priority = Priority(decision["priority"])
        conclusion = Conclusion(run.unwritten, decision, priority, judgement.why, proposal, judgement.blind)
        if judgement.auto:
            told = {"state": State.DECIDED.value, "decision": decision}
            outbox = self.outcomes.entries(Outcome.DECIDED, claim.lease.ticket_id, told)
            await self.ledger.decide(claim.lease, conclusion, outbox)
            return State.DECIDED.value
        await self.ledger.suggest(claim.lease, conclusion)
        return State.SUGGESTED.value

    async def _hand_off(self, claim: Claim, checkpoint: Checkpoint, unwritten: Sequence[ev.Event], stop: Stop) -> str:
        if checkpoint.stop is None:  # stopped from outside the loop: the journal must tell why, too
            unwritten = (*unwritten, ev.RunStopped(stop.step, stop.reason.value, stop.detail))
        row = plan.PLAN[stop.reason]
        decision = checkpoint.decision
        if decision:
            priority = Priority(decision["priority"])
        else:
            priority = self.process.priority(claim.ticket, checkpoint.context)
        told = {"state": State.HANDED_OFF.value, "reason": stop.reason.value}
        await self.ledger.hand_off(
            claim.lease,
            Conclusion(unwritten, decision, priority),
            stop.reason,
            stop.detail,
            row.queue,
            row.severity,
            self.outcomes.entries(Outcome.HANDED_OFF, claim.lease.ticket_id, told),
        )
        return State.HANDED_OFF.value

    def _tier(self, checkpoint: Checkpoint) -> Tier:
        return self.tiers[min(checkpoint.tier, len(self.tiers) - 1)]

    def _run(self, claim: Claim, checkpoint: Checkpoint, clock: StoreClock, unwritten: list[ev.Event]) -> Run:
        tier = self._tier(checkpoint)
        leased = LeasedLedger(
            self.ledger, claim.lease, claim.limits, self.day_cap, lambda: self.draining, tier.model.name
        )
        return Run(
            ticket_id=claim.lease.ticket_id,
            process=self.process,
            model=tier.model,
            min_confidence=tier.min_confidence,
            shown=redact(claim.ticket.text) if tier.redacted else None,
            tools=ToolRunner(self.tools, claim.ticket, claim.lease.ticket_id, leased),
            prefetch=PREFETCH,
            system=self.system,
            specs=self.specs,
            limits=claim.limits,
            ledger=leased,
            clock=clock,
            checkpoint=checkpoint,
            max_tokens=self.max_output_tokens,
            call_seconds=self.call_seconds,
            unwritten=unwritten,
            tools_version=self.tools_version,
            code_version=self.code_version,
            canary=self.canary,
        )


def _by_agent_alone(claim: Claim) -> bool:
    """A proposal made with a person's hint proves nothing of the agent, and the person wants to see it."""
    return not any(isinstance(recorded.event, ev.Resumed) for recorded in claim.journal)


def _where(error: Exception) -> str:
    """File and line of the innermost frame: what a report needs, without any value."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
