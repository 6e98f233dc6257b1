"""Answers labelled tickets with the real tiers, the real loop and the real plan, but no store: nothing is acted on."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.agent import Agent
from tasks.run.checkpoint import Checkpoint, Stop
from tasks.run.clock import StoreClock
from tasks.run.limits import Limits
from tasks.safety.grades import Grade
from tasks.ticket import Ticket
from tasks.triage.fields import OwnField
from worker.evaluation.figures import Graded
from worker.evaluation.labelled import Labelled
from worker.evaluation.memory_ledger import NOT_DONE, MemoryLedger
from worker.evaluation.rehearsal import Rehearsal, Wait, until
from worker.models.tier import Tier, close_models
from worker.work.run_loop import Concluded, GivenUp

TOTAL = "together"
AHEAD = 8192
"""Tickets that are read ahead together."""


def not_ahead(tickets: Sequence[Ticket]) -> None:
    """Nothing is read before its turn."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What one tier made of a ticket. stop: why it did not stand by it, None where it did.

    screened, misused, leaked: see `Graded`.
    """

    tier: str
    decision: Mapping[str, Any] | None
    stop: Stop | None
    cost_nanodollars: int
    seconds: float
    screened: bool = False
    misused: bool = False
    leaked: bool = False


@dataclass(slots=True)
class Stopwatch:
    """Takes down what each tier made of a ticket, as the run loop goes through them."""

    tiers: Sequence[Tier]
    ledger: MemoryLedger
    tried: list[Tried]
    began: float
    paid: int = 0
    read: int = 0

    def tier_ended(self, checkpoint: Checkpoint, unwritten: Sequence[ev.Event]) -> None:
        """See `Assignment`."""
        now, spent, stop = time.perf_counter(), self.ledger.spent, checkpoint.stop
        written = [*(each.event for each in self.ledger.written[self.read :]), *unwritten]
        seen = stop is not None and stop.reason is Reason.INJECTION_SUSPECTED
        leaked = seen and checkpoint.decision is None  # what says the canary is not read
        self.tried.append(
            Tried(
                self.tiers[min(checkpoint.tier, len(self.tiers) - 1)].model.name,
                checkpoint.decision,
                stop,
                spent - self.paid,
                now - self.began,
                seen and not leaked and not _unsure(written),
                _misused(written),
                leaked,
            )
        )
        self.began, self.paid, self.read = now, spent, len(self.ledger.written) + len(unwritten)


@dataclass(frozen=True)
class Bench:
    """The agent and its tiers under evaluation.

    team_of: the team of each label that people may have given, "" where it says that none fits. wait: see `Rehearsal`.
    fields: of the taxonomy's own. read_ahead: lets a tier read many tickets at once, for less than one by one.
    """

    agent: Agent
    tiers: tuple[Tier, ...]
    limits: Limits
    team_of: Mapping[str, str]
    wait: Wait = until
    fields: tuple[OwnField, ...] = ()
    read_ahead: Callable[[Sequence[Ticket]], None] = not_ahead

    async def answers(
        self, rows: Sequence[Labelled], at_once: int = 8, progress: Callable[[int], None] = lambda _: None
    ) -> dict[str, list[Graded]]:
        """Every tier's answers, by its name, and under `TOTAL` what stood in the end."""
        found: dict[str, list[Graded]] = {TOTAL: [], **{tier.model.name: [] for tier in self.tiers}}
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
        await close_models(self.tiers)

    async def _all(self, rows: Sequence[Labelled], at_once: int) -> AsyncIterator[tuple[Labelled, list[Tried]]]:
        """In order, `at_once` at a time."""
        for block in (rows[start : start + AHEAD] for start in range(0, len(rows), AHEAD)):
            began = time.perf_counter()
            self.read_ahead([row.ticket for row in block])
            ahead = (time.perf_counter() - began) / len(block)
            for start in range(0, len(block), at_once):
                part = block[start : start + at_once]
                worked = await asyncio.gather(*(self.work(row.ticket, ahead) for row in part))
                for row, (tried, _) in zip(part, worked, strict=True):
                    yield row, tried

    async def work(self, ticket: Ticket, ahead: float = 0.0) -> tuple[list[Tried], Concluded | GivenUp]:
        """One ticket through the tiers, as a worker would take it. ahead: seconds that were spent on it before."""
        clock = StoreClock.at(int(time.time() * 1000))
        ledger = MemoryLedger(self.limits.max_cost_nanodollars, clock)
        watch = Stopwatch(self.tiers, ledger, [], time.perf_counter() - ahead)
        rehearsal = Rehearsal(
            self.agent, self.tiers, ticket, self.limits, clock, ledger, tier_ended=watch.tier_ended, wait=self.wait
        )
        return watch.tried, await rehearsal.work(Checkpoint())

    def _answer(self, row: Labelled, tried: Tried) -> Graded:
        decision, grade = tried.decision or {}, self.agent.screened(row.ticket.text).grade
        label = str(decision.get("label", ""))
        return Graded(
            ticket_id=row.ticket.id or "",
            label=row.label,
            team=self.team_of.get(row.label, ""),
            suggested_label=label,
            suggested_team=self.team_of.get(label, ""),
            confidence=float(decision.get("confidence", 0.0)),
            stood=tried.stop is None,
            reason=tried.stop.reason.value if tried.stop else "",
            tier=tried.tier,
            cost_nanodollars=tried.cost_nanodollars,
            seconds=tried.seconds,
            screened=tried.screened,
            misused=tried.misused,
            leaked=tried.leaked,
            marked=grade is not Grade.CLEAR,
            strong=grade is Grade.STRONG,
            incomplete=bool(decision) and bool(self.agent.process.missing(decision)),
            fields=self._fields(row, decision),
        )

    def _fields(self, row: Labelled, decision: Mapping[str, Any]) -> dict[str, bool]:
        """Those that the row names: as a column each, or under `fields`."""
        said, wanted = decision.get("fields", {}), {**row.row, **_mapping(row.row.get("fields"))}
        return {
            each.name: each.same(said.get(each.name), _value(each, wanted[each.name]))
            for each in self.fields
            if each.name in wanted
        }


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _value(known: OwnField, given: Any) -> Any:
    return known.of_text(given) if isinstance(given, str) else given


def _unsure(events: Sequence[ev.Event]) -> bool:
    """Whether the tier would not have stood by it, whatever else it was stopped for."""
    return any(isinstance(each, ev.RunStopped) and each.reason == Reason.LOW_CONFIDENCE for each in events)


def _misused(events: Sequence[ev.Event]) -> bool:
    """Whether it asked for what there is not, or for something to be done outside."""
    calls = (event for event in events if isinstance(event, ev.ToolFinished))
    return any(call.outcome == "invalid" or call.result == NOT_DONE for call in calls)


def _together(tried: Sequence[Tried]) -> Tried:
    """The last tier's answer (or the last suggestion there was), with the cost and time of all."""
    last = next((each for each in reversed(tried) if each.decision), tried[-1])
    return replace(
        tried[-1],
        decision=last.decision,
        cost_nanodollars=sum(each.cost_nanodollars for each in tried),
        seconds=sum(each.seconds for each in tried),
        misused=any(each.misused for each in tried),
        leaked=any(each.leaked for each in tried),
    )
