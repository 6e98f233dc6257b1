"""The ledger as one claimed run sees it: fenced, budgeted, and stopped when its worker is draining."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fallbacks.ledger.ledger import Lease, Ledger
from fallbacks.ledger.limits.breaker import ModelFailure
from fallbacks.ledger.limits.source_caps import NO_CAPS, SourceCaps
from fallbacks.plan import PLAN
from fallbacks.store import keys
from tasks.errors import Draining
from tasks.money import Nanodollars
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.limits import Limits


@dataclass(slots=True)
class LeasedLedger:
    """Implements `tasks.run.ports.RunLedger`. day_cap: nanodollars of the fleet per UTC day, None for no cap.

    heard: messages of the ticket that the run knows of; where there are more, no step begins (`NewMessages`).
    source: what the ticket's source may spend.
    """

    ledger: Ledger
    lease: Lease
    limits: Limits
    day_cap: int | None
    draining: Callable[[], bool]
    heard: int = 0
    source: SourceCaps = NO_CAPS
    _model: str = ""
    _settled: str | None = None

    async def begin_step(self, started: ev.StepStarted, before: Sequence[ev.Event]) -> int:
        """Reserve and write the intent; raises `Draining` instead when this worker is to stop."""
        if self.draining():
            raise Draining
        self._model = started.model  # one call is open at a time
        cap = self.limits.max_cost_nanodollars
        caps: dict[str, Any] = {"run_cap": cap, "day_cap": self.day_cap, "source": self.source, "heard": self.heard}
        return await self.ledger.begin_step(self.lease, started, before, **caps, after=self._settled)

    async def end_step(self, call_id: str, cost: Nanodollars, events: Sequence[ev.Event]) -> None:
        """Settle and write what came of it; the breaker learns from the first event."""
        what, model = events[0], self._model
        failure = _failure(model, what)
        health = "" if failure or isinstance(what, ev.ModelFailed) else "well"
        await self.ledger.end_step(self.lease, call_id, cost, events, model=model, health=health, failure=failure)
        self._settled = call_id

    async def begin_effect(
        self, key: str, tool: str, before: Sequence[ev.Event], *, key_honoured: bool, approval: str = ""
    ) -> str | None:
        """See `Ledger.begin_effect`."""
        what: dict[str, Any] = {"after": self._settled, "approval": approval, "heard": self.heard}
        return await self.ledger.begin_effect(self.lease, key, tool, before, key_honoured=key_honoured, **what)

    async def end_effect(self, key: str, result: str) -> None:
        """See `Ledger.end_effect`."""
        await self.ledger.end_effect(self.lease, key, result)

    async def tool_allowed(self, tool: str, calls_per_minute: int) -> bool:
        """Count one more call of this tool in the fleet's current minute."""
        return await self.ledger.store.tick(keys.rate(tool), 60) <= calls_per_minute


ENDED = ("end_turn", "stop")
"""Of a model that has said what it had to say."""


def _failure(model: str, what: ev.Event) -> ModelFailure | None:
    """None where nothing failed, or the failure says nothing of the provider. Replies that hold nothing, one after the
    other, are a gateway's.
    """
    match what:
        case ev.ModelReplied(content=(), stop=stop) if stop in ENDED:
            return ModelFailure(model, Reason.NO_DECISION)
        case ev.ModelFailed(reason=name, retry_after_seconds=wait) if PLAN[Reason(name)].breaker:
            return ModelFailure(model, Reason(name), wait)
        case _:
            return None
