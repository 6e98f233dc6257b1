"""What upstream is told: outcome events for the outbox (Standard Webhooks payloads)."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4


class Outcome(StrEnum):
    """The events upstream can receive."""

    DECIDED = "ticket.decided"
    HANDED_OFF = "ticket.handed_off"
    CANCELLED = "ticket.cancelled"


class OutcomeWriter:
    """Writes outbox entries, or none where nobody listens."""

    def __init__(self, *, wanted: bool) -> None:
        self.wanted = wanted

    def entries(
        self, outcome: Outcome, ticket_id: str, data: dict[str, Any], due_in_ms: int = 0
    ) -> list[dict[str, Any]]:
        """The outbox entry that tells `outcome`. The id stays the same on every try; `sequence` is added on leaving."""
        if not self.wanted:
            return []
        body = {"type": outcome.value, "timestamp": datetime.now(UTC).isoformat(), "data": {"id": ticket_id, **data}}
        message_id = f"msg_{uuid4().hex}"
        text = json.dumps(body, ensure_ascii=False)
        return [{"id": message_id, "due_in": due_in_ms, "event": outcome.value, "body": text}]
