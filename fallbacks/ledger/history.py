"""A requester's earlier tickets and people's decisions, read from the ledger for the tools."""

import json
from collections.abc import Mapping
from typing import Any

from fallbacks.ledger.examples import Examples
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.run.process import Process
from tasks.ticket import read_stored
from tasks.tools.ports import PastTicket

EXCERPT_CHARS = 300


class LedgerHistory:
    """The ledger's half of `tasks.tools.ports.TicketHistory`."""

    def __init__(self, store: Store, process: Process) -> None:
        self.store = store
        self.process = process
        self._examples = Examples(store, process)

    async def recent(self, requester_id: str, limit: int) -> list[PastTicket]:
        """The requester's own last tickets, newest first."""
        ids = await self.store.listed(keys.requester(requester_id), 0, limit - 1)
        found: list[PastTicket] = []
        for ticket_id, (body, decision) in zip(ids, await self.store.rows(ids, ["body", "decision"]), strict=True):
            if body:
                facets = self.process.facets(json.loads(decision)) if decision else {}
                found.append(PastTicket(ticket_id, read_stored(body).text[:EXCERPT_CHARS], facets))
        return found

    def _facets(self, kept: Mapping[str, Any]) -> Mapping[str, str]:
        """Without the values of fields, which are of one requester alone."""
        return self.process.facets(kept) if kept else {}

    async def decided(self) -> int:
        """How many decisions people have made."""
        return await self._examples.count()

    async def erasures(self) -> int:
        """How often something was erased: whoever holds texts forgets them where there is one more."""
        return await self.store.length(keys.RECEIPTS)

    async def examples(self, start: int, count: int) -> list[PastTicket]:
        """People's decisions, oldest first, from place `start`."""
        found = await self._examples.page(start, count)
        return [PastTicket(example.id, example.text, self._facets(example.facets)) for example in found]
