"""The metrics of what operators ask beside the load: workers, breakers, senders, the budget, the last deploy."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from fallbacks.autonomy.standing import Row
from fallbacks.errors import HistoryUnreachable
from fallbacks.history.no_history import NoHistory
from fallbacks.ledger.limits.control import DEPLOYED, Change, Control
from fallbacks.ledger.past.one_history import compare
from fallbacks.ledger.views import Stats
from fallbacks.operations.breakers import Breaker, breakers
from fallbacks.operations.fleet import Worker, at_work, fleet, least_room
from fallbacks.operations.senders import Senders, senders
from fallbacks.operations.source_budgets import SourceBudget, source_budgets
from tasks.money import to_usd
from worker.http.desk import Desk
from worker.ops.redis_facts import StoreFacts
from worker.wiring import Parts

HISTORY_SECONDS = 1.0

CHANGES = 50
"""Lines of the operator log that are looked at for the last deploy."""


@dataclass(frozen=True, slots=True)
class Operated:
    """fleet: workers that have not left. day_cap: nanodollars, None for none. deployed_ms: by what was deployed.

    earned: kinds with evidence of the versions at work. history_answers: None where nothing leaves the store.
    budgets: of sources.
    """

    fleet: tuple[Worker, ...]
    breakers: tuple[Breaker, ...]
    senders: Senders
    day_cap: int | None
    deployed_ms: dict[str, int]
    earned: tuple[Row, ...] = ()
    history_answers: bool | None = None
    budgets: tuple[SourceBudget, ...] = ()


async def history_answers(parts: Parts) -> bool | None:
    """Whether the deployment's does, within a second; None where nothing leaves the store."""
    if isinstance(parts.history, NoHistory):
        return None
    try:
        async with asyncio.timeout(HISTORY_SECONDS):
            return not await compare(parts.store, parts.history)
    except (HistoryUnreachable, TimeoutError):
        return False


async def operated(desk: Desk, stats: Stats) -> Operated:
    """Read it: some ten reads, however many tickets there are."""
    store, terms = desk.parts.store, desk.parts.terms
    workers, shut, sent, log = await asyncio.gather(
        fleet(store, terms.lease_seconds),
        breakers(store, stats, terms.models),
        senders(store, 1),
        Control(store).log(CHANGES),
    )
    cap = stats.day_cap(terms.day_cap)
    earned = await _earned(desk, await at_work(store, workers))
    budgets = await source_budgets(store, stats.source_terms(desk.settings.source_terms), stats.control)
    return Operated(tuple(workers), tuple(shut), sent, cap, _deployed(log), tuple(earned), budgets=tuple(budgets))


async def _earned(desk: Desk, versions: dict[str, list[str]]) -> list[Row]:
    """None while history, which has people's older decisions, cannot be asked: other numbers go on."""
    try:
        return await desk.parts.standings.rows(versions)
    except HistoryUnreachable:
        return []


def _deployed(log: list[Change]) -> dict[str, int]:
    """When each was last changed, the first start of all left out."""
    changed = [change for change in log if change.what.startswith(DEPLOYED) and change.before is not None]
    return {change.what.removeprefix(DEPLOYED): change.at_ms for change in reversed(changed)}


def of_operations(found: Operated) -> Iterator[Metric]:
    """In Prometheus' words. No name of a requester or a worker is a label."""
    silent = sum(worker.silent for worker in found.fleet)
    yield GaugeMetricFamily("deskhand_workers_silent", "Workers that have not left and are not heard of.", silent)
    versions = GaugeMetricFamily("deskhand_worker_versions", "Live workers, by version of code.", labels=["version"])
    for version, count in Counter(worker.version for worker in found.fleet if not worker.silent).items():
        versions.add_metric([version], count)
    yield versions
    if found.history_answers is not None:
        answers = int(found.history_answers)
        yield GaugeMetricFamily("deskhand_history_answers", "0 while history does not: what has ended stays.", answers)
    if (room := least_room(found.fleet)) is not None:
        free, whole = room
        yield GaugeMetricFamily(
            "deskhand_history_disk_free_bytes", "Room of the disk that history is on, where it is a file.", free
        )
        yield GaugeMetricFamily("deskhand_history_disk_bytes", "Its size.", whole)
    shut = GaugeMetricFamily(
        "deskhand_breaker_open", "1 while no call goes to a model, but for probes.", labels=["model"]
    )
    for breaker in found.breakers:
        shut.add_metric([breaker.model], int(breaker.state != "counting"))
    yield shut
    largest = max((sender.share for sender in found.senders.requesters), default=0.0)
    said = "Share of the requester that sent most, of the last 2000 tickets at most, within an hour."
    yield GaugeMetricFamily("deskhand_largest_requester_share", said, largest)
    yield GaugeMetricFamily("deskhand_requester_sample", "Tickets that this share is of.", found.senders.tickets)
    if found.day_cap is not None:
        yield GaugeMetricFamily(
            "deskhand_day_budget_dollars", "The fleet may spend in a UTC day.", to_usd(found.day_cap)
        )
    yield from _of_sources(found.budgets)
    deployed = GaugeMetricFamily("deskhand_deployed_seconds", "When it was last changed (Unix time).", labels=["what"])
    for what, at_ms in found.deployed_ms.items():
        deployed.add_metric([what], at_ms / 1000)
    yield deployed
    yield from _of_autonomy(found.earned)


