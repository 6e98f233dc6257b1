"""What a run may use and what it has used. `None` is unlimited, 0 is zero."""

import json
from dataclasses import dataclass, field, fields

from tasks.reasons import Reason
from tasks.run.changed import changed
from tasks.run.messages import TokenUsage


@dataclass(frozen=True, slots=True)
class Limits:
    """The caps of one run.

    max_steps: model calls, failed ones included. max_tool_calls: calls the model asked for (prefetch is free).
    max_tokens: input and output of all calls together. max_cost_nanodollars: enforced by the ledger's reservation.
    max_seconds: of work, from the first model call on: those in which a worker holds the run, and of a worker that was
    lost those up to its last sign of life. Waiting is bounded by the ticket's deadline.
    """

    max_steps: int | None = 8
    max_tool_calls: int | None = 16
    max_tokens: int | None = None
    max_cost_nanodollars: int | None = 50_000_000
    max_seconds: float | None = 60.0


@dataclass(frozen=True)
class Usage:
    """What a run has used so far.

    started_ms: store time of its first step, None before it. worked_ms: of earlier workers. held_ms: store time since
    when a worker's seconds count, None while nobody works on it.
    """

    steps: int = 0
    tool_calls: int = 0
    tokens: TokenUsage = field(default_factory=TokenUsage)
    cost_nanodollars: int = 0
    started_ms: int | None = None
    worked_ms: int = 0
    held_ms: int | None = None

    def seconds(self, now_ms: int) -> float:
        """Seconds of work."""
        return self._ms(now_ms) / 1000

    def held(self, at_ms: int) -> "Usage":
        """With a worker at it from now on. Nothing counts before the first step."""
        return self if self.started_ms is None or self.held_ms is not None else changed(self, held_ms=at_ms)

    def let_go(self, at_ms: int) -> "Usage":
        """With nobody at it from now on."""
        return changed(self, worked_ms=self._ms(at_ms), held_ms=None)

    def _ms(self, now_ms: int) -> int:
        return self.worked_ms + (0 if self.held_ms is None else max(0, now_ms - self.held_ms))


def exceeded(limits: Limits, usage: Usage, now_ms: int) -> Reason | None:
    """The first limit that forbids one more step, or None. Money is the ledger's to refuse: it knows the worst case."""
    checks = (
        (limits.max_steps, usage.steps, Reason.STEP_LIMIT),
        (limits.max_tokens, usage.tokens.total, Reason.TOKEN_LIMIT),
        (limits.max_seconds, usage.seconds(now_ms), Reason.TIME_LIMIT),
    )
    for limit, used, reason in checks:
        if limit is not None and used >= limit:
            return reason
    return None


def seconds_left(limits: Limits, usage: Usage, now_ms: int) -> float | None:
    """Seconds of work left for the run; None when unlimited."""
    return None if limits.max_seconds is None else max(0.0, limits.max_seconds - usage.seconds(now_ms))


def read_limits(stored: str) -> Limits:
    """Limits from the store; what another version added is left out."""
    known = {name.name for name in fields(Limits)}
    return Limits(**{name: value for name, value in json.loads(stored).items() if name in known})
