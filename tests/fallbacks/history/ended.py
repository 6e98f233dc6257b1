"""Ended tickets as the store held them, for tests of history."""

import json
from hashlib import sha256
from typing import Any

from fallbacks.history.facts import entry_of
from fallbacks.history.port import EndedTicket, Entry
from tests.fallbacks.scene import DECISION, TRIAGE

DAY_MS = 86_400_000
MARCH = 1_772_323_200_000
"""2026-03-01, in ms."""


def event(at: int, kind: str, **fields: Any) -> str:
    """As the ledger stores one."""
    return json.dumps({"at": at, "epoch": 1, "type": kind, "v": 1, **fields}, separators=(",", ":"), ensure_ascii=False)


def ended(
    ticket_id: str = "t1",
    at: int = MARCH,
    *,
    body: str = "I lost my card",
    subject: str = "Help",
    state: str = "decided",
    version: int = 5,
    requester: dict[str, str] | None = None,
    cost: int = 600,
    threads: tuple[str, ...] = (),
    keys: tuple[str, ...] = (),
    decision: dict[str, Any] | None = None,
    **row: str,
) -> EndedTicket:
    """A ticket accepted at `at`, worked by the tier `small` and approved by ann a minute later."""
    ticket: dict[str, Any] = {"id": ticket_id, "source": "mail", "subject": subject, "body": body}
    if requester:
        ticket["requester"] = requester
    result = {**DECISION, **(decision or {}), "decided_by": "ann"}
    journal = [
        event(at, "accepted", source="mail"),
        event(at + 1_000, "claimed", owner="w1"),
        event(at + 2_000, "step_started", step=1, call_id="c1", model="small", reserved_nanodollars=2 * cost),
        event(at + 3_000, "model_replied", call_id="c1", input_tokens=900, output_tokens=80, cost_nanodollars=cost),
        event(at + 4_000, "suggested", queue="suggestions"),
        event(at + 60_000, state, by="ann", action="approve"),
    ]
    stored = {
        "state": state, "version": str(version), "accepted": str(at), "since": str(at + 60_000), "source": "mail",
        "door": "http", "digest": sha256(body.encode("utf-8", "replace")).hexdigest(), "body": json.dumps(ticket),
        "priority": "high", "steps": "1", "spent": str(cost), "epoch": "1",
        "delivery": "delivered", "proposal": json.dumps(DECISION),
    }  # fmt: skip
    if state == "decided":
        stored["decision"] = json.dumps(result)
    return EndedTicket(ticket_id, stored | row, tuple(journal), {"e1": "done:{}"}, {"zlib": "eJw="}, threads, keys)


def entry(ticket_id: str = "t1", at: int = MARCH, **fields: Any) -> Entry:
    return entry_of(ended(ticket_id, at, **fields), TRIAGE)
