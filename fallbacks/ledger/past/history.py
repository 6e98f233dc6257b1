"""A requester's earlier tickets and people's decisions, read from the ledger and from history for the tools.

While history is away the agent is shown what the store has: a run does not wait for it.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

from fallbacks.errors import HistoryUnreachable
from fallbacks.history.port import History
from fallbacks.ledger.past.examples import Examples
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.run.process import Process
from tasks.ticket import read_stored
from tasks.tools.ports import PastTicket

EXCERPT_CHARS = 300

log = logging.getLogger(__name__)


class LedgerHistory:
    """The ledger's half of `tasks.tools.ports.TicketHistory`."""

    def __init__(self, store: Store, process: Process, history: History | None = None) -> None:
        self.store = store
        self.process = process
        self.history = history
        self._examples = Examples(store, process, history)

    async def recent(self, requester_id: str, limit: int) -> list[PastTicket]:
        """The requester's own last tickets, newest first."""
        ids = await self.store.listed(keys.requester(requester_id), 0, limit - 1)
        found: list[PastTicket] = []
        for ticket_id, (body, decision) in zip(ids, await self.store.rows(ids, ["body", "decision"]), strict=True):
            if body:
                found.append(self._past(ticket_id, body, decision))
        here = {past.id for past in found}
        if len(found) < limit:
            found += [past for past in await self._ended(requester_id, limit) if past.id not in here]
        return found[:limit]

    async def _ended(self, requester_id: str, limit: int) -> list[PastTicket]:
        if self.history is None:
            return []
        try:
            ids = [one for one, _ in await self.history.of_requester(requester_id, limit)]
            found = await self.history.find_many(ids)
        except HistoryUnreachable as error:
            log.warning("a requester's earlier tickets are not shown: %s", error)
            return []
        rows = [(one, found[one].row) for one in ids if one in found]
        return [self._past(one, row["body"], row.get("decision")) for one, row in rows if row.get("body")]

    def _past(self, ticket_id: str, body: str, decision: str | None) -> PastTicket:
        facets = self.process.facets(json.loads(decision)) if decision else {}
        return PastTicket(ticket_id, read_stored(body).text[:EXCERPT_CHARS], facets)

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
        try:
            found = await self._examples.page(start, count)
        except HistoryUnreachable as error:
            log.warning("similar tickets that were decided before are not shown: %s", error)
            return []
        return [PastTicket(example.id, example.text, self._facets(example.facets)) for example in found]
