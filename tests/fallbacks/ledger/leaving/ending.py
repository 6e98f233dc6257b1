"""Ending tickets and taking them to history."""

from fallbacks.inbox.endings import UNDO_MS
from fallbacks.ledger.ledger import Lease, Ledger
from fallbacks.ledger.past.known_before import KnownBefore
from fallbacks.ledger.past.leaving import RESTS_MS, Leaving
from tasks.run.limits import Limits
from tests.fakes.memory_history import MemoryHistory
from tests.fallbacks.ledger.busy_ledger import fill
from tests.fallbacks.scene import TRIAGE, Scene, ticket


async def leave(s: Scene, history: MemoryHistory) -> int:
    return (await Leaving(s.store, history, TRIAGE).round()).left


def remembering(s: Scene, history: MemoryHistory) -> Ledger:
    return Ledger(s.store, TRIAGE, before=KnownBefore(history))


async def deliver_all(s: Scene) -> None:
    """Deliver what waits in the outbox."""
    for message_id, flat in await s.store.run("take_outbox", "", 1000, 1000):
        sent = dict(zip(flat[::2], flat[1::2], strict=True))
        await s.store.run("settle_outbox", sent["ticket"], message_id, "delivered", 0)


async def rested(s: Scene) -> None:
    """A busy ledger whose outcomes are sent, and whose ended tickets have rested; its workers still live."""
    await fill(s)
    await s.pass_ms(max(RESTS_MS, UNDO_MS) + 1)
    await s.ledger.renew("w1", [Lease(name, 1, "w1") for name in ("running0", "running1", "running2", "effects")])
    await deliver_all(s)


async def ended(s: Scene, ledger: Ledger, ticket_id: str | None, key: str | None = None) -> str:
    """A ticket that is cancelled."""
    accepted = await ledger.accept(ticket(ticket_id), Limits(), idempotency_key=key)
    await s.inbox.cancel(accepted.id, "ann")
    await s.pass_ms(10**8)
    await deliver_all(s)
    return accepted.id
