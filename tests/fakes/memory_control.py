"""What people switch at run time, tickets woken by it, and the alert for an inbox that waits too long."""

import json
from collections.abc import Callable
from typing import Any

from tests.fakes.memory_data import MemoryData


def control(b: MemoryData, _: str, header: str) -> list[str]:
    h, made = json.loads(header), list[str]()
    switches = b.hash("deployed" if h.get("deployed") else "control")
    for field, *value in h["changes"]:
        before, after = switches.get(field), value[0] if value else None
        if before == after:
            continue
        if after is None:
            del switches[field]
        else:
            switches[field] = after
        line = {"at": b.now, "who": h["who"], "what": field, "before": before, "after": after}
        made.append(json.dumps({name: value for name, value in line.items() if value is not None}))
        b.entries("control_log").insert(0, made[-1])
    if made:
        del b.entries("control_log")[h["keep"] :]
        if not h.get("deployed"):
            switches |= {"changed_by": h["who"], "changed_at": str(b.now)}
    return made


def log(b: MemoryData, _: str, name: str, keep: str, line: str) -> int:
    b.entries(name).insert(0, json.dumps({"at": b.now} | json.loads(line)))
    del b.entries(name)[int(keep) :]
    return 1


def count(b: MemoryData, _: str, *fields: str) -> int:
    b.count_all(dict.fromkeys(fields, "1"))
    return 1


def wake(b: MemoryData, _: str, reason: str, *ticket_ids: str) -> int:
    waiting = [i for i in ticket_ids if (b.row(i).get("state"), b.row(i).get("reason")) == ("parked", reason)]
    for ticket_id in waiting:
        b.due_at(ticket_id, b.now)
    return len(waiting)


def escalate(b: MemoryData, _: str, name: str, severity: str, again_ms: str) -> int:
    alert, late = b.hash(f"alert:{name}"), b.due_in("inbox", len(b.rank("inbox")))
    if not late:
        alert.pop("late_until", None)
        return 0
    if int(alert.get("late_until", 0)) > b.now:
        return len(late)
    alert["late_until"] = str(b.now + int(again_ms))
    b.raise_alert(late[0], name, severity, hand_off=False)
    alert["count"] = str(len(late))
    return len(late)


def keep(b: MemoryData, _: str, name: str, field: str, value: str) -> str:
    return b.hash(name).setdefault(field, json.dumps({"at": b.now} | json.loads(value)))


def since(b: MemoryData, _: str, count: str, *indexes: str) -> list[list[Any]]:
    found = []
    for name, start in zip(indexes[::2], indexes[1::2], strict=True):
        scores, members = b.rank(name), b.ordered(name)
        late = [member for member in members if scores[member] >= float(start)][: int(count)]
        first = str(scores[members[0]]) if members else ""
        found.append([len(members), first, [part for member in late for part in (member, str(scores[member]))]])
    return found


def rows(b: MemoryData, _: str, count: str, *given: str) -> list[list[str | None]]:
    fields, ticket_ids = given[: int(count)], given[int(count) :]
    return [[b.row(ticket_id).get(name) for name in fields] for ticket_id in ticket_ids]


CONTROL: dict[str, Callable[..., Any]] = {
    "control": control,
    "log": log,
    "count": count,
    "wake": wake,
    "escalate": escalate,
    "keep": keep,
    "since": since,
    "rows": rows,
}
