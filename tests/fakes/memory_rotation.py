"""Whose turn it is in a group whose items go round."""

import json
from collections.abc import Sequence

from fallbacks.store import keys
from tests.fakes.memory_data import MemoryData


def next_in_turn(b: MemoryData, facets: Sequence[str], before: Sequence[str], former: str | None) -> str | None:
    on = [facet for facet in facets if f"rotation:{facet}" in b.hash(keys.CONTROL) and (former or facet not in before)]
    if keys.ASSIGNED in facets or not on:
        return None
    found = []
    for name, stored in b.hash(keys.USERS).items():
        user, own = json.loads(stored), b.hash(keys.person(name))
        comes = name != former and (user["hash"] or user["subject"]) and on[-1] in user["teams"]
        if comes and int(own.get("away_until", 0)) <= b.now:
            has = len(b.rank(keys.inbox_facet(f"{keys.ASSIGNEE}{name}")))
            found.append((has, int(own.get("turn_at", 0)), name))
    if not found:
        return None
    turn = min(found)[2]
    b.hash(keys.person(turn))["turn_at"] = str(b.now)
    return turn


def assigned_in_turn(name: str) -> str:
    event = {"type": "person_acted", "v": 1, "by": "rotation", "action": "assign", "note": name}
    return json.dumps(event, separators=(",", ":"))
