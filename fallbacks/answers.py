"""What follows from a stop, by the failure plan. Deterministic.

The answers are tried in this order: retry now, park, next tier, hand off. Each is bounded; the last always works.
"""

import zlib
from dataclasses import dataclass

from fallbacks.plan import DAY_MS, LONGEST_PARK_SECONDS, PLAN, InboxQueue, PlanRow, Severity
from tasks.reasons import Reason
from tasks.run.checkpoint import Checkpoint, Stop
from tasks.run.limits import Limits, exceeded


@dataclass(frozen=True, slots=True)
class RetryNow:
    """Try again in the same run."""


@dataclass(frozen=True, slots=True)
class Park:
    """Wait until this store time (ms) without holding a slot."""

    until_ms: int


@dataclass(frozen=True, slots=True)
class RaiseTier:
    """Start a conversation of its own on the next tier's model."""

    tier: int


@dataclass(frozen=True, slots=True)
class HandOff:
    """Give it to a person."""

    queue: InboxQueue
    severity: Severity


Answer = RetryNow | Park | RaiseTier | HandOff


def answer(
    stop: Stop,
    checkpoint: Checkpoint,
    limits: Limits,
    *,
    ticket_id: str,
    tiers: int,
    now_ms: int,
    deadline_ms: int | None,
) -> Answer:
    """What follows from a stop. tiers: how many models there are. deadline_ms: the ticket's own, None for none.

    Waiting is bounded by the deadline alone, which `MAX_WAIT_SECONDS` has set; working by `Limits`.
    """
    row = PLAN[stop.reason]
    may_raise = row.next_tier and checkpoint.tier + 1 < tiers
    if may_raise and row.tier_first:
        return RaiseTier(checkpoint.tier + 1)
    parks = checkpoint.attempted(stop.reason, "park")
    until = _park_until(stop, row, parks + checkpoint.attempted(stop.reason, "wait"), ticket_id, now_ms)
    patient = not may_raise or limits.max_seconds is None or until - now_ms <= limits.max_seconds * 1000
    waits = stop.waits or row.parks is None
    if waits and patient:
        return Park(until)
    if not waits and exceeded(limits, checkpoint.usage, now_ms) is None:  # else a new try could only say so
        if checkpoint.attempted(stop.reason, "retry") < row.retries:
            return RetryNow()
        if parks < (row.parks or 0) and patient and (deadline_ms is None or until < deadline_ms):
            return Park(until)
    if may_raise:
        return RaiseTier(checkpoint.tier + 1)
    return HandOff(row.queue, row.severity)


def _park_until(stop: Stop, row: PlanRow, before: int, ticket_id: str, now_ms: int) -> int:
    """before: how often it has waited for this."""
    jitter = 1 + (zlib.crc32(f"{ticket_id}:{before}".encode()) % 250) / 1000
    if stop.reason is Reason.DAILY_BUDGET and stop.retry_after_seconds is None:
        return (now_ms // DAY_MS + 1) * DAY_MS + int(60_000 * (jitter - 1))
    if stop.reason is Reason.SOURCE_BUDGET and stop.retry_after_seconds is not None and not stop.waits:
        return now_ms + int(stop.retry_after_seconds * 1000) + int(60_000 * (jitter - 1))
    if stop.retry_after_seconds is not None:
        return now_ms + int(stop.retry_after_seconds * 1000 * jitter)
    return now_ms + int(min(LONGEST_PARK_SECONDS, row.park_seconds * 2 ** min(before, 10)) * 1000 * jitter)
