"""A call that waits for a person, put into the ledger as a worker would."""

from typing import Any

from fallbacks.ledger.calls import pending
from fallbacks.ledger.ledger import Lease, Ledger
from tasks.run import events as ev
from tasks.run.approval import digest_of
from tasks.ticket import Priority

GIVEN = {"order": "A-1001", "amount_cents": 1999}


async def ask(ledger: Ledger, lease: Lease, tool: str = "refund", wait_ms: int = 60_000, **given: Any) -> str:
    """Let go of the ticket with a call that waits; returns its digest."""
    key, arguments = f"{lease.ticket_id}:1:r1", given or GIVEN
    digest = digest_of(key, tool, arguments)
    does, details = "Pays 19.99 EUR back to the card it came from.", {"order": "A-1001 of 2026-01-05"}
    event = ev.CallProposed(1, "r1", key, tool, arguments, digest, "the payments API", does, details, "each is asked")
    call = pending(event, await ledger.store.now_ms(), wait_ms)
    await ledger.propose(lease, (event,), call, Priority.NORMAL, heard=0)
    return digest
