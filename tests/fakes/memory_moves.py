"""Moves between states: by worker, person or sweep; and what cannot be read as a ticket."""

import json
from collections.abc import Callable
from typing import Any

from fallbacks.store import keys
from tests.fakes.memory_data import MemoryData
from tests.fakes.memory_rotation import assigned_in_turn, next_in_turn
from tests.fakes.memory_runs import fail_breaker, kept_beside


def move(b: MemoryData, ticket_id: str, header: str, *events: str) -> list[Any]:
    h = json.loads(header)
    row = b.row(ticket_id)
    if not row:
        return ["unknown"]
    if row.get("op") == h["op"]:
        return ["ok", row["state"], row["version"], b.now]
    if refusal := _known(b, ticket_id, h) or _refusal(b, row, h):
        return refusal
    old, new = row["state"], h.get("state", row["state"])
    if new != "running":
        b.settle_lost(ticket_id, row["epoch"])
        if old == "running":
            row.pop("owner", None)
            row.pop("lease", None)
            reason = h.get("set", {}).get("reason", "")
            b.end_run(ticket_id, "released" if new == "queued" else new, reason)
            _figure(b, row, h.get("figures", {}), new)
    _count_hold(b, row, h)
    _void(row, h, new)
    row.update(h.get("set", {}))
    for name in h.get("unset", []):
        row.pop(name, None)
    row["op"] = h["op"]
    b.add(f"t:{ticket_id}", "version", 0 if h.get("unnoticed") else 1)
    _add_message(b, ticket_id, row, h.get("message"))
    _touch(b, ticket_id, h, stays=old == new)
    b.place(ticket_id, new)
    _schedule(b, ticket_id, row, h)
    turn = _stand(b, ticket_id, row, h)
    for event in (*events, *turn):
        b.append(ticket_id, event, row["epoch"])
    b.count_all(h.get("meters", {}))
    _tell(b, ticket_id, row, h)
    return ["ok", new, row["version"], b.now]


def _stand(b: MemoryData, ticket_id: str, row: dict[str, str], h: dict[str, Any]) -> list[str]:
    """Where it stands in the inbox from now on; returns what the journal says of whose turn it is."""
    if "inbox" not in h:
        if not h.get("keep_inbox"):
            b.leave_inbox(ticket_id)
        return []
    entry, before = h["inbox"], json.loads(row.get("facets", "[]"))
    turn = None if h.get("undo") else next_in_turn(b, entry["facets"], before, h.get("former"))
    facets = [*entry["facets"], *((keys.ASSIGNED, f"{keys.ASSIGNEE}{turn}") if turn else ())]
    b.enter_inbox(ticket_id, entry["sla"] if "sla" in entry else b.now + entry["sla_in"], facets)
    return [assigned_in_turn(turn)] if turn else []


def _touch(b: MemoryData, ticket_id: str, h: dict[str, Any], *, stays: bool) -> None:
    if stays and ("message" in h or "decision" in h.get("set", {})):
        b.rank(keys.TOUCHED)[ticket_id] = b.now


def _void(row: dict[str, str], h: dict[str, Any], new: str) -> None:
    """A call that waits, where the ticket moves on; and an approval, where it rests or something was added."""
    works = new in ("queued", "running", "parked") and not h.get("message", {}).get("news")
    for name in (*(("call",) if row["state"] != new else ()), *(() if works else ("approved", "approved_until"))):
        row.pop(name, None)


def _figure(b: MemoryData, row: dict[str, str], figures: dict[str, str], state: str) -> None:
    if "kind" in figures:
        b.figure("kind", figures["kind"], int(row["spent"]) - int(row.get("kind_spent", 0)))
        row["kind_spent"] = row["spent"]
    if "version" in figures:
        b.figure("run", f"{figures['version']}|{state}")


