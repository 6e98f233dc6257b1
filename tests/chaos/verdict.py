"""What a campaign proved: from the ledger, and from the simulator's and the receiver's own reports beside it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from fallbacks.plan import PLAN, InboxQueue
from tasks.reasons import Reason
from tasks.run.messages import TokenUsage
from tests.chaos.fleet import FleetLedger
from tests.chaos.load import Load
from tests.chaos.scene import Scene
from worker.models.makes import prices_of

REST = ("suggested", "handed_off", "decided", "rejected", "cancelled")
HEADS = ("lost", "doubled", "over cap", "stuck", "flushed", "unbalanced")
SHOWN = 5
"""Findings of a kind that the report names."""

NOT_ITS_FAULT = {reason for reason, row in PLAN.items() if row.queue is InboxQueue.PROVIDER} | {
    Reason.TIME_LIMIT,
    Reason.DEADLINE_PASSED,
    Reason.INTERNAL_ERROR,
    Reason.MODEL_REQUEST_INVALID,
}
"""Reasons that a fault of provider or store may give to tickets that have nothing to do with it."""


@dataclass
class Verdict:
    """ids or sentences under each of HEADS; all empty: the promise was kept. flushed: given to people because of a
    fault that was to be waited for. figures: what else is to be known."""

    found: dict[str, list[str]] = field(default_factory=lambda: {head: [] for head in HEADS})
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        return not any(self.found.values())

    def summary(self) -> str:
        line = ", ".join(f"{head} {len(found)}" for head, found in self.found.items())
        figures = ", ".join(f"{name} {value}" for name, value in self.figures.items())
        named = [f"{head}: {what}" for head, found in self.found.items() for what in found[:SHOWN]]
        return "\n".join([line, figures, *named])


def judge(ledger: FleetLedger, load: Load, scene: Scene) -> Verdict:
    """Everything at rest: what became of each ticket that was taken from its sender."""
    verdict, calls, acted = Verdict(), scene.provider.simulator.calls.report(), scene.receiver.acted()
    forgotten = scene.pair.forgotten
    at = {ticket_id: state for state in (*REST, "queued", "running", "parked") for ticket_id in ledger.ids(state)}
    expected = set(load.accepted)
    mine = [ticket_id for ticket_id in at if ticket_id in expected]
    found = verdict.found
    found["lost"] = [ticket_id for ticket_id in load.accepted if ticket_id not in at]
    found["stuck"] = [f"{ticket_id} {state}" for ticket_id, state in at.items() if state not in REST]
    if (rejected := len(ledger.ids("rejected"))) < len(load.bad):
        found["lost"].append(f"{len(load.bad) - rejected} unreadable messages")
    found["doubled"] = [name for name, state in at.items() if name not in expected and state != "rejected"]
    journals = {ticket_id: ledger.journal(ticket_id) for ticket_id in mine}
    finished = Counter({name: row["finished"] for name, row in calls["tickets"].items()})
    for ticket_id, journal in journals.items():
        paid = finished[ticket_id] - forgotten[ticket_id]
        found["doubled"] += _doubled(ticket_id, journal, paid, acted[ticket_id])
    handed_off = {ticket_id: str(ledger.view(ticket_id).reason) for ticket_id in mine if at[ticket_id] == "handed_off"}
    found["flushed"] = [
        f"{ticket_id} {reason}"
        for ticket_id, reason in handed_off.items()
        if reason in NOT_ITS_FAULT and not _went_by_the_plan(reason, journals[ticket_id])
    ]
    found["stuck"] += [
        f"{ticket_id} kills its workers and was not handed off as worker_lost"
        for ticket_id in load.killers
        if ticket_id in journals and handed_off.get(ticket_id) != "worker_lost"
    ]
    _caps(verdict, ledger, mine, calls, forgotten.total())
    _balance(verdict, ledger)
    verdict.figures = {
        "states": ledger.states(),
        "handed off": dict(Counter(handed_off.values())),
        "calls paid": calls["total"]["finished"],
        "of them forgotten by failovers, at most": forgotten.total(),
        "effects": len(acted),
    }
    return verdict


def _doubled(ticket_id: str, journal: list[dict[str, Any]], paid: int, keys: int) -> list[str]:
    kinds = Counter(event["type"] for event in journal)
    ends = kinds["suggested"] + kinds["handed_off"] + kinds["decided"]
    calls = [event["call_id"] for event in journal if event["type"] in ("model_replied", "model_failed", "call_lost")]
    accounted = kinds["model_replied"] + kinds["model_failed"] + kinds["call_lost"]
    faults = {
        f"{ticket_id} ended {ends} times": ends > 1,
        f"{ticket_id}: a call was settled twice": len(set(calls)) < len(calls),
        f"{ticket_id}: {paid} calls paid, {accounted} in the ledger": paid > accounted,
        f"{ticket_id}: the team was notified under {keys} keys": keys > 1,
    }
    return [fault for fault, found in faults.items() if found]


def _went_by_the_plan(reason: str, journal: list[dict[str, Any]]) -> bool:
    """Whether it met the fault itself as often as the plan lets it wait for that."""
    row = PLAN[Reason(reason)]
    met = sum(event["type"] == "model_failed" and event["reason"] == reason for event in journal)
    return row.parks is not None and row.queue is InboxQueue.PROVIDER and met > row.parks + row.retries


def _caps(verdict: Verdict, ledger: FleetLedger, ids: list[str], calls: dict[str, Any], forgotten: int) -> None:
    over, cap = verdict.found["over cap"], ledger.settings.limits.max_cost_nanodollars
    for ticket_id in ids:
        spent = ledger.view(ticket_id).spent_nanodollars
        if cap is not None and spent > cap:
            over.append(f"{ticket_id} spent {spent} of {cap}")
    stats = ledger.loop.run(ledger.parts.views.stats())
    if broken := stats.counters.get("bound_violations", 0):
        over.append(f"{broken} calls cost more than their worst case")
    day = ledger.settings.day_cap_nanodollars
    if day is not None and stats.spent_nanodollars + stats.reserved_nanodollars > day:
        over.append(f"the day spent {stats.spent_nanodollars} of {day}")
    finished = calls["total"]["finished"]
    names = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    # the mean call times their number: a sum of tokens would be priced as one long context
    mean = TokenUsage(*(calls["tokens"].get(name, 0) // max(1, finished) for name in names))
    billed = max(0, finished - forgotten) * prices_of(ledger.settings).cost(ledger.settings.tiers[0], mean)
    if billed > stats.spent_nanodollars:
        over.append(f"the provider would bill {billed}, the ledger says {stats.spent_nanodollars}")


def _balance(verdict: Verdict, ledger: FleetLedger) -> None:
    report = ledger.audit()
    verdict.found["unbalanced"] = [f"{name or 'ledger'}: {what}" for name, what in report.problems]
    if report.reserved:
        verdict.found["unbalanced"].append(f"{report.reserved} nanodollars are still reserved")
