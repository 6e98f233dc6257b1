"""What upstream receives: outcome events for the outbox (Standard Webhooks payloads)."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from fallbacks.ledger.move import OutboxEntry


class Outcome(StrEnum):
    """The events upstream can receive."""

    DECIDED = "ticket.decided"
    HANDED_OFF = "ticket.handed_off"
    CLOSED = "ticket.closed"
    CORRECTED = "ticket.corrected"
    CANCELLED = "ticket.cancelled"


WEBHOOK = "webhook"
"""The receiver at WEBHOOK_URL, as entries name it."""

Also = Callable[[str, Outcome], Sequence[str]]
"""(the door its ticket came by, outcome): names of the receivers besides the webhook that want it."""


def nobody_else(_door: str, _outcome: Outcome) -> Sequence[str]:
    """No receiver besides the webhook."""
    return ()


class OutcomeWriter:
    """Writes outbox entries, one for each receiver, or none where nobody listens. wanted: by the webhook."""

    def __init__(self, *, wanted: bool, also: Also = nobody_else) -> None:
        self.wanted = wanted
        self.also = also

    def entries(
        self, outcome: Outcome, ticket_id: str, door: str, data: dict[str, Any], due_in_ms: int = 0
    ) -> tuple[OutboxEntry, ...]:
        """The outbox entries of `outcome`. Ids stay the same on every try; `sequence` is added on leaving.

        door: what the ticket came by, as its row says. The first receiver's entry has the bare id, and what becomes of
        it is the ticket's `delivery`.
        """
        receivers = [*([WEBHOOK] if self.wanted else []), *self.also(door, outcome)]
        if not receivers:
            return ()
        body = {"type": outcome.value, "timestamp": datetime.now(UTC).isoformat(), "data": {"id": ticket_id, **data}}
        message_id = f"msg_{uuid4().hex}"
        text = json.dumps(body, ensure_ascii=False)
        ids = [message_id, *(f"{message_id}.{receiver}" for receiver in receivers[1:])]
        return tuple(
            OutboxEntry(entry, receiver, outcome.value, text, due_in_ms)
            for entry, receiver in zip(ids, receivers, strict=True)
        )
