"""What waits for people, found and counted."""

import json
from collections.abc import Callable
from typing import Any

from tests.fakes.memory_data import MemoryData

STATES = ("suggested", "handed_off", "rejected")


def items(b: MemoryData, wanted: str) -> list[str]:
    """The ids of those that match, in order."""
    q = json.loads(wanted)
    since = {ticket_id: at for state in STATES for ticket_id, at in b.rank(f"s:{state}").items()}
    scores = since if q["by"] == "since" else b.rank("inbox")
    found = sorted(scores, key=lambda ticket_id: (scores[ticket_id], ticket_id), reverse=q.get("desc", False))
    return [ticket_id for ticket_id in found if _fits(b, q, ticket_id, since[ticket_id])]


def _fits(b: MemoryData, q: dict[str, Any], ticket_id: str, since_ms: int) -> bool:
    return (
        all(ticket_id in b.rank(index) for index in q["all"])
        and not any(ticket_id in b.rank(index) for index in q["none"])
        and not any(ticket_id in b.rank(index) for index in q.get("within", {}).get("unseen", []))
        and ("any" not in q or any(ticket_id in b.rank(index) for index in q["any"]))
        and q.get("asleep") in (None, _asleep(b, ticket_id))
        and ("due_in" not in q or b.rank("inbox")[ticket_id] <= b.now + q["due_in"])
        and ("waited" not in q or since_ms <= b.now - q["waited"])
    )


def _asleep(b: MemoryData, ticket_id: str) -> bool:
    return int(b.row(ticket_id).get("snoozed_until", 0)) > b.now


def inbox_page(b: MemoryData, _: str, wanted: str, offset: str, limit: str, more: str) -> list[Any]:
    found = items(b, wanted)
    return [min(len(found), int(offset) + int(limit) + int(more)), found[int(offset) : int(offset) + int(limit)]]


def inbox_counts(b: MemoryData, _: str, within: str) -> list[int]:
    seen = {"within": json.loads(within)} if within else {}

    def count(**wanted: Any) -> int:
        return len(items(b, json.dumps({"all": [], "none": [], "by": "due", **seen, **wanted})))

    ready = ["inbox:queue:suggestions", "inbox:queue:approvals"]
    overdue = count(asleep=False, due_in=0)
    return [count(asleep=False), count(asleep=False, any=ready), overdue, count(asleep=True)]


LISTS: dict[str, Callable[..., Any]] = {"inbox_page": inbox_page, "inbox_counts": inbox_counts}
