"""Answers labelled tickets with the real tiers, the real loop and the real plan, but no books: nothing is acted on."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol, runtime_checkable
from uuid import uuid4

from fallbacks import plan
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.checkpoint import Checkpoint, Stop
from tasks.run.limits import Limits
from tasks.run.loop import Run
from tasks.run.messages import ToolSpec
from tasks.run.tool import Effect, Tool
from tasks.run.tool_calls import ToolRunner
from tasks.ticket import Ticket
from tasks.triage.process import Triage
from worker.evaluation.figures import Answer
from worker.evaluation.labelled import Labelled
from worker.evaluation.memory_ledger import MemoryLedger
from worker.work.executor import PREFETCH, StoreClock, Tier

TOTAL = "together"


@runtime_checkable
class Closable(Protocol):
    """A model with connections of its own."""

    async def aclose(self) -> None:
        """Close them."""
        ...


@dataclass(frozen=True, slots=True)
class Tried:
    """What one tier made of a ticket. stop: why it did not stand by it, None where it did.

    misused, leaked: see `Answer`.
    """

    tier: str
    decision: Mapping[str, Any] | None
    stop: Stop | None
    cost_nanodollars: int
    seconds: float
    misused: bool = False
    leaked: bool = False


@dataclass(frozen=True)
class Bench:
    """The tiers under evaluation. tools: only those without an effect are used.

    canary: a token that the models are told never to say; "" for none.
    """

    process: Triage
    tiers: tuple[Tier, ...]
    tools: Mapping[str, Tool]
    limits: Limits
    max_output_tokens: int = 1024
    call_seconds: float = 30.0
    canary: str = ""

    async def answers(
        self, rows: Sequence[Labelled], at_once: int = 8, progress: Callable[[int], None] = lambda _: None
    ) -> dict[str, list[Answer]]:
        """Every tier's answers, by its name, and under `TOTAL` what stood in the end."""
        found: dict[str, list[Answer]] = {TOTAL: [], **{tier.model.name: [] for tier in self.tiers}}
        done = 0
        async for row, tried in self._all(rows, at_once):
            done += 1
            progress(done)
            for each in tried:
                found[each.tier].append(self._answer(row, each))
            found[TOTAL].append(self._answer(row, _together(tried)))
        return found

    async def aclose(self) -> None:
        """Close what the models hold open."""
        for tier in self.tiers:
            if isinstance(tier.model, Closable):
                await tier.model.aclose()

    async def _all(self, rows: Sequence[Labelled], at_once: int) -> AsyncIterator[tuple[Labelled, list[Tried]]]:
        """In order, `at_once` at a time."""
        for start in range(0, len(rows), at_once):
            part = rows[start : start + at_once]
            tried = await asyncio.gather(*(self.work(row.ticket) for row in part))
            for pair in zip(part, tried, strict=True):
                yield pair

    async def work(self, ticket: Ticket) -> list[Tried]:
        """One ticket through the tiers, as the executor would take it; a wait counts as the end."""
        clock = StoreClock.at(int(time.time() * 1000))
        ledger = MemoryLedger(self.limits.max_cost_nanodollars, clock)
        checkpoint, tried = Checkpoint(), list[Tried]()
        began, paid = time.monotonic(), 0
        while True:
            run = self._run(ticket, checkpoint, clock, ledger)
            stop = await run.advance()
            checkpoint = run.checkpoint
            answer = plan.HandOff(plan.InboxQueue.REVIEW, plan.Severity.INFO) if stop is None else self._next(run, stop)
            if isinstance(answer, plan.RetryNow):
                run.note(ev.Retried(stop.reason.value if stop else ""))
                checkpoint = run.checkpoint
                continue
            now = time.monotonic()
            ledger.write(run.take_unwritten())
            misused = _misused(ledger.written)
            leaked = stop is not None and stop.reason is Reason.INJECTION_SUSPECTED  # the loop asks the canary alone
            cost, seconds = ledger.spent - paid, now - began
            tried.append(Tried(run.model.name, checkpoint.decision, stop, cost, seconds, misused, leaked))
            if not isinstance(answer, plan.RaiseTier):
                return tried
            began, paid, ledger.written = now, ledger.spent, []
            run.note(ev.TierRaised(answer.tier, stop.reason.value if stop else "", run.leaning))
            checkpoint = run.checkpoint

    def _next(self, run: Run, stop: Stop) -> plan.Answer:
        return plan.answer(
            stop,
            run.checkpoint,
            self.limits,
            ticket_id=run.ticket_id,
            tiers=len(self.tiers),
            now_ms=run.clock.now_ms(),
            deadline_ms=run.clock.now_ms(),  # no waiting: what would be parked ends here
        )

    def _run(self, ticket: Ticket, checkpoint: Checkpoint, clock: StoreClock, ledger: MemoryLedger) -> Run:
        tier = self.tiers[min(checkpoint.tier, len(self.tiers) - 1)]
        ticket_id = ticket.id or uuid4().hex
        return Run(
            ticket_id=ticket_id,
            model=tier.model,
            process=self.process,
            min_confidence=tier.min_confidence,
            tools=ToolRunner(self._harmless, ticket, ticket_id, ledger),
            prefetch=PREFETCH,
            system=self._system,
            specs=self._specs,
            limits=self.limits,
            ledger=ledger,
            clock=clock,
            checkpoint=checkpoint,
            max_tokens=self.max_output_tokens,
            call_seconds=self.call_seconds,
            canary=self.canary,
        )

    @cached_property
    def _system(self) -> str:
        return self.process.system(self.canary)

    @cached_property
    def _harmless(self) -> dict[str, Tool]:
        return {name: tool for name, tool in self.tools.items() if tool.effect is Effect.NONE}

    @cached_property
    def _specs(self) -> tuple[ToolSpec, ...]:
        return (*(tool.spec() for tool in self._harmless.values() if tool.offered), self.process.terminal)

    def _answer(self, row: Labelled, tried: Tried) -> Answer:
        decision = tried.decision or {}
        known = self.process.taxonomy.by_name.get(row.label)
        return Answer(
            ticket_id=row.ticket.id or "",
            label=row.label,
            team=known.team if known else "",
            guessed_label=str(decision.get("label", "")),
            guessed_team=str(decision.get("team", "")),
            confidence=float(decision.get("confidence", 0.0)),
            stood=tried.stop is None,
            reason=tried.stop.reason.value if tried.stop else "",
            tier=tried.tier,
            cost_nanodollars=tried.cost_nanodollars,
            seconds=tried.seconds,
            misused=tried.misused,
            leaked=tried.leaked,
        )


def _misused(journal: Sequence[ev.Recorded]) -> bool:
    return any(isinstance(each.event, ev.ToolFinished) and each.event.outcome == "invalid" for each in journal)


def _together(tried: Sequence[Tried]) -> Tried:
    """The last tier's answer (or the last proposal there was), with the cost and time of all."""
    last = next((each for each in reversed(tried) if each.decision), tried[-1])
    return replace(
        tried[-1],
        decision=last.decision,
        cost_nanodollars=sum(each.cost_nanodollars for each in tried),
        seconds=sum(each.seconds for each in tried),
        misused=any(each.misused for each in tried),
        leaked=any(each.leaked for each in tried),
    )
