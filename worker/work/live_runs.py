"""The tickets that this process works now. Its heartbeat renews their leases, and cuts what it has lost."""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fallbacks.ledger.ledger import Lease

T = TypeVar("T")


@dataclass(slots=True)
class LiveRuns:
    """owner: this process, as leases name it. draining: nothing new is taken. held: lease and task by ticket id."""

    owner: str
    draining: bool = False
    held: dict[str, tuple[Lease, asyncio.Task[Any]]] = field(default_factory=dict)

    @property
    def leases(self) -> list[Lease]:
        """Of all of them."""
        return [lease for lease, _ in self.held.values()]

    async def hold(self, lease: Lease, work: Coroutine[Any, Any, T]) -> T:
        """Do the work while the lease is held here."""
        ticket_id = lease.ticket_id
        if ticket_id in self.held:  # lost before; a store set back by a crash may give it the same fence
            self.held[ticket_id][1].cancel()
        task = asyncio.ensure_future(work)
        self.held[ticket_id] = (lease, task)
        try:
            return await task
        finally:
            now = self.held.get(ticket_id)
            if now is not None and now[1] is task:  # else this process took the ticket again after losing the lease
                del self.held[ticket_id]

    def cut(self, lost: Iterable[str], renewed: Iterable[Lease]) -> None:
        """Cancel the runs of these tickets, if they still go by one of the leases that were to be renewed."""
        asked = set(renewed)
        for ticket_id in lost:
            held = self.held.get(ticket_id)
            if held is not None and held[0] in asked:
                held[1].cancel()

    def cut_all(self) -> None:
        """The time to end in good order is over."""
        for _, task in list(self.held.values()):
            task.cancel()
