"""Every alert rule from its fault to a notification, at real deployments: `python -m tests.scenarios rules`.

One Prometheus and one Alertmanager watch them all; what the eight scenarios stage is not staged again.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from tests.scenarios import faults
from tests.scenarios.stage import Stage, Watch, deployed, watched
from tests.services.small_disk import SmallDisk
from tests.services.valkey import ValkeyServer

Fault = Callable[[Stage], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Act:
    """rules: those that the fault is to set off. alone: whether the fault ends before the next act."""

    fault: Fault
    rules: tuple[str, ...]
    alone: bool = True


@dataclass(frozen=True, slots=True)
class Night:
    """A deployment of its own. given: its settings. disk_megabytes: of the store's own disk, 0 for the machine's.

    scrape: how often it is scraped, and how long that may take: over a silent store three seconds.
    """

    acts: tuple[Act, ...]
    given: Mapping[str, str] = field(default_factory=dict)
    disk_megabytes: int = 0
    scrape: str = "1s"


NIGHTS: Mapping[str, Night] = {
    "the hand-off worker hangs": Night(
        (
            Act(
                faults.hangs,
                (
                    "DeskhandWorkerFrozen",
                    "DeskhandAlertsOverdue",
                    "DeskhandOutcomesOverdue",
                    "DeskhandHandOffsOfOneReason",
                    "DeskhandHandOffStorm",
                    "DeskhandModelCallsFail",
                    "DeskhandRequesterFloods",
                ),
            ),
        ),
        {"LEASE_SECONDS": "6"},
    ),
    "nobody works": Night(
        (
            Act(
                faults.nobody,
                (
                    "DeskhandNoWorkers",
                    "DeskhandQueueUnserved",
                    "DeskhandNoHandOffWorker",
                    "DeskhandQueueOld",
                    "DeskhandOverloaded",
                    "DeskhandPaused",
                ),
            ),
        ),
    ),
    "workers die and are too few": Night(
        (
            Act(faults.killed_in_the_middle, ("DeskhandLeasesLost",)),
            Act(faults.few_slots, ("DeskhandSlowToStart",)),
        ),
    ),
    "the tools": Night(
        (
            Act(faults.tool_slows, ("DeskhandToolSlow", "DeskhandToolUnused")),
            Act(faults.tool_fails, ("DeskhandToolFails",)),
        ),
    ),
    "the provider": Night(
        (
            Act(faults.bills_more, ("DeskhandBoundViolated",)),
            Act(faults.one_source_nearly_spent, ("DeskhandSourceBudgetNear",)),
            Act(faults.nearly_spent, ("DeskhandBudgetNear",), alone=False),
            Act(faults.spent, ("DeskhandDayBudgetUsedUp",)),
            Act(faults.refused_for_its_key, ("DeskhandBreakerOpen",)),
        ),
    ),
    "nobody receives": Night(
        (
            Act(
                faults.no_receiver,
                ("DeskhandWebhooksFail", "DeskhandOutboxGrows", "DeskhandAlertsFail", "DeskhandAlertsUnsent"),
                alone=False,
            ),
            Act(faults.nine_tries_behind, ("DeskhandWebhooksGivenUp",)),
            Act(faults.gone, ("DeskhandWebhookDisabled",)),
        ),
        {"ALERT_WEBHOOK_URL": "http://127.0.0.1:9/closed", "ALERT_QUIET_SECONDS": "1"},
    ),
    "people": Night(
        (
            Act(faults.disagreement, ("DeskhandAgreementDropped",)),
            Act(faults.waits_for_hours, ("DeskhandInboxOld",)),
        ),
    ),
    "the store": Night(
        (
            Act(faults.unbounded_and_rewriting, ("DeskhandStoreUnbounded", "DeskhandStoreRewriting")),
            Act(faults.forgets, ("DeskhandStoreForgets",)),
            Act(faults.crowded, ("DeskhandStoreCrowded",)),
            Act(faults.full, ("DeskhandStoreFilling", "DeskhandStoreFull")),
            Act(faults.history_is_another, ("DeskhandHistoryAway",)),
            Act(faults.one_stays, ("DeskhandTicketsDoNotLeave",)),
            Act(faults.no_room, ("DeskhandStoreDiskLow", "DeskhandHistoryDiskLow")),
            Act(faults.slow_disk, ("DeskhandStoreSlowDisk",)),
            Act(faults.replica_behind_and_lost, ("DeskhandReplicaBehind",)),
            Act(faults.replica_lost, ("DeskhandReplicaLost",)),
            Act(faults.unreachable, ("DeskhandUnscraped",)),
        ),
        disk_megabytes=600,
    ),
    "the store is frozen": Night((Act(faults.silent, ("DeskhandStoreSilent",)),), scrape="8s"),
}


@dataclass(frozen=True, slots=True)
class Woken:
    """seconds: from the fault to the notification; None where it did not come."""

    night: str
    rule: str
    seconds: float | None


def played(folder: Path, wanted: str = "") -> Iterator[Woken]:
    """What became of every rule, or of those of the nights whose name holds `wanted`."""
    with watched(folder) as watch:
        for number, (name, night) in enumerate(NIGHTS.items()):
            if wanted not in name:
                continue
            missing = [rule for act in night.acts for rule in act.rules]
            try:
                for woken in _night(folder / str(number), name, night, watch):
                    missing.remove(woken.rule)
                    yield woken
            except Exception as error:  # the other nights are played, too
                print(f"{name}: {error}", file=sys.stderr)
                yield from (Woken(name, rule, None) for rule in missing)


def _night(folder: Path, name: str, night: Night, watch: Watch) -> Iterator[Woken]:
    place = folder / "store"
    disk = SmallDisk(place, night.disk_megabytes) if night.disk_megabytes else nullcontext()
    store = (
        faults.SlowDisk(place, maxmemory="400mb") if night.disk_megabytes else ValkeyServer(place, maxmemory="400mb")
    )
    with (
        disk,
        deployed(folder, watch, name, store=store, given=night.given, scrape=night.scrape) as stage,
        ExitStack() as going_on,
    ):
        stage.until(lambda: watch.prometheus.query(f'up{{night="{name}"}} == 1'), "the first scrape")
        for act in night.acts:
            began = monotonic()
            with ExitStack() as now:
                (now if act.alone else going_on).enter_context(act.fault(stage))
                yield from _woken(stage, act.rules, began)


def _woken(stage: Stage, rules: tuple[str, ...], began: float) -> list[Woken]:
    came: dict[str, float] = {}

    def all_came() -> bool:
        came.update({rule: monotonic() - began for rule in rules if rule not in came and stage.woken_by(rule)})
        return len(came) == len(rules)

    with suppress(AssertionError):  # the rest is said to be missing
        stage.until(all_came, "every rule")
    return [Woken(stage.night, rule, came.get(rule)) for rule in rules]