def _refusal(b: MemoryData, row: dict[str, str], h: dict[str, Any]) -> list[Any] | None:
    held = _holder(b, row)
    stale = ["stale", row["state"], row["version"], held]
    allowed = row["state"] in h["states"]
    if "owner" in h:
        mine = allowed and (row["epoch"], row.get("owner")) == (h["epoch"], h["owner"])
        if mine and "heard" in h and int(row.get("news", 0)) != h["heard"]:
            return ["news"]
        return None if mine else ["lost"]
    if not allowed or ("version" in h and h["version"] != int(row["version"])):
        return stale
    if "person" in h and held not in ("", h["person"]):
        return stale
    left = any(b.hash(f"out:{name}").get("attempts") != "0" for name in h.get("drop_outbox", ()))
    if h.get("undo") and (left or b.now >= int(row.get("undo_until", 0))):
        return stale
    return _full(row, h)


def _full(row: dict[str, str], h: dict[str, Any]) -> list[Any] | None:
    added = h.get("message")
    return ["full"] if added and int(row.get("chars", 0)) + added["chars"] > added["most_chars"] else None


def _known(b: MemoryData, ticket_id: str, h: dict[str, Any]) -> list[Any] | None:
    """That the message is there already."""
    added, row = h.get("message"), b.row(ticket_id)
    if known := b.hash(f"messages:{ticket_id}").get(added["id"]) if added else None:
        return ["seen" if known == added["digest"] else "conflict", row["state"], row["version"], b.now]
    return None


def _add_message(b: MemoryData, ticket_id: str, row: dict[str, str], added: dict[str, Any] | None) -> None:
    if added is None:
        return
    b.hash(f"messages:{ticket_id}")[added["id"]] = added["digest"]
    b.add(f"t:{ticket_id}", "messages", 1)
    b.add(f"t:{ticket_id}", "chars", added["chars"])
    if added["news"]:
        b.add(f"t:{ticket_id}", "news", 1)
        row["last_message"] = added["id"]
    b.hash(f"original:{ticket_id}").update(kept_beside(added, f":{added['id']}"))
    if "bounced" in added:
        b.hash(f"bounced:{added['bounced']}").update(at=str(b.now), ticket=added["id"])


def _holder(b: MemoryData, row: dict[str, str]) -> str:
    return row.get("holder", "") if int(row.get("held_until", 0)) > b.now else ""


def _count_hold(b: MemoryData, row: dict[str, str], h: dict[str, Any]) -> None:
    held, taken, leaves = _holder(b, row), h.get("set", {}).get("holder"), not h.get("keep_inbox")
    since = row.get("held_since")
    if "holder" in row and not held and (taken or leaves):
        b.count("human_leases_expired")
    if taken and held != taken:
        row["held_since"] = str(b.now)
    if since and held and held == h.get("person") and leaves:
        b.observe("human_handle_seconds", (b.now - int(since)) / 1000)


def _schedule(b: MemoryData, ticket_id: str, row: dict[str, str], h: dict[str, Any]) -> None:
    due = h.get("due_at", b.now + h["due_in"] if "due_in" in h else None)
    if due is not None:
        b.due_at(ticket_id, min(due, max(int(row["deadline"]), b.now)) if "deadline" in row else due)
    elif not h.get("keep_due"):
        b.due_at(ticket_id, None)


def _tell(b: MemoryData, ticket_id: str, row: dict[str, str], h: dict[str, Any]) -> None:
    if "alert" in h:
        b.raise_alert(ticket_id, h["alert"]["reason"], h["alert"]["severity"])
    if "failure" in h:
        fail_breaker(b, h["failure"], ticket_id)
    for message_id in h.get("drop_outbox", []):
        b.rank("outbox").pop(message_id, None)
        b.hashes.pop(f"out:{message_id}", None)
    sequence = b.add(f"t:{ticket_id}", "sequence", 1) if h.get("outbox") else 0
    for message in h.get("outbox", []):
        kept = {
            "ticket": ticket_id,
            "body": message["body"],
            "event": message["event"],
            "to": message.get("to", "webhook"),
        }
        kept["attempts"] = "0"
        b.hash(f"out:{message['id']}").update(kept, sequence=str(sequence), created=str(b.now))
        b.rank("outbox")[message["id"]] = b.now + message["due_in"]
        row["delivery"] = "pending"
    examples = b.entries("examples")
    if h.get("drop_example") in examples:
        del examples[len(examples) - 1 - examples[::-1].index(h["drop_example"])]
    if "undo_in" in h:
        row["undo_until"] = str(b.now + h["undo_in"])
    if "example" in h:
        examples.append(h["example"])
    if "judged" in h:
        b.entries("calls_judged").append(h["judged"])
    for name in h.get("count", []):
        b.add("n", name, 1)


