"""Runs a recorded ticket again, on what was recorded: nothing outside is touched and nothing is written down.

The journal up to a step gives the checkpoint to go on from, so what came before that step is taken as it was. Later
tool calls get their recorded results where the model asks for the same again.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

from fallbacks import plan
from fallbacks.inbox.explain import StepSummary, steps
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.checkpoint import Checkpoint, Stop, fold
from tasks.run.limits import Limits
from tasks.run.loop import Run
from tasks.run.messages import ToolCall
from tasks.run.process import Process
from tasks.run.tool import Effect, Tool
from tasks.run.tool_calls import ToolResult, ToolRunner
from tasks.safety.screen import screen
from tasks.ticket import Ticket
from worker.evaluation.memory_ledger import MemoryLedger
from worker.work.executor import PREFETCH, StoreClock, Tier

NOT_IN_A_REPLAY = json.dumps({"error": "not carried out: this is a replay"})

Recordings = dict[tuple[str, str], list[ToolResult]]
"""Results by tool and arguments, in the order in which they came."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a run came to. reason: why it stopped, "" where its decision stood. cost: of all its calls, nanodollars.

    prompt: the version of its last conversation's, "" where it had none.
    """

    decision: Mapping[str, Any] | None
    reason: str
    detail: str
    steps: tuple[StepSummary, ...]
    cost_nanodollars: int
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Replay:
    """A run beside its replay. from_step: the first one made anew. paid_nanodollars: what the replay itself cost."""

    before: Told
    after: Told
    from_step: int
    paid_nanodollars: int

    @property
    def changed(self) -> dict[str, tuple[Any, Any]]:
        """What came out otherwise, by its name: (before, after)."""
        names = ("label", "team", "priority", "confidence", "tier")
        pairs = {name: (_chosen(self.before, name), _chosen(self.after, name)) for name in names}
        pairs["prompt"] = (self.before.prompt, self.after.prompt)
        pairs["reason"] = (self.before.reason, self.after.reason)
        pairs["steps"] = (len(self.before.steps), len(self.after.steps))
        pairs["cost_nanodollars"] = (self.before.cost_nanodollars, self.after.cost_nanodollars)
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


@dataclass(frozen=True, slots=True)
class RecordedTools(ToolRunner):
    """The tools of a replay: recorded results first; else only what changes nothing outside is called."""

    recorded: Recordings

    async def run(
        self, call: ToolCall, step: int, used: int, before: list[ev.Event], seconds_left: float | None
    ) -> ToolResult:
        """See `ToolRunner.run`."""
        if results := self.recorded.get(_same(call.name, call.arguments)):
            return results.pop(0) if len(results) > 1 else results[0]
        tool = self.tools.get(call.name)
        if tool is not None and tool.effect is not Effect.NONE:
            return ToolResult("refused", NOT_IN_A_REPLAY)
        return await ToolRunner.run(self, call, step, used, before, seconds_left)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a ticket is run again with: this process, these tiers, these tools. canary: the books'."""

    process: Process
    tiers: tuple[Tier, ...]
    tools: Mapping[str, Tool]
    max_output_tokens: int
    call_seconds: float
    canary: str = ""

    async def replay(
        self, ticket: Ticket, limits: Limits, journal: Sequence[ev.Recorded], from_step: int = 1
    ) -> Replay:
        """The recorded run beside a new one from this step on. Raises `ValueError` for a step that it does not have."""
        kept, now_ms = before_step(journal, from_step)
        checkpoint = replace(fold(kept), prior=None)  # the system text or the tools may have changed since
        clock = StoreClock.at(now_ms)
        ledger = MemoryLedger(limits.max_cost_nanodollars, clock, checkpoint.usage.cost_nanodollars)
        paid_before = ledger.spent
        tools = RecordedTools(self.tools, ticket, ticket.id or "", ledger, recordings(journal[len(kept) :]))
        stop = await self._run(Work(tools, limits, ledger, clock), checkpoint)
        if stop is None and (signals := screen(ticket.text, self.canary)):
            stop = Stop(Reason.INJECTION_SUSPECTED, f"the text shows {', '.join(signals)}", 0)
        after = [*kept, *ledger.written]
        return Replay(told(journal, None), told(after, stop), from_step, ledger.spent - paid_before)

    async def _run(self, work: "Work", checkpoint: Checkpoint) -> Stop | None:
        """To its end through the tiers, as the executor would; a wait counts as the end."""
        while True:
            run = self._made(work, checkpoint)
            stop = await run.advance()
            work.ledger.write(run.take_unwritten())
            if stop is None:
                return None
            now_ms = work.clock.now_ms()
            match plan.answer(
                stop,
                run.checkpoint,
                work.limits,
                ticket_id=run.ticket_id,
                tiers=len(self.tiers),
                now_ms=now_ms,
                deadline_ms=now_ms,  # no waiting: what would be parked ends here
            ):
                case plan.RetryNow():
                    run.note(ev.Retried(stop.reason.value))
                case plan.RaiseTier(tier):
                    run.note(ev.TierRaised(tier, stop.reason.value, run.leaning))
                case plan.Park() | plan.HandOff():
                    return stop
                case unknown:
                    assert_never(unknown)
            work.ledger.write(run.take_unwritten())
            checkpoint = run.checkpoint

    def _made(self, work: "Work", checkpoint: Checkpoint) -> Run:
        tier = self.tiers[min(checkpoint.tier, len(self.tiers) - 1)]
        offered = (tool.spec() for tool in self.tools.values() if tool.offered)
        return Run(
            ticket_id=work.tools.ticket_id,
            model=tier.model,
            process=self.process,
            min_confidence=tier.min_confidence,
            tools=work.tools,
            prefetch=PREFETCH,
            system=self.process.system(self.canary),
            specs=(*offered, self.process.terminal),
            limits=work.limits,
            ledger=work.ledger,
            clock=work.clock,
            checkpoint=checkpoint,
            max_tokens=self.max_output_tokens,
            call_seconds=self.call_seconds,
            canary=self.canary,
        )


@dataclass(frozen=True, slots=True)
class Work:
    """What stays the same through one replay."""

    tools: RecordedTools
    limits: Limits
    ledger: MemoryLedger
    clock: StoreClock


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
    raise ValueError(f"it has no step {step}: there are {len(steps(journal))}")


def recordings(journal: Iterable[ev.Recorded]) -> Recordings:
    """What its tool calls were answered."""
    found: Recordings = {}
    for recorded in journal:
        event = recorded.event
        if isinstance(event, ev.ToolFinished):
            results = found.setdefault(_same(event.tool, event.arguments), [])
            results.append(ToolResult(event.outcome, event.result))
    return found


def told(journal: Sequence[ev.Recorded], stop: Stop | None) -> Told:
    """What the agent came to, by its journal; stop: where that does not tell."""
    checkpoint = fold(journal)
    stop = checkpoint.stop or stop
    return Told(
        decision=checkpoint.decision,
        reason=stop.reason.value if stop else "",
        detail=stop.detail if stop else "",
        steps=steps(journal),
        cost_nanodollars=checkpoint.usage.cost_nanodollars,
        prompt=checkpoint.versions[0] if checkpoint.versions else "",
    )


def _chosen(told: Told, name: str) -> Any:
    return (told.decision or {}).get(name)


def _same(tool: str, arguments: Any) -> tuple[str, str]:
    return tool, json.dumps(arguments, sort_keys=True, default=str)
