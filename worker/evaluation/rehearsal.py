"""A ticket worked by the run loop as a worker would, with nothing written down and nothing done outside."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.agent import Agent
from tasks.run.checkpoint import Checkpoint
from tasks.run.clock import StoreClock
from tasks.run.limits import Limits
from tasks.run.messages import ToolCall
from tasks.run.tool_calls import ToolResult, ToolRunner
from tasks.ticket import Ticket
from worker.evaluation.memory_ledger import MemoryLedger
from worker.models.tier import Tier
from worker.work.run_loop import Asks, Assignment, Concluded, Drained, GivenUp, Waits, unwatched, work

Recordings = Mapping[tuple[str, str], list[ToolResult]]
"""Results by tool and arguments, in the order in which they came."""


Wait = Callable[[StoreClock, int], Awaitable[None]]
"""What a parked ticket does until a time, ms."""

_FOR_PEOPLE = frozenset(
    {Reason.MODEL_AUTH, Reason.MODEL_NOT_FOUND, Reason.MODEL_SPEND_LIMIT, Reason.PRICE_UNKNOWN, Reason.DAILY_BUDGET}
)
"""What a fleet waits for until somebody has mended it. Nobody does while an evaluation runs."""


async def until(clock: StoreClock, at_ms: int) -> None:
    """Wait as a parked ticket does."""
    await asyncio.sleep(max(0, at_ms - clock.now_ms()) / 1000)


@dataclass(frozen=True, slots=True)
class RehearsedTools(ToolRunner):
    """The real tools, over a ledger that lets none change anything. recorded: results taken instead of a call."""

    recorded: Recordings = field(default_factory=dict)

    async def wanted(self, call: ToolCall, step: int, used: int, seconds_left: float | None) -> None:  # noqa: ARG002 - the port
        """Nobody is asked: nothing is done."""
        return

    async def run(
        self,
        call: ToolCall,
        step: int,
        used: int,
        before: list[ev.Event],
        seconds_left: float | None,
        approval: str = "",
    ) -> ToolResult:
        """See `ToolRunner.run`."""
        if results := self.recorded.get(_same(call.name, call.arguments)):
            return results.pop(0) if len(results) > 1 else results[0]
        return await ToolRunner.run(self, call, step, used, before, seconds_left, approval)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One ticket's. ledger: what is written here is nobody else's. wait: what a parked ticket does meanwhile."""

    agent: Agent
    tiers: tuple[Tier, ...]
    ticket: Ticket
    limits: Limits
    clock: StoreClock
    ledger: MemoryLedger
    recorded: Recordings = field(default_factory=dict)
    tier_ended: Callable[[Checkpoint, Sequence[ev.Event]], None] = unwatched
    wait: Wait = until

    async def work(self, checkpoint: Checkpoint) -> Concluded | GivenUp:
        """To the end; everything is in the ledger's journal then."""
        ticket_id = self.ticket.id or "rehearsed"
        tools = RehearsedTools(self.agent.tools, self.ticket, ticket_id, self.ledger, recorded=self.recorded)
        assignment = Assignment(tools, self.limits, self.clock, tier_ended=self.tier_ended)
        while True:
            ending = await work(self.agent, self.tiers, assignment, checkpoint)
            self.ledger.write(ending.unwritten)
            match ending:
                case Waits(checkpoint=checkpoint, stop=stop) if stop.reason in _FOR_PEOPLE:
                    self.tier_ended(checkpoint, ())
                    return GivenUp(checkpoint, (), stop)
                case Waits(checkpoint=checkpoint, stop=stop, until_ms=until_ms):
                    parked = ev.Parked(stop.reason.value, until_ms)
                    self.ledger.write([parked])
                    checkpoint = checkpoint.apply(ev.Recorded(0, self.clock.now_ms(), 0, parked))
                    await self.wait(self.clock, until_ms)
                case Drained() | Asks():
                    raise AssertionError("a rehearsal has no process that stops, and nobody to ask")
                case _:
                    return ending


def recordings(journal: Iterable[ev.Recorded]) -> Recordings:
    """What the tool calls of a journal were answered."""
    found: dict[tuple[str, str], list[ToolResult]] = {}
    for recorded in journal:
        event = recorded.event
        if isinstance(event, ev.ToolFinished):
            results = found.setdefault(_same(event.tool, event.arguments), [])
            results.append(ToolResult(event.outcome, event.result))
    return found


def _same(tool: str, arguments: Any) -> tuple[str, str]:
    return tool, json.dumps(arguments, sort_keys=True, default=str)
