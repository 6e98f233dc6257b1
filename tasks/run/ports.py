"""What a run needs from the outside. Edges implement these; tests use real classes on the same ports."""

from collections.abc import Sequence
from typing import Protocol

from tasks.money import Nanodollars
from tasks.run.events import Event, StepStarted
from tasks.run.messages import ModelReply, ModelRequest, TokenUsage


class Model(Protocol):
    """One tier's model. `name` is what decisions, prices and metrics call it."""

    @property
    def name(self) -> str: ...

    async def call(self, request: ModelRequest) -> ModelReply:
        """One try, no retry inside; raises `ModelError`. The caller cancels it at the deadline."""
        ...

    def worst_case(self, request: ModelRequest) -> Nanodollars:
        """Upper bound of the call's cost. Raises `ModelError(PRICE_UNKNOWN)` for a model without a price."""
        ...

    def cost(self, usage: TokenUsage) -> Nanodollars:
        """What a finished call cost."""
        ...


class RunLedger(Protocol):
    """The ledger as one claimed run sees it: every call is fenced and raises `LeaseLost` when the lease is gone."""

    async def begin_step(self, started: StepStarted, before: Sequence[Event]) -> int:
        """Append `before` and the intent, reserving its worst case. Raises `StepRefused`. Returns store time, ms."""
        ...

    async def end_step(self, call_id: str, cost: Nanodollars, events: Sequence[Event]) -> None:
        """Append what came of the call and settle its reservation at `cost`."""
        ...

    async def begin_effect(
        self, key: str, tool: str, before: Sequence[Event], *, key_honoured: bool, approval: str = ""
    ) -> str | None:
        """Record the intent of an effect, with `before`. Returns None: go on; or the stored result (JSON) where it
        is done already, and then writes nothing.

        approval: the digest of one that is used up by it; "" where it needs none. Raises `NotApproved` where it does
        not hold, `NewMessages` where something was added since; `EffectUnknown` where an earlier try lost its result
        and the receiver does not honour the key.
        """
        ...

    async def end_effect(self, key: str, result: str) -> None:
        """Record the effect's result (JSON)."""
        ...

    async def tool_allowed(self, tool: str, calls_per_minute: int) -> bool:
        """Whether the fleet-wide rate of this tool leaves room for one more call now; if so it is counted."""
        ...


class Clock(Protocol):
    """Time for limits. Store time where a store is there, so that a worker's own clock does not matter."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        ...
