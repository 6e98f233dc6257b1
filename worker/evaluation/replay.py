"""Runs a recorded ticket again, on what was recorded: nothing outside is touched and nothing is written down.

The journal up to a step gives the checkpoint to go on from, so what came before that step is taken as it was. Later
tool calls get their recorded results where the model asks for the same again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fallbacks.inbox.explain import StepSummary, steps
from tasks.run import events as ev
from tasks.run.agent import Agent
from tasks.run.checkpoint import fold
from tasks.run.clock import StoreClock
from tasks.run.limits import Limits
from tasks.run.process import Process
from tasks.ticket import Ticket
from worker.evaluation.memory_ledger import MemoryLedger
from worker.evaluation.rehearsal import Rehearsal, recordings
from worker.models.tier import Tier

_OF_ANY = ("priority", "confidence", "tier")
"""Fields that every result has."""


@dataclass(frozen=True, slots=True)
class Recap:
    """What a run came to. reason: why it stopped, "" where its decision stood. cost: of all its calls, nanodollars.

    prompt: the version of its last conversation's, "" where it had none. compared: of the decision, what is compared.
    """

    decision: Mapping[str, Any] | None
    reason: str
    detail: str
    steps: tuple[StepSummary, ...]
    cost_nanodollars: int
    prompt: str = ""
    compared: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replay:
    """A run beside its replay. from_step: the first one made anew. paid_nanodollars: what the replay itself cost."""

    before: Recap
    after: Recap
    from_step: int
    paid_nanodollars: int

    @property
    def changed(self) -> dict[str, tuple[Any, Any]]:
        """What came out otherwise, by its name: (before, after)."""
        then, now = self.before.compared, self.after.compared
        pairs = {name: (then.get(name), now.get(name)) for name in (*then, *now)}
        pairs["prompt"] = (self.before.prompt, self.after.prompt)
        pairs["reason"] = (self.before.reason, self.after.reason)
        pairs["steps"] = (len(self.before.steps), len(self.after.steps))
        pairs["cost_nanodollars"] = (self.before.cost_nanodollars, self.after.cost_nanodollars)
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


async def replay(
    agent: Agent,
    tiers: tuple[Tier, ...],
    ticket: Ticket,
    limits: Limits,
    journal: Sequence[ev.Recorded],
    from_step: int = 1,
) -> Replay:
    """The recorded run beside a new one from this step on. Raises `ValueError` for a step that it does not have."""
    kept, now_ms = before_step(journal, from_step)
    checkpoint = replace(fold(kept), prior=None)  # the system text or the tools may have changed since
    clock = StoreClock.at(now_ms)
    ledger = MemoryLedger(limits.max_cost_nanodollars, clock, checkpoint.usage.cost_nanodollars)
    paid_before = ledger.spent
    rehearsal = Rehearsal(agent, tiers, ticket, limits, clock, ledger, recordings(journal[len(kept) :]))
    await rehearsal.work(checkpoint)
    after = [*kept, *ledger.written]
    return Replay(recap(journal, agent.process), recap(after, agent.process), from_step, ledger.spent - paid_before)


def before_step(journal: Sequence[ev.Recorded], step: int) -> tuple[list[ev.Recorded], int]:
    """What was recorded before a step, and when that ended, ms. Step 1: the looked-up context alone, so that the
    conversation is opened anew. Raises `ValueError` for a step that was never made.
    """
    if step == 1:
        context = [recorded for recorded in journal if isinstance(recorded.event, ev.ContextFetched)][:1]
        return context, journal[0].at_ms if journal else 0
    for index, recorded in enumerate(journal):
        if isinstance(recorded.event, ev.StepStarted) and recorded.event.step >= step:
            return list(journal[:index]), recorded.at_ms
    made = sum(isinstance(recorded.event, ev.StepStarted) for recorded in journal)
    raise ValueError(f"it has no step {step}: there are {made}")


def recap(journal: Sequence[ev.Recorded], process: Process) -> Recap:
    """What the agent came to, by its journal."""
    checkpoint = fold(journal)
    stop, result = checkpoint.stop, checkpoint.decision
    return Recap(
        decision=result,
        reason=stop.reason.value if stop else "",
        detail=stop.detail if stop else "",
        steps=steps(journal, process),
        cost_nanodollars=checkpoint.usage.cost_nanodollars,
        prompt=checkpoint.versions[0] if checkpoint.versions else "",
        compared={**process.facets(result), **{name: result.get(name) for name in _OF_ANY}} if result else {},
    )
