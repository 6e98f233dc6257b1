"""A run's ledger in memory: for replays and evaluations, which act on nothing and keep nothing."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tasks.errors import StepRefused
from tasks.money import Nanodollars
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.ports import Clock
from worker.config.errors import NothingIsKeptError

NOT_DONE = json.dumps({"rehearsal": "not carried out"})


@dataclass(slots=True)
class MemoryLedger:
    """Implements `tasks.run.ports.RunLedger` for a run that nobody else sees. written: the journal it would have."""

    cap: int | None
    clock: Clock
    spent: int = 0
    written: list[ev.Recorded] = field(default_factory=list)

    async def begin_step(self, started: ev.StepStarted, before: Sequence[ev.Event]) -> int:
        """Refuse what could go over the cap, as the ledger would."""
        if self.cap is not None and self.spent + started.reserved_nanodollars > self.cap:
            raise StepRefused(Reason.COST_LIMIT, "the next call could cost more than the run may spend")
        self.write((*before, started))
        return self.clock.now_ms()

    async def end_step(self, call_id: str, cost: Nanodollars, events: Sequence[ev.Event]) -> None:  # noqa: ARG002 - the port
        """Count it."""
        self.spent += cost
        self.write(events)

    async def begin_effect(
        self,
        key: str,  # noqa: ARG002 - the port
        tool: str,  # noqa: ARG002 - the port
        before: Sequence[ev.Event],  # noqa: ARG002 - the port
        *,
        key_honoured: bool,  # noqa: ARG002 - the port
        approval: str = "",  # noqa: ARG002 - the port
    ) -> str | None:
        """As if it were done already: nothing is done in a rehearsal."""
        return NOT_DONE

    async def end_effect(self, key: str, result: str) -> None:  # noqa: ARG002 - the port
        """Never reached."""
        raise NothingIsKeptError(key)

    async def tool_allowed(self, tool: str, calls_per_minute: int) -> bool:  # noqa: ARG002 - the port
        """There is no fleet."""
        return True

    def write(self, events: Iterable[ev.Event]) -> None:
        """Append to its journal."""
        self.written += [ev.Recorded(0, self.clock.now_ms(), 0, event) for event in events]
