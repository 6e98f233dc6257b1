"""`/metrics`: Prometheus text, computed from the ledger at every scrape. Nothing is labelled by ticket.

Counters in the processes themselves would be lost with them and undercount behind forks.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from fallbacks.errors import StoreUnreachable
from fallbacks.ledger.states import State
from tasks.money import to_usd
from worker.http.desk import Desk, DeskDep
from worker.http.operations.load import Load, measure
from worker.http.operations.metered import metered
from worker.http.operations.operated import Operated, history_answers, of_operations, of_store, operated
from worker.ops.redis_facts import StoreFacts, facts_if_answering
from worker.ops.silence import while_it_answers

router = APIRouter(tags=["operations"])

TRIES = {"delivered": 0, "retry": 0, "failed": 0}
"""Shown before the first of their kind happens, so that its increase is seen."""


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request, desk: DeskDep) -> Response:
    """The ledger's numbers for Prometheus. Carries no ticket text and no ids."""
    registry = CollectorRegistry(auto_describe=False)
    try:
        registry.register(await while_it_answers(desk.parts.redis_url, _collected(desk)))
    except StoreUnreachable:
        registry.register(Silent())
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"content-type": content_type})


async def _collected(desk: Desk) -> "LedgerCollector":
    load, facts = await asyncio.gather(measure(desk), asyncio.to_thread(facts_if_answering, desk.parts.redis_url))
    found = replace(await operated(desk, load.stats), history_answers=await history_answers(desk.parts))
    return LedgerCollector(load, found, facts, desk.settings.allowed_tools)


class Silent(Collector):
    """All that can be said without the store."""

    def collect(self) -> Iterable[Metric]:
        """That it does not answer."""
        yield _answers(0)


def _answers(answers: int) -> Metric:
    return GaugeMetricFamily(
        "deskhand_store_answers", "0 while the store does not: there are no other numbers.", answers
    )


