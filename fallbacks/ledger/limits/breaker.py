"""Between the ledger and a call: why a script let none begin, and what the circuit breaker learns of a failed one."""

from dataclasses import dataclass
from typing import Any

from fallbacks.plan import PLAN
from tasks.errors import StepRefused
from tasks.money import Nanodollars, format_usd
from tasks.reasons import Reason
from tasks.run import events as ev

HELD_SECONDS = 2.0
"""So long a ticket waits for money that other calls hold, before it asks again."""


@dataclass(frozen=True, slots=True)
class ModelFailure:
    """A failure that counts against the breaker of its model; see `fail_breaker` in the scripts.

    retry_after_seconds: the provider's own wish, None for none.
    """

    model: str
    reason: Reason
    retry_after_seconds: float | None = None

    def to_header(self) -> dict[str, Any]:
        """Part of a script's header."""
        row, wait = PLAN[self.reason], self.retry_after_seconds
        header = {"model": self.model, "reason": self.reason.value, "severity": row.severity.value}
        return header | {"at_once": row.opens} | ({"retry_after_ms": int(wait * 1000)} if wait else {})


def refused(started: ev.StepStarted, verdict: list[Any]) -> StepRefused | None:
    """What the script `begin_step` refused a step for; None where the lease is lost."""
    match verdict:
        case ["run_cap", used, cap]:
            return StepRefused(Reason.COST_LIMIT, _over(started, "the run", used, cap))
        case ["day_cap", used, cap, spent]:
            return _over_day(started, int(used), int(cap), int(spent))
        case ["source_cap", period, used, cap, spent, wait_ms]:
            return _over_source(started, str(period), (int(used), int(cap), int(spent)), int(wait_ms) / 1000)
        case ["off"]:
            return StepRefused(Reason.AUTONOMY_OFF, "the kill switch is on")
        case ["breaker", reason, wait_ms]:
            wait = int(wait_ms) / 1000
            detail = f"{started.model}: circuit breaker open for {wait:.1f} s"
            return StepRefused(Reason(reason), detail, wait, waits=True)
        case _:
            return None


def _over_day(started: ev.StepStarted, used: int, cap: int, spent: int) -> StepRefused:
    """What is spent is gone until midnight; what other calls only hold is waited for."""
    over = _over(started, "the fleet today", str(used), str(cap))
    if spent + started.reserved_nanodollars > cap:
        return StepRefused(Reason.DAILY_BUDGET, over)
    held = f"{over}, {format_usd(Nanodollars(used - spent))} of it held by calls under way"
    return StepRefused(Reason.DAILY_BUDGET, held, HELD_SECONDS, waits=True)


def _over_source(started: ev.StepStarted, period: str, money: tuple[int, int, int], wait: float) -> StepRefused:
    """wait: seconds to the next period. money: used, allowed, spent."""
    used, cap, spent = money
    over = _over(started, f"its source this {period}", str(used), str(cap))
    if spent + started.reserved_nanodollars > cap:
        return StepRefused(Reason.SOURCE_BUDGET, over, wait)
    return StepRefused(Reason.SOURCE_BUDGET, f"{over}, some of it held by calls under way", HELD_SECONDS, waits=True)


def _over(started: ev.StepStarted, whose: str, used: str, cap: str) -> str:
    worst = format_usd(started.reserved_nanodollars)
    return f"the next call could cost {worst}; {whose} has used {format_usd(int(used))} of {format_usd(int(cap))}"
