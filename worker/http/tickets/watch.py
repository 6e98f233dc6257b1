"""Waiting for tickets: one look at the ledger for everybody who waits."""

import asyncio
import logging
from collections import defaultdict

from fallbacks.errors import StoreUnreachable
from fallbacks.ledger.states import SETTLED
from fallbacks.store.port import Store

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.1


class Watch:
    """Wakes long-polls when the agent has nothing more to do with their ticket."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._some = asyncio.Event()
        self._closed = False

    async def settled(self, ticket_id: str, seconds: float) -> None:
        """Return when the ticket has ended or rests with people, when time is over, or at shutdown."""
        if self._closed:
            return
        done = asyncio.Event()
        self._waiting[ticket_id].add(done)
        self._some.set()
        try:
            await asyncio.wait_for(done.wait(), seconds)
        except TimeoutError:
            pass
        finally:
            waiting = self._waiting[ticket_id]
            waiting.discard(done)
            if not waiting:
                del self._waiting[ticket_id]

    async def run_forever(self) -> None:
        """Look while somebody waits."""
        while True:
            if not self._waiting:
                self._some.clear()
                await self._some.wait()
            try:
                await self._look()
            except StoreUnreachable as error:
                log.warning("store unreachable: %s", error)
            await asyncio.sleep(PAUSE_SECONDS)

    def close(self) -> None:
        """Let everybody go."""
        self._closed = True
        for ticket_id in list(self._waiting):
            self._release(ticket_id)

    async def _look(self) -> None:
        ids = list(self._waiting)
        for ticket_id, (state,) in zip(ids, await self._store.rows(ids, ["state"]), strict=True):
            if state is None or state in SETTLED:
                self._release(ticket_id)

    def _release(self, ticket_id: str) -> None:
        for done in self._waiting.get(ticket_id, ()):
            done.set()
