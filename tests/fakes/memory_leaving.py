"""Serve-next, and what leaves the ledger: outbox messages and alerts."""

from collections.abc import Callable
from typing import Any

from tests.fakes.memory_data import MemoryData
from tests.fakes.memory_lists import items

WEEK_MS = 604_800_000


def next_item(b: MemoryData, _: str, person: str, hold_ms: str, wanted: str, event: str, *skip: str) -> str | None:
    for ticket_id in items(b, wanted):
        row = b.row(ticket_id)
        holder = row.get("holder")
        live = holder is not None and int(row.get("held_until", 0)) > b.now
        if (live and holder != person) or ticket_id in skip or int(row.get("snoozed_until", 0)) > b.now:
            continue
        if holder is not None and not live:
            b.count("human_leases_expired")
        if not live:
            row["held_since"] = str(b.now)
        row |= {"holder": person, "held_until": str(b.now + int(hold_ms))}
        if holder != person:
            b.append(ticket_id, event, row["epoch"])
        return ticket_id
    return None


def take_outbox(b: MemoryData, _: str, limit: str, hide_ms: str) -> list[Any]:
    taken = []
    for message_id in b.due_in("outbox", int(limit)):
        b.rank("outbox")[message_id] = b.now + int(hide_ms)
        b.add(f"out:{message_id}", "attempts", 1)
        flat = [part for pair in b.hash(f"out:{message_id}").items() for part in pair]
        taken.append([message_id, flat])
    return taken


def settle_outbox(b: MemoryData, ticket_id: str, message_id: str, outcome: str, retry_in: str = "0") -> list[str]:
    message = b.hash(f"out:{message_id}")
    if not message:
        return ["gone"]
    if outcome == "hold":
        b.add(f"out:{message_id}", "attempts", -1)
        b.rank("outbox")[message_id] = b.now + int(retry_in)
        return ["ok"]
    b.add("n", f"outbox_{outcome}", 1)
    if outcome == "retry":
        b.rank("outbox")[message_id] = b.now + int(retry_in)
        return ["ok"]
    b.rank("outbox").pop(message_id, None)
    message |= {"outcome": outcome, "ended": str(b.now)}
    b.expires[f"out:{message_id}"] = b.now + WEEK_MS
    if b.row(ticket_id) and "." not in message_id:
        b.row(ticket_id)["delivery"] = outcome
    return ["ok"]


def take_alert(b: MemoryData, _: str, hide_ms: str) -> list[Any] | None:
    due = b.due_in("alerts", 1)
    if not due:
        return None
    reason = due[0]
    alert = b.hash(f"alert:{reason}")
    b.rank("alerts")[reason] = b.now + int(hide_ms)
    if "sending" not in alert:
        serial = b.add(f"alert:{reason}", "serial", 1)
        alert |= {"sending": alert["count"], "sending_id": f"{reason}-{serial}", "count": "0"}
    known = [alert.get(name) for name in ("sending_id", "sending", "first", "last", "severity")]
    return [reason, *known, list(b.entries(f"alert:{reason}:tickets")), alert.get("about", "")]


def settle_alert(b: MemoryData, _: str, reason: str, alert_id: str, sent: str, wait_ms: str) -> list[str]:
    alert = b.hash(f"alert:{reason}")
    if alert.get("sending_id") != alert_id:
        return ["gone"]
    again = b.now + int(wait_ms)
    if sent == "0":
        b.rank("alerts")[reason] = again
        b.add("n", "alert_failures", 1)
        return ["ok"]
    counter = alert.get("told_as", "alerts_told")
    b.add("n", counter, int(alert["sending"]) if counter == "alerts_told" else 1)
    for name in ("sending", "sending_id", "first"):
        alert.pop(name, None)
    alert["quiet_until"] = str(again)
    if int(alert["count"]) > 0:
        alert["first"] = str(b.now)
        b.rank("alerts")[reason] = again
    else:
        b.rank("alerts").pop(reason, None)
        b.lists.pop(f"alert:{reason}:tickets", None)
    return ["ok"]


def examples(b: MemoryData, _: str, start: str, count: str) -> list[Any]:
    here = b.entries("examples")
    return ["0", len(here), here[int(start) : int(start) + int(count)]]


LEAVING: dict[str, Callable[..., Any]] = {
    "examples": examples,
    "next_item": next_item,
    "take_outbox": take_outbox,
    "settle_outbox": settle_outbox,
    "take_alert": take_alert,
    "settle_alert": settle_alert,
}
