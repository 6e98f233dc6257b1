"""What a worker does with a ticket it holds: claim, step, effect, renew, sweep; and accept before it."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from fallbacks.ledger.claims import CLAIMED
from fallbacks.plan import DAY_MS
from fallbacks.store import keys
from tests.fakes.memory_data import MemoryData

WEEK_MS = 604_800_000

KEPT = ("digest", "limits", "source", "priority", "door", "sent_by", "who", "trace")
"""Of the header, in the row."""


def _known(b: MemoryData, ticket_id: str, h: dict[str, Any]) -> list[str] | None:
    """What is answered where the ticket, or its key, was here before."""
    seen = b.hash(f"idem:{h.get('idem')}")
    if seen:
        if seen["digest"] != h["digest"]:
            return ["conflict", seen["id"]]
        ticket_id = seen["id"] if b.row(seen["id"]) else ticket_id
    row = b.row(ticket_id)
    if row:
        if row.get("digest") != h["digest"]:
            return ["conflict", ticket_id]
        if not seen:
            _remember_key(b, ticket_id, h)
        return ["seen", ticket_id, row["state"]]
    return None


def accept(b: MemoryData, ticket_id: str, header: str, body: str, *events: str) -> list[str]:
    h = json.loads(header)
    if known := _known(b, ticket_id, h):
        return known
    row = b.row(ticket_id)
    start = _turn(b, h)
    if "refuse" in h and start > b.now:
        return ["limited", str(start - b.now)]
    if start > b.now and len(events) == 1:
        events = (*events, json.dumps({"type": "parked", "v": 1, "until_ms": start}, separators=(",", ":")))
    kept = ("digest", "limits", "source", "priority", "door", "sent_by", "who", "trace", "answers")
    row |= {name: h[name] for name in kept if name in h}
    row |= {"body": body, "accepted": str(b.now), "version": "1", "epoch": "0", "losses": "0", "spent": "0"}
    start = max(start, h.get("not_before", 0))
    state = "closed" if "closed" in h else "parked" if start > b.now else "queued"
    b.place(ticket_id, state)
    if "closed" in h:
        row |= {name: h[name] for name in ("closed", "detail")}
        b.add("m", f"closed|kind={h['closed']}", 1)
    else:
        _await_worker(b, ticket_id, h, start)
    b.add("n", "accepted", 1)
    b.figure("accepted", h["source"])
    recent = {"at": b.now, "source": h["source"], "who": h.get("who")}
    b.entries("recent").insert(0, json.dumps({name: value for name, value in recent.items() if value is not None}))
    del b.entries("recent")[2000:]
    if "bounced" in h:
        b.hash(f"bounced:{h['bounced']}").update(at=str(b.now), ticket=ticket_id)
    b.hash(f"original:{ticket_id}").update(kept_beside(h))
    _remember_key(b, ticket_id, h)
    if "requester" in h:
        b.entries(f"req:{h['requester']}").insert(0, ticket_id)
        del b.entries(f"req:{h['requester']}")[20:]
    for event in events[:1] if state == "queued" else events:
        b.append(ticket_id, event, 0)
    return ["new", ticket_id, state]


def _turn(b: MemoryData, h: dict[str, Any]) -> int:
    """When its source may send this one, by the same rule as `accept.lua`; counted where it is taken."""
    rate = b.hash("control").get(f"rate:{h['source']}", h.get("rate"))
    if rate is None or "closed" in h or "aside" in h:
        return b.now
    turn, each = max(b.now, b.turns.get(h["source"], 0)), 60_000 / int(rate)
    start = max(b.now, math.ceil(turn - 60_000 + each))
    if "refuse" not in h or start == b.now:
        b.turns[h["source"]] = math.ceil(turn + each)
    return start


def _await_worker(b: MemoryData, ticket_id: str, h: dict[str, Any], start: int) -> None:
    ends = [at for at in (h.get("expires"), start + h["wait_ms"] if "wait_ms" in h else None) if at is not None]
    if ends:
        b.row(ticket_id)["deadline"] = str(min(ends))
    if "step" in h:
        b.row(ticket_id)["step"] = str(h["step"])
    if start <= b.now and "aside" not in h:
        b.line_up(ticket_id)
    due = start if start > b.now else b.now + h["due_in"]
    b.due_at(ticket_id, min([due, *(max(end, b.now) for end in ends)]))


def kept_beside(h: dict[str, Any], of: str = "") -> dict[str, str]:
    """By its field: of a ticket, or of the message that `of` names."""
    return {field + of: h[name] for name, field in (("original", "zlib"), ("attached", "attached")) if name in h}


def _remember_key(b: MemoryData, ticket_id: str, h: dict[str, Any]) -> None:
    if "idem" in h:
        b.hash(f"idem:{h['idem']}").update(id=ticket_id, digest=h["digest"])
        b.expires[f"idem:{h['idem']}"] = b.now + WEEK_MS


def claim(
    b: MemoryData, ticket_id: str, owner: str, lease_ms: str, queue: str, claim: str, event: str, hint: str = ""
) -> list[Any]:
    named, lent = ticket_id, b.claims.get(claim) if hint else None
    ticket_id = lent or ticket_id
    row = b.row(ticket_id)
    if not (row.get("state") == "running" and row.get("claim") == claim):
        if hint and not lent and (other := _first(b)):
            ticket_id, row = other, b.row(other)
        if not row or row["state"] != "queued":
            return [row["state"] if row else "unknown"]
        if f"paused:{queue}" in b.hash("control"):
            return ["paused"]
        _take(b, ticket_id, owner, int(lease_ms), claim)
        b.append(ticket_id, event, row["epoch"])
        if ticket_id != named:
            b.claims[claim] = ticket_id
            b.heal_line([named])
    said = [row.get(name) for name in CLAIMED]
    return ["ok", row["epoch"], b.now, said, list(b.entries(f"j:{ticket_id}")), ticket_id]


def _first(b: MemoryData) -> str | None:
    line, oldest = b.ordered(keys.LINE), b.ordered("s:queued")[:1]
    if not line:
        return None
    urgent = b.rank(keys.LINE)[line[0]] < 2**50
    if b.now % 8 == 0 and oldest and b.now - b.rank("s:queued")[oldest[0]] > (900_000 if urgent else 300_000):
        return oldest[0]
    served = f"{int(b.rank(keys.LINE)[line[0]] // 2**50)}|"
    b.rank(keys.SHARES)[served] = max(b.rank(keys.SHARES).get(served, 0), b.rank(keys.LINE)[line[0]])
    return line[0]


def _take(b: MemoryData, ticket_id: str, owner: str, lease_ms: int, claim: str) -> None:
    row = b.row(ticket_id)
    row |= {"epoch": str(int(row["epoch"]) + 1), "owner": owner, "claim": claim}
    row["steps_before"] = row.get("steps", "0")
    b.observe("queue_wait_seconds", (b.now - int(row["since"])) / 1000)
    row.setdefault("first_claimed", str(b.now))
    row.pop("sweeps", None)
    b.place(ticket_id, "running")
    b.lease_for(ticket_id, lease_ms)


def _breaker_open(b: MemoryData, model: str) -> list[Any] | None:
    breaker = b.hash(f"breaker:{model}")
    if "open_until" in breaker:
        opens, probed = int(breaker["open_until"]) - b.now, int(breaker.get("probe_until", 0)) - b.now
        if opens > 0 or probed > 0:
            return ["breaker", breaker["reason"], opens if opens > 0 else min(probed, 3000)]
    return None


def begin_step(b: MemoryData, ticket_id: str, header: str, *events: str) -> list[Any]:
    h = json.loads(header)
    row, control = b.row(ticket_id), b.hash("control")
    if not b.holds(ticket_id, h):
        return ["lost"]
    if row.get("rsv_call") == h["call"]:
        return ["ok", b.now]
    if "heard" in h and int(row.get("news", 0)) != h["heard"]:
        return ["news"]
    if control.get("autonomy") == "off":
        return ["off"]
    if unwell := _breaker_open(b, h["breaker"]):
        return unwell
    b.settle_lost(ticket_id, h["epoch"])
    spent = int(row.get("spent", 0))
    if "run_cap" in h and spent + h["worst"] > h["run_cap"]:
        return ["run_cap", spent, h["run_cap"]]
    name = f"day:{b.now // 86_400_000}"
    day_used = sum(int(b.hash(name).get(kind, 0)) for kind in ("spent", "reserved"))
    day_cap = int(control["day_cap"]) if "day_cap" in control else h.get("day_cap")
    if day_cap is not None and day_used + h["worst"] > day_cap:
        return ["day_cap", day_used, day_cap, int(b.hash(name).get("spent", 0))]
    budgeted, over = _source_budget(b, row["source"], h)
    if over:
        return over
    _reserve(b, row, h, day_cap, budgeted=budgeted)
    b.add(f"t:{ticket_id}", "steps", 1)
    return _written(b, ticket_id, h, events)


def _reserve(b: MemoryData, row: dict[str, str], h: dict[str, Any], day_cap: int | None, *, budgeted: bool) -> None:
    name = f"day:{b.now // DAY_MS}"
    if "open_until" in (breaker := b.hash(f"breaker:{h['breaker']}")):
        breaker["probe_until"] = str(b.now + h["lease_ms"])
    cap, before = "" if day_cap is None else str(day_cap), b.hash(name).get("cap")
    if before is None or (before and (not cap or int(cap) > int(before))):
        b.hash(name)["cap"] = cap
    b.add(name, "reserved", h["worst"])
    if budgeted:
        b.add(name, f"reserved|{row['source']}", h["worst"])
        row["rsv_source"] = "1"
    row |= {"rsv": str(h["worst"]), "rsv_call": h["call"], "rsv_day": name, "rsv_model": h["breaker"]}


def _source_budget(b: MemoryData, source: str, h: dict[str, Any]) -> tuple[bool, list[Any] | None]:
    """(whether it has one, why there is no room in it)."""
    now = datetime.fromtimestamp(b.now / 1000, UTC)
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    today, first = b.now // DAY_MS, int(month.timestamp() * 1000) // DAY_MS
    next_month = int((month + timedelta(days=31)).replace(day=1).timestamp() * 1000)
    budgeted, over = False, None
    for period, since, ends in (("day", today, (today + 1) * DAY_MS), ("month", first, next_month)):
        stored, cap = b.hash("control").get(f"{period}_cap:{source}"), h.get(f"source_{period}")
        cap = int(stored) if stored else cap
        if cap is None:
            continue
        days = [b.hash(f"day:{day}") for day in range(since, today + 1)]
        spent, held = (sum(int(day.get(f"{what}|{source}", 0)) for day in days) for what in ("spent", "reserved"))
        budgeted = True
        if spent + held + h["worst"] > cap:
            over = over or ["source_cap", period, spent + held, cap, spent, ends - b.now]
    return budgeted, over


def end_step(b: MemoryData, ticket_id: str, header: str, *events: str) -> list[Any]:
    h = json.loads(header)
    row = b.row(ticket_id)
    if not b.holds(ticket_id, h):
        return ["lost"]
    if row.get("rsv_call") != h["call"]:
        return ["ok", b.now] if row.get("settled_call") == h["call"] else ["lost"]
    b.settle(ticket_id, h["cost"])
    row["settled_call"] = h["call"]
    _learn(b, f"breaker:{h['breaker']}", h, ticket_id)
    return _written(b, ticket_id, h, events)


def _learn(b: MemoryData, breaker: str, h: dict[str, Any], ticket_id: str) -> None:
    if h["health"] == "well":
        close_breaker(b, h["breaker"])
    elif "failure" in h:
        fail_breaker(b, h["failure"], ticket_id)
    else:
        b.hash(breaker).pop("probe_until", None)


def close_breaker(b: MemoryData, model: str) -> None:
    alert = b.hash("alert:breaker_open")
    known = b.hashes.pop(f"breaker:{model}", None)
    if known and "sending" not in alert and alert.get("about", "").endswith(f" {model}"):
        alert["count"] = "0"
        alert.pop("first", None)
        b.rank("alerts").pop("breaker_open", None)
        b.lists.pop("alert:breaker_open:tickets", None)


def fail_breaker(b: MemoryData, f: dict[str, Any], ticket_id: str) -> None:
    breaker = f"breaker:{f['model']}"
    open_until, wait = int(b.hash(breaker).get("open_until", "0")), f.get("retry_after_ms", 0)
    if b.now >= open_until:
        failures = b.add(breaker, "failures", 1)
        doublings = failures - 1 if f["at_once"] else failures - 4
        opens = f["at_once"] or failures >= 5
        wait = max(wait, min(300_000, 2500 * 2 ** min(doublings, 8))) if opens else wait
        b.hash(breaker).pop("probe_until", None)
    if wait and b.now + wait > open_until:
        open_until = b.now + wait
        b.hash(breaker).update(open_until=str(open_until), reason=f["reason"])
        if "alerted" not in b.hash(breaker) and (f["at_once"] or wait >= 60_000):
            b.hash(breaker)["alerted"] = "1"
            b.hash("alert:breaker_open")["about"] = f"{f['reason']} {f['model']}"
            b.raise_alert(ticket_id, "breaker_open", f["severity"], hand_off=False)
    b.expires[breaker] = b.now + max(600_000, (open_until - b.now) * 2)


def _written(b: MemoryData, ticket_id: str, h: dict[str, Any], events: tuple[str, ...]) -> list[Any]:
    if int(b.row(ticket_id)["lease"]) - b.now < h["lease_ms"] * 0.9:
        b.lease_for(ticket_id, h["lease_ms"])
    for event in events:
        b.append(ticket_id, event, h["epoch"])
    b.count_all(h.get("meters", {}))
    return ["ok", b.now]


def begin_effect(b: MemoryData, ticket_id: str, header: str, *events: str) -> list[str]:
    h = json.loads(header)
    if not b.holds(ticket_id, h):
        return ["lost"]
    effects, begun = b.hash(f"effects:{ticket_id}"), f"begun:{h['try']}"
    known = effects.get(h["key"])
    if known and known.startswith("done:"):
        return ["done", known.removeprefix("done:")]
    if known and known != begun and not h["honoured"]:
        return ["unknown"]
    if "approval" in h and not known:
        if int(b.row(ticket_id).get("news", 0)) != h["heard"]:
            return ["news"]
        if b.row(ticket_id).get("approved") != h["approval"] or int(b.row(ticket_id)["approved_until"]) <= b.now:
            return ["unapproved"]
        del b.row(ticket_id)["approved"], b.row(ticket_id)["approved_until"]
    unwritten = () if known == begun else events[:-1] if known else events
    effects[h["key"]] = begun
    _written(b, ticket_id, h if known != begun else h | {"meters": {}}, unwritten)
    return ["again" if known else "new"]


def end_effect(b: MemoryData, ticket_id: str, header: str, result: str, event: str) -> list[str]:
    h = json.loads(header)
    if not b.holds(ticket_id, h):
        return ["lost"]
    effects = b.hash(f"effects:{ticket_id}")
    ended = effects.get(h["key"], "").startswith("begun:")
    if ended:
        effects[h["key"]] = f"done:{result}"
    _written(b, ticket_id, h, (event,) if ended else ())
    return ["ok"]


def renew(b: MemoryData, _: str, owner: str, lease_ms: str, *pairs: str) -> list[str]:
    gone = []
    for ticket_id, epoch in zip(pairs[::2], pairs[1::2], strict=True):
        if b.holds(ticket_id, {"epoch": epoch, "owner": owner}):
            b.lease_for(ticket_id, int(lease_ms))
        else:
            gone.append(ticket_id)
    return gone


def take_back(b: MemoryData, _: str, owner: str) -> list[str]:
    found = [ticket_id for ticket_id in b.ordered("s:running") if b.row(ticket_id).get("owner") == owner]
    for ticket_id in found:
        b.due_at(ticket_id, b.now)
    return found


RUNS: dict[str, Callable[..., Any]] = {
    "accept": accept,
    "claim": claim,
    "begin_step": begin_step,
    "end_step": end_step,
    "begin_effect": begin_effect,
    "end_effect": end_effect,
    "renew": renew,
    "take_back": take_back,
}
