"""A requester's earlier tickets and people's decisions, read from the books for the tools."""

import json

from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.ticket import read_stored
from tasks.tools.ports import PastTicket

EXCERPT_CHARS = 300


class LedgerHistory:
    """The ledger's half of `tasks.tools.ports.TicketHistory`."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def recent(self, requester_id: str, limit: int) -> list[PastTicket]:
        """The requester's own last tickets, newest first."""
        ids = await self.store.listed(keys.requester(requester_id), 0, limit - 1)
        found: list[PastTicket] = []
        for ticket_id, row in zip(ids, await self.store.rows(ids, ["body", "decision"]), strict=True):
            if row[0]:
                decision = json.loads(row[1]) if row[1] else {}
                text = read_stored(row[0]).text[:EXCERPT_CHARS]
                found.append(PastTicket(ticket_id, text, decision.get("label", ""), decision.get("team", "")))
        return found

    async def decided(self) -> int:
        """How many decisions people have made."""
        return await self.store.length(keys.EXAMPLES)

    async def examples(self, start: int, count: int) -> list[PastTicket]:
        """People's decisions, oldest first, from place `start`."""
        stored = await self.store.listed(keys.EXAMPLES, start, start + count - 1)
        rows = [json.loads(example) for example in stored]
        return [PastTicket(row["id"], row["text"], row["label"], row["team"]) for row in rows]
