"""The requester's past and similar tickets, over the books."""

import asyncio
import json
from typing import Any

from fallbacks.ledger.history import LedgerHistory
from tests.fakes.desk import TRIAGE
from tests.fakes.memory_store import MemoryStore
from worker.lookups.sqlite_similar import SimilarTickets
from worker.lookups.tickets import History


class Counted(MemoryStore):
    """Books that remember what was read of them."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def decide(self, number: int, text: str) -> None:
        example = {"id": f"t{number}", "text": text, "label": "lost_card", "team": "cards"}
        self.data.entries("examples").append(json.dumps(example))

    async def run(self, script: str, ticket_id: str, *args: str | int) -> Any:
        found = await super().run(script, ticket_id, *args)
        if script == "examples":
            self.read += found[2]
        return found


def test_a_worker_that_joins_reads_only_what_its_index_keeps() -> None:
    async def story() -> None:
        store = Counted()
        for number in range(50):
            store.decide(number, f"card{number}")
        history = History(LedgerHistory(store, TRIAGE), lambda: SimilarTickets(capacity=10))
        assert [ticket.id for ticket in await history.similar("card45", 1)] == ["t45"]
        assert await history.similar("card5", 1) == []
        assert len(store.read) == 10

    asyncio.run(story())


def test_what_people_decide_later_is_found_once_the_index_is_stale() -> None:
    async def story() -> None:
        store = Counted()
        history = History(LedgerHistory(store, TRIAGE), lambda: SimilarTickets(capacity=10))
        assert await history.similar("giraffe", 1) == []
        for number in range(30):
            store.decide(number, "giraffe" if number == 25 else "card")
        history.fresh_until = 0.0
        assert [ticket.id for ticket in await history.similar("giraffe", 1)] == ["t25"]

    asyncio.run(story())
