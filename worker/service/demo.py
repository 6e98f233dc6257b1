"""`deskhand demo`: real tickets through a real queue and real workers, and an honest account of what came of them."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from fallbacks.ledger.states import ENDED, HintKind, State
from fallbacks.ledger.sums.audit import AuditReport, audit
from fallbacks.ledger.views import TicketView
from tasks.ticket import Ticket
from worker import sample
from worker.config.errors import WorkerError
from worker.wiring import Parts

PATIENCE_SECONDS = 240.0
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What a demo run showed. correct: of the proposals and decisions, those with the true team.

    outcomes: tickets by (state, reason or ""). spent_nanodollars: all runs together.
    """

    tickets: int
    seconds: float
    outcomes: dict[tuple[State, str], int]
    answered: int
    correct: int
    correct_labels: int
    steps: int
    spent_nanodollars: int
    audit: AuditReport

    @property
    def accuracy(self) -> float | None:
        """Share of the answers with the true team; None when nothing was answered."""
        return self.correct / self.answered if self.answered else None

    @property
    def accounted_for(self) -> bool:
        """Whether every ticket is decided or waits for a person, and the ledger balances."""
        return sum(self.outcomes.values()) == self.tickets and self.audit.balanced


async def wait_for_workers(parts: Parts, check: Callable[[], None]) -> None:
    """Until a worker serves `tickets`. `check` raises when its process has ended."""
    await _until(lambda: _has_worker(parts), check, "no worker came up")


async def run_demo(
    parts: Parts, count: int, seed: int, check: Callable[[], None], progress: Callable[[int], None]
) -> DemoReport:
    """Put `count` sample tickets on the queue and follow them until each is at rest. Raises `WorkerError` if not."""
    rows = sample.sample_tickets("test", count, seed)
    began = monotonic()
    for start in range(0, count, 50):
        accepted = [await _accept(parts, row) for row in rows[start : start + 50]]
        await parts.publisher.publish([(HintKind.TRIAGE, ticket_id) for ticket_id in accepted])

    async def at_rest() -> bool:
        stats = await parts.views.stats()
        moving = sum(stats.states[state] for state in ("queued", "running", "parked"))
        progress(count - moving)
        return moving == 0

    await _until(at_rest, check, "not every ticket came to rest")
    seconds = monotonic() - began
    await _until(lambda: _alerts_flow(parts), check, "an alert was not sent")
    return await _report(parts, rows, seconds)


async def _accept(parts: Parts, row: dict[str, Any]) -> str:
    settings = parts.settings
    ticket = Ticket.model_validate(row["ticket"])
    accepted = await parts.ledger.accept(ticket, settings.limits, max_wait_seconds=settings.max_wait_seconds)
    return accepted.id


async def _report(parts: Parts, rows: list[dict[str, Any]], seconds: float) -> DemoReport:
    views = [await parts.views.ticket(row["ticket"]["id"]) for row in rows]
    answers = [(view, row) for view, row in zip(views, rows, strict=True) if _answered(view)]
    return DemoReport(
        tickets=len(rows),
        seconds=seconds,
        outcomes=dict(Counter((view.state, view.reason or "") for view in views)),
        answered=len(answers),
        correct=sum((view.decision or {})["team"] == row["team"] for view, row in answers),
        correct_labels=sum((view.decision or {})["label"] == row["label"] for view, row in answers),
        steps=sum(view.steps for view in views),
        spent_nanodollars=sum(view.spent_nanodollars for view in views),
        audit=await audit(parts.store, parts.history),
    )


def _answered(view: TicketView) -> bool:
    """Whether the agent stood by an answer: a hand-off's draft does not count."""
    return view.state is State.SUGGESTED or view.state in ENDED


async def _has_worker(parts: Parts) -> bool:
    return (await parts.views.stats()).slots > 0


async def _alerts_flow(parts: Parts) -> bool:
    """Whether the first alert is sent. What was handed off after it waits for the next, a minute away."""
    counters = (await parts.views.stats()).counters
    return counters.get("alerts_told", 0) > 0 or counters.get("alerts_raised", 0) == 0


async def _until(condition: Callable[[], Any], check: Callable[[], None], complaint: str) -> None:
    ends = monotonic() + PATIENCE_SECONDS
    while not await condition():
        check()
        if monotonic() > ends:
            raise WorkerError(f"{complaint} within {PATIENCE_SECONDS:.0f} s")
        await asyncio.sleep(POLL_SECONDS)