class LedgerCollector(Collector):
    """One scrape's numbers in Prometheus' words. facts: of the store's server; None where it does not give them.

    tools: those that the agent may call.
    """

    def __init__(self, load: Load, found: Operated, facts: StoreFacts | None, tools: Iterable[str]) -> None:
        self._load = load
        self._found = found
        self._facts = facts
        self._tools = tools

    def collect(self) -> Iterable[Metric]:
        """Every metric."""
        yield _answers(1)
        yield from self._queues()
        yield from self._people()
        yield from self._money()
        yield from self._counted()
        yield from self._outside()
        yield from metered(self._load.stats.meters, self._tools)
        yield from of_operations(self._found)
        if self._facts is not None:
            yield from of_store(self._facts)

    def _queues(self) -> Iterator[Metric]:
        load, stats = self._load, self._load.stats
        depths = {queue: depth for queue, depth in load.depths.items() if depth is not None}
        yield _gauge("deskhand_queue_ready", "Messages ready in the broker.", "queue", depths)
        yield _gauge("deskhand_tickets", "Tickets in each state.", "state", stats.states)
        ages = stats.oldest_seconds
        yield _gauge("deskhand_oldest_age_seconds", "Age of the oldest ticket in each state.", "state", ages)
        oldest = ages.get(State.QUEUED, 0.0)
        yield GaugeMetricFamily("deskhand_queue_oldest_age_seconds", "How long the oldest ticket has waited.", oldest)
        yield GaugeMetricFamily("deskhand_runs_in_progress", "Runs that hold a lease.", load.in_flight)
        yield GaugeMetricFamily("deskhand_slots", "Tickets all live workers can hold at once.", stats.slots)
        offered = load.slots_by_queue
        yield _gauge("deskhand_queue_slots", "Slots of live workers; 0: nobody serves the queue.", "queue", offered)
        yield GaugeMetricFamily("deskhand_workers", "Live worker processes.", len(stats.workers))
        yield GaugeMetricFamily("deskhand_load", "(ready + in flight) / slots: scale on it.", load.load)
        scopes = {name.removeprefix("paused:"): 1 for name in stats.control if name.startswith("paused:")}
        scopes |= {"autonomy": 1} if stats.control.get("autonomy") == "off" else {}
        yield _gauge("deskhand_paused", "1 for what is paused; autonomy is the kill switch.", "scope", scopes)

    def _people(self) -> Iterator[Metric]:
        stats = self._load.stats
        items = GaugeMetricFamily("deskhand_human_items", "Items waiting for people.", labels=["state", "reason"])
        for reason, count in stats.inbox.items():
            state = State.SUGGESTED if reason in ("suggestion", "approval") else State.HANDED_OFF
            items.add_metric([State.REJECTED if reason == "unreadable" else state, reason], count)
        yield items
        oldest = self._load.oldest_in_inbox or 0.0
        yield GaugeMetricFamily("deskhand_human_oldest_age_seconds", "How long the oldest item has waited.", oldest)
        actions = _prefixed(stats.counters, "person_") | _only(stats.counters, undone="undo")
        yield _counter("deskhand_human_decisions", "Decisions of people, and their undoing.", "action", actions)
        probes = _only(stats.counters, probes_caught="true", probes_missed="false")
        yield _counter("deskhand_probes", "Wrong suggestions put before people on purpose, judged.", "caught", probes)

    def _money(self) -> Iterator[Metric]:
        stats = self._load.stats
        spent, reserved = to_usd(stats.spent_nanodollars), to_usd(stats.reserved_nanodollars)
        yield GaugeMetricFamily("deskhand_spend_today_dollars", "Spent this UTC day.", spent)
        yield GaugeMetricFamily("deskhand_reserved_today_dollars", "Held for calls in flight.", reserved)

    def _counted(self) -> Iterator[Metric]:
        stats = self._load.stats
        counters = stats.counters
        yield CounterMetricFamily("deskhand_accepted", "Tickets accepted.", counters.get("accepted", 0))
        yield CounterMetricFamily("deskhand_redeliveries", "Hints sent again.", counters.get("republished", 0))
        yield CounterMetricFamily("deskhand_leases_lost", "Runs whose worker vanished.", counters.get("leases_lost", 0))
        violations = counters.get("bound_violations", 0)
        yield CounterMetricFamily("deskhand_bound_violations", "Calls dearer than reserved: never.", violations)
        auto = {"auto": counters.get("decided_auto", 0)}
        yield _counter("deskhand_agent_decisions", "Decisions the agent made alone.", "action", auto)

    def _outside(self) -> Iterator[Metric]:
        load, stats, counters = self._load, self._load.stats, self._load.stats.counters
        sent = TRIES | _prefixed(counters, "outbox_")
        yield _counter("deskhand_webhook_deliveries", "Tries to deliver outcomes.", "outcome", sent)
        yield GaugeMetricFamily("deskhand_outbox", "Outcomes on their way.", stats.outbox)
        yield GaugeMetricFamily("deskhand_outbox_given_up", "Outcomes that ten tries did not deliver.", load.given_up)
        yield GaugeMetricFamily("deskhand_ended_in_store", "Tickets that ended and have not left.", stats.ended_here)
        age, said = stats.ended_oldest_seconds or 0, "How long ago the first of them ended."
        yield GaugeMetricFamily("deskhand_ended_in_store_oldest_seconds", said, age)
        disabled = int("webhook_disabled" in stats.control)
        yield GaugeMetricFamily("deskhand_webhook_disabled", "1 while the receiver has answered 410.", disabled)
        alerts = {"raised": "alerts_raised", "told": "alerts_told", "failed": "alert_failures"}
        by_outcome = {outcome: counters.get(name, 0) for outcome, name in alerts.items()}
        yield _counter(
            "deskhand_alerts", "Hand-offs that raised an alert, and alerts sent or failed.", "outcome", by_outcome
        )
        for what, seconds in load.overdue_seconds.items():
            said = f"How long ago the first of the {what} should have been tried."
            yield GaugeMetricFamily(f"deskhand_{what}_overdue_seconds", said, seconds)


def _gauge(name: str, what: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, what, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _counter(name: str, what: str, label: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(name, what, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _prefixed(counters: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): count for name, count in counters.items() if name.startswith(prefix)}


def _only(counters: Mapping[str, int], **names: str) -> dict[str, int]:
    return {label: counters[name] for name, label in names.items() if name in counters}
