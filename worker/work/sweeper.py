"""Looking for work that nobody does: what is due is published anew, or begun here where no broker takes the hint."""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.limits.generation import notice_failover
from fallbacks.ledger.states import Hint, HintKind
from fallbacks.ledger.sums.audit import audit
from worker.work.predecessors import take_back

if TYPE_CHECKING:
    from worker.queue.celery_publisher import Publisher

log = logging.getLogger(__name__)

LIMIT = 200

BACKLOG_PER_SLOT = 4
"""More ready messages than this per slot, and forgotten-looking tickets are only waiting their turn."""

Begin = Callable[[str], Coroutine[Any, Any, str]]
"""Works one ticket to a state of rest, by its id."""


@dataclass(slots=True)
class Sweeper:
    """Sweeps whatever state the broker is in. slots: of this process. begin: how it works a ticket itself, by kind of
    hint; empty where it works none. here: kinds that it begins without asking anybody else. forgot: whether the store
    was found to lack what it had acknowledged.
    """

    ledger: Ledger
    publisher: "Publisher"
    max_losses: int
    slots: int
    begin: Mapping[HintKind, Begin]
    here: frozenset[HintKind] = frozenset()
    forgot: bool = False
    _begun: set["asyncio.Future[str]"] = field(default_factory=set)

    async def sweep(self) -> None:
        """One look; more where killed processes of this machine held more. Raises `StoreUnreachable`."""
        await self._notice_failover()
        lost = await take_back(self.ledger)
        for _ in range(1 + len(lost) // LIMIT):
            await self._look(lost)

    async def _look(self, lost: Collection[str]) -> None:
        depth = await self.publisher.known_depth("tickets")
        backlogged = (depth or 0) > max(1, self.slots) * BACKLOG_PER_SLOT
        work = await self.ledger.sweep(limit=LIMIT, max_losses=self.max_losses, backlogged=backlogged)
        self._begin([hint for hint in work if hint[0] in self.here])
        work = [hint for hint in work if hint[0] not in self.here]
        try:
            await self.publisher.publish(work, ahead=lost)
        except Exception as error:  # kombu's transports raise errors of many libraries
            begun = self._begin(work)
            log.warning("%d hints were not published, %d are begun here: %s", len(work), begun, error)

    async def _notice_failover(self) -> None:
        found = await notice_failover(self.ledger.store, forgot=self.forgot)
        self.forgot = False
        if not found.new:
            return
        log.error("the store failed over (generation %d); %d runs were taken back", found.number, found.taken_back)
        report = await audit(self.ledger.store)  # what was lost whole cannot be missed by it
        log.log(
            logging.INFO if report.balanced else logging.ERROR, "after the failover: %s", report.problems or "balanced"
        )

    def _begin(self, work: Sequence[Hint]) -> int:
        """What finds a free slot; the rest is due again by itself."""
        mine = [(kind, ticket_id) for kind, ticket_id in work if kind in self.begin]
        free = mine[: max(0, self.slots - len(self._begun))]
        for kind, ticket_id in free:
            run = asyncio.ensure_future(self.begin[kind](ticket_id))
            self._begun.add(run)
            run.add_done_callback(self._ended)
        return len(free)

    def _ended(self, run: "asyncio.Future[str]") -> None:
        self._begun.discard(run)
        if not run.cancelled() and (error := run.exception()):
            log.error("a ticket begun without a hint failed: %s", error)
