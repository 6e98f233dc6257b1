"""What a campaign proved: from the books, and from the simulator's and the receiver's own reports beside them."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tasks.run.messages import TokenUsage
from tests.chaos.fleet import FleetLedger
from tests.chaos.load import Load
from worker.models.genai_pricing import Prices

REST = ("suggested", "handed_off", "decided", "rejected", "cancelled")


@dataclass
class Verdict:
    """ids or sentences under each head; all empty: the promise was kept."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    over_cap: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    unbalanced: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        return not (self.lost or self.doubled or self.over_cap or self.stuck or self.unbalanced)

    def told(self) -> str:
        heads = {"lost": self.lost, "doubled": self.doubled, "over cap": self.over_cap, "stuck": self.stuck}
        line = ", ".join(f"{head} {len(found)}" for head, found in heads.items())
        found = [*self.lost[:5], *self.doubled[:5], *self.over_cap[:5], *self.stuck[:5], *self.unbalanced[:5]]
        figures = ", ".join(f"{name} {value}" for name, value in self.figures.items())
        return "\n".join([line, figures, *found])


def judge(ledger: FleetLedger, load: Load, calls: dict[str, Any], acted: Counter[str]) -> Verdict:
    """calls: the simulator's report. acted: keys under which the team was told, by ticket."""
    verdict = Verdict()
    at = {ticket_id: state for state in (*REST, "queued", "running", "parked") for ticket_id in ledger.ids(state)}
    verdict.lost = [ticket_id for ticket_id in load.accepted if ticket_id not in at]
    verdict.stuck = [f"{ticket_id} {state}" for ticket_id, state in at.items() if state not in REST]
    rejected = len(ledger.ids("rejected"))
    if rejected < len(load.bad):
        verdict.lost.append(f"{len(load.bad) - rejected} unreadable messages")
    expected = set(load.accepted)
    verdict.doubled = [name for name, state in at.items() if name not in expected and state != "rejected"]
    finished = Counter({name: row["finished"] for name, row in calls["tickets"].items()})
    for ticket_id in expected & at.keys():
        verdict.doubled += _doubled(ticket_id, ledger.journal(ticket_id), finished[ticket_id], acted[ticket_id])
    _caps(verdict, ledger, [name for name in at if name in expected], calls)
    report = ledger.audit()
    for ticket_id in load.killers:
        if ticket_id in expected & at.keys() and ledger.view(ticket_id).reason != "worker_lost":
            verdict.stuck.append(f"{ticket_id} kills its workers and was not handed off as worker_lost")
    verdict.unbalanced = [f"{name or 'books'}: {what}" for name, what in report.problems]
    if report.reserved:
        verdict.unbalanced.append(f"{report.reserved} nanodollars are still reserved")
    verdict.figures = {"states": ledger.states(), "calls paid": calls["total"]["finished"], "effects": len(acted)}
    return verdict


def _doubled(ticket_id: str, journal: list[dict[str, Any]], paid: int, keys: int) -> list[str]:
    kinds = Counter(event["type"] for event in journal)
    ends = kinds["suggested"] + kinds["handed_off"] + kinds["decided"]
    calls = [event["call_id"] for event in journal if event["type"] in ("model_replied", "model_failed", "call_lost")]
    accounted = kinds["model_replied"] + kinds["model_failed"] + kinds["call_lost"]
    faults = {
        f"{ticket_id} ended {ends} times": ends > 1,
        f"{ticket_id}: a call was settled twice": len(set(calls)) < len(calls),
        f"{ticket_id}: {paid} calls paid, {accounted} in the books": paid > accounted,
        f"{ticket_id}: the team was told under {keys} keys": keys > 1,
    }
    return [fault for fault, found in faults.items() if found]


def _caps(verdict: Verdict, ledger: FleetLedger, ids: list[str], calls: dict[str, Any]) -> None:
    cap = ledger.settings.limits.max_cost_nanodollars
    for ticket_id in ids:
        spent = ledger.view(ticket_id).spent_nanodollars
        if cap is not None and spent > cap:
            verdict.over_cap.append(f"{ticket_id} spent {spent} of {cap}")
    stats = ledger.loop.run(ledger.parts.views.stats())
    if broken := stats.counters.get("bound_violations", 0):
        verdict.over_cap.append(f"{broken} calls cost more than their worst case")
    day = ledger.settings.day_cap_nanodollars
    if day is not None and stats.spent_nanodollars + stats.reserved_nanodollars > day:
        verdict.over_cap.append(f"the day spent {stats.spent_nanodollars} of {day}")
    tokens = calls["tokens"]
    paid = max(1, calls["total"]["finished"])
    names = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    # the mean call times their number: a sum of tokens would be priced as one long context
    billed = paid * Prices().cost(
        ledger.settings.tiers[0], TokenUsage(*(tokens.get(name, 0) // paid for name in names))
    )
    if billed > stats.spent_nanodollars:
        verdict.over_cap.append(f"the provider would bill {billed}, the books say {stats.spent_nanodollars}")