def reject(b: MemoryData, ticket_id: str, header: str, raw: str, event: str) -> list[str]:
    row = b.row(ticket_id)
    if row:
        return ["seen", ticket_id]
    h = json.loads(header)
    row |= {"raw": raw, "source": h["origin"], "priority": "normal", "accepted": str(b.now), "version": "1"}
    row |= {"epoch": "0", "losses": "0", "spent": "0"}
    row |= {"reason": "unreadable", "detail": h["error"], "queue": "rejected"}
    b.place(ticket_id, "rejected")
    b.add("n", "accepted", 1)
    b.enter_inbox(ticket_id, b.now + h["sla_in"], h["facets"])
    b.append(ticket_id, event, 0)
    b.raise_alert(ticket_id, "unreadable", h["severity"])
    return ["new", ticket_id]


def sweep(
    b: MemoryData, _: str, limit: str, max_losses: str, base_ms: str, backlogged: str, lease_ms: str
) -> list[str]:
    base, found = int(base_ms), list[str]()
    unended = [ticket_id for state in ("queued", "running", "parked") for ticket_id in b.rank(f"s:{state}")]
    if len(unended) != len(b.rank("due")):
        for ticket_id in unended:
            b.rank("due").setdefault(ticket_id, b.now)
    b.heal_line(set(b.rank("s:queued")) - set(b.hash(keys.PROBES)))
    held_back = "paused:tickets" in b.hash("control") or backlogged == "1"
    for ticket_id in b.due_in("due", int(limit)):
        row = b.row(ticket_id)
        state = row.get("state")
        late = "deadline" in row and int(row["deadline"]) <= b.now
        if state not in ("queued", "running", "parked"):
            b.due_at(ticket_id, None)
            continue
        _taken_back(b, ticket_id, row, int(lease_ms))
        if state == "queued" and not late and held_back:
            b.due_at(ticket_id, b.now + base)
            continue
        sweeps = b.add(f"t:{ticket_id}", "sweeps", 1)
        wait = b.now + min(600_000, base * 2 ** min(sweeps - 1, 12))
        b.due_at(ticket_id, min(wait, int(row["deadline"])) if "deadline" in row and not late else wait)
        if state == "queued":
            b.add("n", "republished", 1)
        lost = int(row["losses"]) >= int(max_losses)
        found += ["hand_off" if late or lost else "triage", ticket_id]
    return found


def _taken_back(b: MemoryData, ticket_id: str, row: dict[str, str], lease_ms: int) -> None:
    if row["state"] == "queued":
        return
    if row["state"] == "running":
        b.settle_lost(ticket_id, row["epoch"])
        losses = b.add(f"t:{ticket_id}", "losses", 1)
        event = {"type": "lease_expired", "v": 1, "owner": row.pop("owner"), "losses": losses}
        event["heard_ms"] = int(row.pop("lease")) - lease_ms
        b.end_run(ticket_id, "lost", "")
        b.add("n", "leases_lost", 1)
    else:
        event = {"type": "unparked", "v": 1}
    b.append(ticket_id, json.dumps(event, separators=(",", ":")), row["epoch"])
    b.add(f"t:{ticket_id}", "version", 1)
    b.place(ticket_id, "queued")


def generation(*_: Any) -> list[Any]:
    """Memory has no other server."""
    return ["1", "0", 0]


def alarm(*_: Any) -> int:
    """Alerts of no ticket are tried on real servers."""
    return 0


MOVES: dict[str, Callable[..., Any]] = {
    "move": move,
    "reject": reject,
    "sweep": sweep,
    "generation": generation,
    "alarm": alarm,
}
