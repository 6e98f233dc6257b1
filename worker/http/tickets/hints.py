"""Publishing after accepting: hints leave in the background, together, so that no answer waits for the broker."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fallbacks.ledger.states import Hint
    from worker.queue.celery_publisher import Publisher

log = logging.getLogger(__name__)

TOGETHER = 500
MOST_WAITING = 20_000
"""Beyond this the oldest hints are dropped: the sweepers of the workers publish from the ledger."""

GATHER_SECONDS = 0.01
"""A hint waits so long for others: several cost the broker and this process little more than one."""

FLUSH_SECONDS = 3.0


class Hints:
    """A line of hints before the broker. What cannot be published is forgotten: the ledger knows every ticket."""

    def __init__(self, publisher: "Publisher") -> None:
        self._publisher = publisher
        self._waiting: deque[Hint] = deque(maxlen=MOST_WAITING)
        self._some = asyncio.Event()

    async def publish(self, work: "Sequence[Hint]") -> None:
        """Line up hints. Never waits and never fails."""
        self._waiting.extend(work)
        self._some.set()

    async def run_forever(self) -> None:
        """Publish what is lined up, many at a time."""
        while True:
            await self._some.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._some.clear()
            await self._drain()

    async def flush(self) -> None:
        """Publish what is left, if the broker takes it in time."""
        try:
            await asyncio.wait_for(self._drain(), FLUSH_SECONDS)
        except TimeoutError:
            log.warning("%d hints were not published; the workers' sweep finds their tickets", len(self._waiting))

    async def _drain(self) -> None:
        while self._waiting:
            batch = list(islice(self._waiting, TOGETHER))
            for _ in batch:
                self._waiting.popleft()
            try:
                await self._publisher.publish(batch)
            except Exception as error:  # kombu's transports raise errors of many libraries
                log.warning("%d hints were not published, the sweep will: %s", len(batch), error)
