"""`/v1/stats`: how much there is to do, for people and autoscalers."""

import asyncio
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from fallbacks.ledger.states import INBOX, State
from fallbacks.ledger.views import Stats
from fallbacks.store import keys
from tasks.money import to_usd
from worker.http.access import Operator
from worker.http.desk import Desk, DeskDep
from worker.http.problems import responses
from worker.http.tickets.documents import Moment, moment

router = APIRouter(prefix="/v1", tags=["operations"])

SERVED = ("tickets", "intake", "handoff")
"""The queues that a deployment needs workers for."""


@dataclass(frozen=True, slots=True)
class Load:
    """The numbers of the whole, with the broker's. depths: messages ready by queue; None where it did not answer.

    overdue_seconds: of alerts and outcomes, how long ago the first should have been tried; 0 for none.
    given_up: outcomes that reached nobody in ten tries, of the last week.
    """

    stats: Stats
    depths: dict[str, int | None]
    overdue_seconds: dict[str, float]
    given_up: int

    @property
    def ready(self) -> int:
        """Work nobody has taken: rows in the ledger, or messages of producers who bypass the ledger, if more."""
        direct = (self.depths["tickets"] or 0) + (self.depths["intake"] or 0)
        return max(self.stats.states[State.QUEUED], direct)

    @property
    def in_flight(self) -> int:
        return self.stats.states[State.RUNNING]

    @property
    def load(self) -> float:
        """(ready + in flight) / slots; with no slot at all it counts as if there were one, so that scaling starts."""
        return (self.ready + self.in_flight) / max(1, self.stats.slots)

    @property
    def slots_by_queue(self) -> dict[str, int]:
        """What the live workers offer on each queue; 0 for one that nobody serves."""
        beats = self.stats.workers
        return {queue: sum(beat["slots"] for beat in beats if queue in beat["queues"]) for queue in SERVED}

    @property
    def oldest_in_inbox(self) -> float | None:
        """Seconds the longest-waiting item has waited for a person."""
        ages = [age for state, age in self.stats.oldest_seconds.items() if State(state) in INBOX]
        return max(ages, default=None)


class SpendDocument(BaseModel):
    """This UTC day. reserved: held for calls in flight. budget: null for none."""

    cost_usd: float
    cost_nanodollars: int
    reserved_usd: float
    reserved_nanodollars: int
    budget_usd: float | None
    budget_nanodollars: int | None


class InboxStats(BaseModel):
    """What waits for people. by_reason: "suggestion" stands for proposals without a reason."""

    total: int
    oldest_seconds: float | None
    by_reason: dict[str, int]


class StatsDocument(BaseModel):
    """queues: messages ready; null where the broker did not answer. load: (ready + in_flight) / slots.

    slots: on the queue `tickets`; slots_by_queue: on each, 0 where no worker serves it. overdue_seconds: of alerts and
    outcomes, how long ago the first should have been tried: more than a minute, and no worker of `handoff` does.

    states: tickets wherever they are; ended_in_store: those that have ended and not left for history yet, the first of
    them so many seconds ago.

    Of the queues, `unreadable` holds what no worker has put into the inbox yet.

    webhook_disabled: why outcomes do not leave; null while they do. outbox: outcomes on their way.
    """

    at: Moment
    ready: int
    in_flight: int
    slots: int
    slots_by_queue: dict[str, int]
    load: float
    oldest_ready_seconds: float | None
    states: dict[str, int]
    oldest_seconds: dict[str, float]
    ended_in_store: int
    ended_oldest_seconds: float | None
    queues: dict[str, int | None]
    inbox: InboxStats
    spend_today: SpendDocument
    outbox: int
    alerts: int
    overdue_seconds: dict[str, float]
    webhook_disabled: str | None
    autonomy: str
    paused: list[str]
    workers: list[dict[str, Any]]


@router.get("/stats", response_model=StatsDocument, responses=responses())
async def get_stats(desk: DeskDep, _: Operator) -> StatsDocument:
    """Queue depth, oldest ages, in flight, slots, inbox by reason, spend today: the autoscaling signal."""
    measured = await measure(desk)
    stats = measured.stats
    cap = stats.day_cap(desk.settings.day_cap_nanodollars)
    return StatsDocument(
        at=moment(stats.now_ms),
        ready=measured.ready,
        in_flight=measured.in_flight,
        slots=stats.slots,
        slots_by_queue=measured.slots_by_queue,
        load=measured.load,
        oldest_ready_seconds=stats.oldest_seconds.get(State.QUEUED),
        states=stats.states,
        oldest_seconds=stats.oldest_seconds,
        ended_in_store=stats.ended_here,
        ended_oldest_seconds=stats.ended_oldest_seconds,
        queues=measured.depths,
        inbox=InboxStats(
            total=sum(stats.states[state] for state in INBOX),
            oldest_seconds=measured.oldest_in_inbox,
            by_reason=stats.inbox,
        ),
        spend_today=SpendDocument(
            cost_usd=to_usd(stats.spent_nanodollars),
            cost_nanodollars=stats.spent_nanodollars,
            reserved_usd=to_usd(stats.reserved_nanodollars),
            reserved_nanodollars=stats.reserved_nanodollars,
            budget_usd=None if cap is None else to_usd(cap),
            budget_nanodollars=cap,
        ),
        outbox=stats.outbox,
        alerts=stats.alerts,
        overdue_seconds=measured.overdue_seconds,
        webhook_disabled=stats.control.get("webhook_disabled"),
        autonomy=stats.control.get("autonomy", desk.settings.autonomy.value),
        paused=sorted(name.removeprefix("paused:") for name in stats.control if name.startswith("paused:")),
        workers=stats.workers,
    )


async def measure(desk: Desk) -> Load:
    """Everything at one moment. The store must answer; the broker may be away."""
    store = desk.parts.store
    stats, depths, alerts, outcomes, (given_up,) = await asyncio.gather(
        desk.parts.views.stats(),
        desk.parts.publisher.depths(),
        store.ranked(keys.ALERTS, 0, 0),
        store.ranked(keys.OUTBOX, 0, 0),
        store.sizes([keys.OUTBOX_FAILED]),
    )
    overdue = {"alerts": _overdue(alerts, stats.now_ms), "outcomes": _overdue(outcomes, stats.now_ms)}
    return Load(stats, depths, overdue, given_up)


def _overdue(first: list[tuple[str, float]], now_ms: int) -> float:
    return max((0.0, *((now_ms - due) / 1000 for _, due in first)))
