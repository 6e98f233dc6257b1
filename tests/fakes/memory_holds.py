"""Keeping a held item while its person reads."""

from collections.abc import Callable
from typing import Any

from tests.fakes.memory_data import MemoryData


def hold(b: MemoryData, ticket_id: str, person: str, hold_ms: str) -> list[Any]:
    row = b.row(ticket_id)
    if not row:
        return ["unknown"]
    if row.get("holder") != person:
        held = row.get("holder", "") if int(row.get("held_until", 0)) > b.now else ""
        return ["stale", row["state"], row["version"], held]
    row["held_until"] = str(b.now + int(hold_ms))
    return ["ok", row["held_until"]]


def thread(b: MemoryData, _: str, mail_id: str, ticket_id: str, ttl_ms: str) -> str:
    name = f"thread:{mail_id}"
    if ticket_id:
        b.hash(name)["ticket"] = ticket_id
        b.expires[name] = b.now + int(ttl_ms)
    return b.hash(name).get("ticket", "")


HOLDS: dict[str, Callable[..., Any]] = {"hold": hold, "thread": thread}
