"""The prelude of the scripts over plain dicts: rows, indexes, the clock, money, the inbox, alerts."""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fallbacks.ledger.sums import meters
from fallbacks.ledger.sums.meters import SECONDS, STEPS
from fallbacks.store import keys

STATES = ("queued", "running", "parked", "suggested", "handed_off", "decided", "cancelled", "rejected")

CLASSES = {"urgent": 0, "high": 1, "normal": 2, "low": 3}


@dataclass(slots=True)
class MemoryData:
    """Hashes, sorted indexes and lists by name. now: the store's time, ms; stands still until a test moves it. claims:
    tickets that claims took in another's place. turns: when a next ticket of a source with a rate is in time.
    """

    now: int = field(default_factory=lambda: int(time.time() * 1000))
    hashes: dict[str, dict[str, str]] = field(default_factory=dict)
    ranks: dict[str, dict[str, float]] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    expires: dict[str, int] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    turns: dict[str, int] = field(default_factory=dict)

    def hash(self, name: str) -> dict[str, str]:
        return self.hashes.setdefault(name, {})

    def rank(self, name: str) -> dict[str, float]:
        return self.ranks.setdefault(name, {})

    def entries(self, name: str) -> list[str]:
        return self.lists.setdefault(name, [])

    def row(self, ticket_id: str) -> dict[str, str]:
        return self.hash(f"t:{ticket_id}")

    def add(self, name: str, key: str, amount: int) -> int:
        """Count in a hash's field."""
        total = int(self.hash(name).get(key, 0)) + amount
        self.hash(name)[key] = str(total)
        return total

    def ordered(self, index: str) -> list[str]:
        """Members by score, then by name, as Redis does."""
        return [member for member, _ in sorted(self.rank(index).items(), key=lambda item: (item[1], item[0]))]

    def due_in(self, index: str, limit: int) -> list[str]:
        """Members whose time has come."""
        return [member for member in self.ordered(index) if self.rank(index)[member] <= self.now][:limit]

    def forget_expired(self) -> None:
        for name in [name for name, at in self.expires.items() if at <= self.now]:
            for kept in (self.hashes, self.ranks, self.lists, self.expires):
                kept.pop(name, None)

    def append(self, ticket_id: str, event: str, epoch: str | int) -> None:
        self.entries(f"j:{ticket_id}").append(f'{{"at":{self.now},"epoch":{epoch},{event[1:]}')

    def place(self, ticket_id: str, new: str) -> None:
        row = self.row(ticket_id)
        old = row.get("state")
        if old == new:
            return
        if old:
            self.rank(f"s:{old}").pop(ticket_id, None)
        if old == "queued":
            self.rank(keys.LINE).pop(ticket_id, None)
        self.rank(f"s:{new}")[ticket_id] = self.now
        row |= {"state": new, "since": str(self.now)}
        if old and new == "queued":
            self.line_up(ticket_id, begun=old == "running")

    def line_up(self, ticket_id: str, *, begun: bool = False) -> None:
        """Without the bound on names, which is tried on real servers."""
        row, shares = self.row(ticket_id), self.rank(keys.SHARES)
        urgency = CLASSES[row["priority"]]
        if begun and int(row["losses"]) < 2:
            self.rank(keys.LINE)[ticket_id] = urgency * 2**50
            return
        name = f"{urgency}|{row['source']}"
        served = shares.get(f"{urgency}|", urgency * 2**50 + 2**40)
        turn = max(shares.get(name, 0), served - 80_000)
        shares[name] = turn + int(row.get("step", 10_000))
        self.rank(keys.LINE)[ticket_id] = turn

    def heal_line(self, ticket_ids: Iterable[str]) -> None:
        """Put in line who is queued and not there."""
        for ticket_id in ticket_ids:
            if ticket_id in self.rank("s:queued") and ticket_id not in self.rank(keys.LINE):
                self.line_up(ticket_id)

    def due_at(self, ticket_id: str, ms: float | None) -> None:
        if ms is None:
            self.rank("due").pop(ticket_id, None)
        else:
            self.rank("due")[ticket_id] = int(ms)

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        self.add(keys.METERS, meters.field(name, **labels), amount)

    def count_all(self, counters: dict[str, str]) -> None:
        for name, amount in counters.items():
            self.add(keys.METERS, name, int(amount))

    def figure(self, what: str, name: str, amount: int = 1) -> None:
        figures = keys.figures(str(self.now // 86_400_000))
        crowded = len(self.hash(figures)) >= 1000 and f"{what}|{name}" not in self.hash(figures)
        self.add(figures, f"{what}|{'other' if crowded else name}", amount)

    def observe(self, name: str, value: float) -> None:
        self.count(name, le=_bucket(value, STEPS if name == "run_steps" else SECONDS))
        self.add(keys.METERS, f"{name}|sum", round(value * 1000))

    def end_run(self, ticket_id: str, outcome: str, reason: str) -> None:
        row = self.row(ticket_id)
        self.count("runs", outcome=outcome, reason=reason)
        self.observe("run_duration_seconds", (self.now - int(row["since"])) / 1000)
        self.observe("run_steps", int(row.get("steps", 0)) - int(row.get("steps_before", 0)))

    def settle(self, ticket_id: str, cost: int | None) -> tuple[int, str, str] | None:
        """Close the open reservation; None where there is none. cost None: in full."""
        row = self.row(ticket_id)
        if "rsv" not in row:
            return None
        held, day, call = int(row.pop("rsv")), row.pop("rsv_day"), row.pop("rsv_call")
        model = row.pop("rsv_model")
        charged = held if cost is None else cost
        self.add(f"t:{ticket_id}", "spent", charged)
        for what in ("spent", "sourced", f"spent|{row['source']}"):
            self.add(day, what, charged)
        for what in ("reserved", *([f"reserved|{row['source']}"] if row.pop("rsv_source", "") else [])):
            self.add(day, what, -held)
        self.count("llm_cost_nanodollars", charged, model=model)
        self.figure("model", model, charged)
        if charged > held:
            self.add(f"t:{ticket_id}", "overbilled", 1)
            self.add("n", "bound_violations", 1)
            self.raise_alert(ticket_id, "bound_violation", "error", hand_off=False)
        return charged, call, model

    def settle_lost(self, ticket_id: str, epoch: str) -> None:
        if lost := self.settle(ticket_id, None):
            self.count("llm_requests", model=lost[2], outcome="lost")
            event = {"type": "call_lost", "v": 1, "call_id": lost[1], "cost_nanodollars": lost[0]}
            self.append(ticket_id, json.dumps(event, separators=(",", ":")), epoch)

    def holds(self, ticket_id: str, header: dict[str, Any]) -> bool:
        row = self.row(ticket_id)
        now = (row.get("state"), row.get("epoch"), row.get("owner"))
        goes_on = header.get("after") in (None, row.get("settled_call"))
        return now == ("running", header["epoch"], header["owner"]) and goes_on

    def lease_for(self, ticket_id: str, ms: int) -> None:
        self.row(ticket_id)["lease"] = str(self.now + ms)
        self.due_at(ticket_id, self.now + ms)

    def leave_inbox(self, ticket_id: str) -> None:
        row = self.row(ticket_id)
        if "facets" not in row:
            return
        for index in ("inbox", *(f"inbox:{facet}" for facet in json.loads(row["facets"]))):
            self.rank(index).pop(ticket_id, None)
        for name in ("facets", "sla", "holder", "held_until", "held_since", "snoozed_until"):
            row.pop(name, None)

    def enter_inbox(self, ticket_id: str, sla_ms: int, facets: list[str]) -> None:
        self.leave_inbox(ticket_id)
        self.row(ticket_id).update(facets=json.dumps(facets), sla=str(sla_ms))
        for index in ("inbox", *(f"inbox:{facet}" for facet in facets)):
            self.rank(index)[ticket_id] = sla_ms

    def raise_alert(self, ticket_id: str, reason: str, severity: str, *, hand_off: bool = True) -> None:
        name = f"alert:{reason}"
        self.add(name, "count", 1)
        if hand_off:
            self.add("n", "alerts_raised", 1)
        else:
            self.hash(name)["told_as"] = "escalations"
        alert = self.hash(name)
        alert.setdefault("first", str(self.now))
        alert |= {"last": str(self.now), "severity": severity}
        tickets = self.entries(f"{name}:tickets")
        tickets.insert(0, ticket_id)
        del tickets[5:]
        self.rank("alerts").setdefault(reason, max(self.now + 3000, int(alert.get("quiet_until", 0))))


def _bucket(value: float, bounds: Sequence[float]) -> str:
    """The bucket a value falls into."""
    return next((f"{bound:g}" for bound in bounds if value <= bound), "+Inf")
