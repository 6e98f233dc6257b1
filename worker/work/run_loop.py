"""The one run loop: advance, ask the plan, then retry, raise the tier, or come to an end.

Worker, evaluation, regression and replay run it. What differs is injected: the ledger that events go to, the tools, the
clock; and each of them makes of an ending what it must, a wait included.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from fallbacks import answers
from tasks.conversation import conversation
from tasks.errors import Draining, NewMessages
from tasks.run import events as ev
from tasks.run.agent import Agent
from tasks.run.checkpoint import Checkpoint, Stop
from tasks.run.limits import Limits
from tasks.run.loop import Run
from tasks.run.ports import Clock
from tasks.run.process import Result
from tasks.run.tool_calls import ToolRunner
from tasks.safety.redact import redact
from worker.models.tier import Tier


@dataclass(frozen=True, slots=True)
class Ending:
    """Where the loop left a ticket. unwritten: events that go with the next write."""

    checkpoint: Checkpoint
    unwritten: Sequence[ev.Event]


@dataclass(frozen=True, slots=True)
class Concluded(Ending):
    """A result that its tier stands by. person: why a person must decide it, by the rules."""

    result: Result
    person: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asks(Ending):
    """A call waits for a person; the last event says which."""


@dataclass(frozen=True, slots=True)
class Waits(Ending):
    """The plan lets it wait until this store time, ms."""

    stop: Stop
    until_ms: int


@dataclass(frozen=True, slots=True)
class GivenUp(Ending):
    """A person must take over."""

    stop: Stop


@dataclass(frozen=True, slots=True)
class Drained(Ending):
    """The process is stopping."""


AnyEnding = Concluded | Asks | Waits | GivenUp | Drained


def unwatched(_checkpoint: Checkpoint, _unwritten: Sequence[ev.Event]) -> None:
    """Nobody looks."""


Reread = Callable[[Sequence[ev.Event]], Awaitable[tuple[Checkpoint, Sequence[ev.Event]]]]


@dataclass(frozen=True, slots=True)
class Assignment:
    """One ticket to be worked. tools: over the ledger that the run writes to. deadline_ms: the ticket's own, or None.

    tier_ended: sees checkpoint and unwritten events whenever a tier is done with the ticket, before the next begins.
    reread: the checkpoint with what was added meanwhile, and the unwritten events that still hold.
    """

    tools: ToolRunner
    limits: Limits
    clock: Clock
    deadline_ms: int | None = None
    tier_ended: Callable[[Checkpoint, Sequence[ev.Event]], None] = unwatched
    reread: Reread | None = None


async def work(
    agent: Agent,
    tiers: Sequence[Tier],
    assignment: Assignment,
    checkpoint: Checkpoint,
    unwritten: Sequence[ev.Event] = (),
) -> AnyEnding:
    """Work a ticket from its checkpoint until it rests. Raises `LeaseLost` and what the store raises."""
    while True:
        run = _run(agent, tiers, assignment, checkpoint, unwritten)
        try:
            stop = await run.advance()
        except Draining:
            return Drained(run.checkpoint, run.unwritten)
        except NewMessages:
            if assignment.reread is None:  # nobody can add anything here
                raise
            checkpoint, unwritten = await assignment.reread(run.unwritten)
            continue
        if stop is None:
            return _rests(run, assignment)
        match _answer(run, stop, assignment, len(tiers)):
            case answers.RetryNow():
                run.note(ev.Retried(stop.reason.value))
            case answers.RaiseTier(tier):
                assignment.tier_ended(run.checkpoint, run.unwritten)
                run.note(ev.TierRaised(tier, stop.reason.value, run.leaning))
            case answers.Park(until_ms):
                return Waits(run.checkpoint, run.unwritten, stop, until_ms)
            case answers.HandOff():
                assignment.tier_ended(run.checkpoint, run.unwritten)
                return GivenUp(run.checkpoint, run.unwritten, stop)
            case unknown:
                assert_never(unknown)
        checkpoint, unwritten = run.checkpoint, run.unwritten


def _rests(run: Run, assignment: Assignment) -> Concluded | Asks:
    if run.checkpoint.decision is None:  # advancing ends with a stop, a decision, or a call that waits
        return Asks(run.checkpoint, run.unwritten)
    assignment.tier_ended(run.checkpoint, run.unwritten)
    return Concluded(run.checkpoint, run.unwritten, run.checkpoint.decision, run.checkpoint.person)


def tier_of(checkpoint: Checkpoint, tiers: Sequence[Tier]) -> Tier:
    """The tier in use; the last one where a deployment has fewer than when the run began."""
    return tiers[min(checkpoint.tier, len(tiers) - 1)]


def _run(
    agent: Agent,
    tiers: Sequence[Tier],
    assignment: Assignment,
    checkpoint: Checkpoint,
    unwritten: Sequence[ev.Event],
) -> Run:
    tier = tier_of(checkpoint, tiers)
    ticket = conversation(assignment.tools.ticket, checkpoint.added)
    return Run(
        agent=agent,
        model=tier.model,
        min_confidence=tier.min_confidence,
        shown=redact(ticket.text) if tier.redacted else None,
        tools=replace(assignment.tools, ticket=ticket, version=tier.version),
        limits=assignment.limits,
        clock=assignment.clock,
        checkpoint=checkpoint,
        unwritten=list(unwritten),
    )


def _answer(run: Run, stop: Stop, assignment: Assignment, tiers: int) -> answers.Answer:
    return answers.answer(
        stop,
        run.checkpoint,
        assignment.limits,
        ticket_id=run.tools.ticket_id,
        tiers=tiers,
        now_ms=assignment.clock.now_ms(),
        deadline_ms=assignment.deadline_ms,
    )