def _of_sources(budgets: Sequence[SourceBudget]) -> Iterator[Metric]:
    """Of sources that an operator gave a budget; what senders name is no label."""
    figures: dict[str, tuple[str, Callable[[SourceBudget], float]]] = {
        "budget_dollars": ("A source may spend in a UTC day or month.", lambda each: to_usd(each.cap)),
        "spent_dollars": ("What of it is spent or reserved.", lambda each: to_usd(each.spent + each.reserved)),
        "budget_near": ("1 from DESKHAND_BUDGET_WARN_AT of it on.", lambda each: int(each.near)),
    }
    for name, (what, figure) in figures.items():
        family = GaugeMetricFamily(f"deskhand_source_{name}", what, labels=["source", "period"])
        for each in budgets:
            family.add_metric([each.source, each.period], figure(each))
        yield family


def _of_autonomy(earned: Sequence[Row]) -> Iterator[Metric]:
    """By what may be done with a kind: no kind is a label, however many there are."""
    figures: dict[str, tuple[str, Callable[[Row], int]]] = {
        "kinds": ("Kinds of decisions with evidence, by whether they may be decided alone (auto).", lambda _: 1),
        "judged": ("Their suggestions that people judged, since the evidence began.", lambda row: row.n),
        "agreed": ("Those that people agreed with.", lambda row: row.agreements),
    }
    for name, (what, figure) in figures.items():
        family = GaugeMetricFamily(f"deskhand_autonomy_{name}", what, labels=["state"])
        for state in ("auto", "suggest"):
            family.add_metric([state], sum(figure(row) for row in earned if row.state == state))
        yield family


STORE = {
    "memory_bytes": ("Memory that the store uses.", "used_memory"),
    "memory_limit_bytes": ("Its maxmemory; 0: none, so that it grows until the kernel ends it.", "maxmemory"),
    "connections": ("Its clients.", "connected_clients"),
    "connections_limit": ("The clients it takes.", "maxclients"),
    "replicas": ("Replicas that are connected.", "connected_slaves"),
    "append_only_bytes": ("Size of the append-only file.", "aof_current_size"),
    "rewriting": ("1 while the append-only file is rewritten.", "aof_rewrite_in_progress"),
    "disk_free_bytes": ("Room of its disk, where it is on the machine of this process.", "disk_free_bytes"),
    "disk_bytes": ("The size of its disk, there.", "disk_bytes"),
    "fragmentation_bytes": ("Memory that it has from the system and does not use.", "mem_fragmentation_bytes"),
}
"""What the store's server says of itself, by the field of its INFO."""


def of_store(facts: StoreFacts) -> Iterator[Metric]:
    """Its memory, file, disk, connections and replication."""
    for name, (said, field) in STORE.items():
        if field in facts.info:
            yield GaugeMetricFamily(f"deskhand_store_{name}", said, int(facts.info[field]))
    persists = "1 while the append-only file is on and its writes succeed."
    yield GaugeMetricFamily("deskhand_store_append_only", persists, int(facts.persists))
    late = int(facts.info.get("aof_delayed_fsync", 0))
    yield CounterMetricFamily("deskhand_store_delayed_fsyncs", "Writes that waited for a slow disk.", late)
    if (lag := facts.replica_lag_bytes) is not None:
        yield GaugeMetricFamily("deskhand_store_replica_lag_bytes", "What the replica lacks that has least of it.", lag)
