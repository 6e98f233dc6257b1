"""The requester's past and similar tickets, over the books."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from fallbacks.ledger.past.examples import Example, Examples, Folded
from fallbacks.ledger.past.history import LedgerHistory
from tests.fakes.desk import TRIAGE
from tests.fakes.memory_store import MemoryStore
from worker.lookups.similar_index import SimilarTickets
from worker.lookups.tickets import PAGE, History


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
        await asyncio.sleep(0)  # as over a network
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


def test_of_many_that_ask_at_once_one_reads_and_nobody_waits_for_many_decisions() -> None:
    async def story() -> None:
        store, texts = Counted(), [f"card{number}" for number in range(3 * PAGE)]
        for number, text in enumerate(texts):
            store.decide(number, text)
        history = History(LedgerHistory(store, TRIAGE), SimilarTickets)
        asked = texts[::100]
        assert [ticket.text for ticket in await history.similar(texts[0], 1)] == [texts[0]]
        assert len(store.read) == PAGE
        await history.caught_up()
        found = await asyncio.gather(*(history.similar(text, 1) for text in asked))
        assert [ticket.text for (ticket,) in found] == asked
        assert len(store.read) == len(texts)

        def fold(before: int, new: Sequence[Example]) -> int:
            return before + len(new)

        store.read.clear()
        folded = Folded(Examples(store, TRIAGE), 0, fold)
        assert set(await asyncio.gather(*(folded.now() for _ in range(8)))) == {len(texts)}
        assert len(store.read) == len(texts)

    asyncio.run(story())
