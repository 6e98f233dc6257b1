"""The requester's past and similar decided tickets: the ledger's part and the search index as one client."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Protocol

from fallbacks.errors import StoreUnreachable
from fallbacks.ledger.past.history import LedgerHistory
from tasks.tools.ports import PastTicket

PAGE = 200
"""Decisions that are read at once: some milliseconds in which nothing else runs."""

FRESH_SECONDS = 2.0
"""How late a decision may be found: asking before every search would be two trips a ticket."""


log = logging.getLogger(__name__)


class Index(Protocol):
    """A search index of decided tickets. capacity: the newest so many are kept."""

    capacity: int

    def add_many(self, tickets: Iterable[PastTicket]) -> None: ...

    async def similar(self, text: str, limit: int) -> list[PastTicket]: ...


class History:
    """Implements `tasks.tools.ports.TicketHistory`. People's decisions are indexed as they come, within two seconds.

    new_index: one without any of them. What is erased is forgotten as fast: all are read again.
    """

    def __init__(self, ledger: LedgerHistory, new_index: Callable[[], Index]) -> None:
        self._ledger = ledger
        self._new_index = new_index
        self._index = new_index()
        self._indexed = 0
        self._erasures: int | None = None
        self._reading = asyncio.Lock()
        self._rest: asyncio.Task[None] | None = None
        self.fresh_until = 0.0

    async def recent(self, requester_id: str, limit: int) -> list[PastTicket]:
        """The requester's own last tickets, newest first."""
        return await self._ledger.recent(requester_id, limit)

    async def similar(self, text: str, limit: int) -> list[PastTicket]:
        """Decided tickets most like this text, best first."""
        await self.catch_up()
        return await self._index.similar(text, limit)

    async def catch_up(self) -> None:
        """Index what people have decided meanwhile. Of several that ask at once one reads, and nobody waits for many
        decisions, as of a worker that starts: they are read beside the runs, which search what is there.
        """
        async with self._reading:
            if monotonic() < self.fresh_until or not (self._rest is None or self._rest.done()):
                return
            if await self._begun():
                self._rest = asyncio.ensure_future(self._read_on())
            self.fresh_until = monotonic() + FRESH_SECONDS

    async def caught_up(self) -> None:
        """Wait for what is read beside the runs."""
        if self._rest is not None:
            await self._rest

    async def _begun(self) -> bool:
        """Whether there is more than was read now."""
        erasures = await self._ledger.erasures()
        if self._erasures not in (None, erasures):
            self._index, self._indexed = self._new_index(), 0
        self._erasures = erasures
        if not self._indexed:  # what the index would forget again need not be read
            self._indexed = max(0, await self._ledger.decided() - self._index.capacity)
        return await self._read_page()

    async def _read_on(self) -> None:
        try:
            while await self._read_page():
                pass
        except StoreUnreachable as error:
            log.warning("similar tickets that were decided before are not all known yet: %s", error)

    async def _read_page(self) -> bool:
        fresh = await self._ledger.examples(self._indexed, PAGE)
        self._indexed += len(fresh)
        self._index.add_many(fresh)
        return len(fresh) == PAGE
