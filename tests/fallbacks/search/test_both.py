"""One search over what is here and what has ended, whatever moves between the two meanwhile."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from fallbacks.errors import StoreUnreachable
from fallbacks.history.facts import entry_of
from fallbacks.history.port import EndedTicket, Search
from fallbacks.search.both import TicketSearch, read_cursor
from fallbacks.search.live import LiveTickets
from fallbacks.search.sqlite_live_index import SqliteLiveIndex
from tests.fakes.memory_history import MemoryHistory
from tests.fakes.memory_store import MemoryStore
from tests.fallbacks.scene import TRIAGE, Scene, scene


def search_of(s: Scene, history: MemoryHistory) -> TicketSearch:
    return TicketSearch(LiveTickets(s.store, TRIAGE, SqliteLiveIndex()), history)


async def write(s: Scene, history: MemoryHistory, ticket_id: str) -> None:
    row, journal = await s.store.row(ticket_id), await s.store.journal(ticket_id)
    await history.write([entry_of(EndedTicket(ticket_id, row, tuple(journal), {}), TRIAGE)])


async def drop(s: Scene, ticket_id: str) -> None:
    assert isinstance(s.store, MemoryStore)
    data = s.store.data
    data.rank(f"s:{data.row(ticket_id)['state']}").pop(ticket_id)
    data.hashes.pop(f"t:{ticket_id}")
    data.rank("touched")[ticket_id] = data.now


async def bring_back(s: Scene, history: MemoryHistory, ticket_id: str) -> None:
    assert isinstance(s.store, MemoryStore)
    data, row = s.store.data, dict(history.entries[ticket_id].ticket.row)
    data.hash(f"t:{ticket_id}").update(row, version=str(int(row["version"]) + 1))
    data.rank(f"s:{row['state']}")[ticket_id] = float(row["since"])
    data.rank("touched")[ticket_id] = data.now


async def walk(search: TicketSearch, wanted: Search) -> AsyncIterator[list[str]]:
    while True:
        found = await search.find(wanted)
        yield [hit.id for hit in found.hits]
        if found.next is None:
            return
        wanted = replace(wanted, before=read_cursor(found.next))


@pytest.mark.parametrize("seed", range(12))
def test_a_walk_neither_repeats_nor_drops_a_ticket_while_tickets_move(seed: int) -> None:
    asyncio.run(_walk_while_tickets_move(seed))


async def _walk_while_tickets_move(seed: int) -> None:
    chance, s, history = random.Random(seed), Scene(MemoryStore()), MemoryHistory()
    search, all_ids = search_of(s, history), [f"t{n:03}" for n in range(60)]
    for ticket_id in all_ids:
        s.store.pass_ms(chance.choice((0, 0, 1, 9000)))  # type: ignore[union-attr]
        await s.inbox.approve(ticket_id, "ann", await s.suggested(ticket_id))
    here, seen = set(all_ids), list[str]()

    async def moves() -> None:
        for ticket_id in chance.sample(all_ids, chance.randrange(12)):
            match chance.randrange(4):
                case 0 if ticket_id in here:
                    await write(s, history, ticket_id)  # and it stays: a crash came between
                case 1 | 2 if ticket_id in here:
                    await write(s, history, ticket_id)
                    await drop(s, ticket_id)
                    here.remove(ticket_id)
                case 3 if ticket_id not in here:
                    await bring_back(s, history, ticket_id)
                    here.add(ticket_id)
        s.store.pass_ms(chance.choice((0, 1, 700)))  # type: ignore[union-attr]

    inner = history.search

    async def while_it_moves(wanted: Search) -> list[tuple[str, object]]:
        await moves()  # after the one was asked and before the other, and before both are compared
        found = await inner(wanted)
        await moves()
        return found  # type: ignore[return-value]

    history.search = while_it_moves  # type: ignore[method-assign, assignment]
    async for page in walk(search, Search("lost card", decided_by="ann", limit=chance.choice((1, 3, 7)))):
        seen += page
        await moves()
    accepted = {each: history.entries[each].facts.accepted_ms for each in set(all_ids) - here}
    accepted |= {each: int((await s.row(each))["accepted"]) for each in here}
    assert seen == sorted(all_ids, key=lambda each: (accepted[each], each), reverse=True)


@scene
async def test_what_is_in_both_is_as_the_store_has_it(s: Scene) -> None:
    history = MemoryHistory()
    await s.inbox.approve("t1", "ann", await s.suggested("t1"))
    await write(s, history, "t1")
    await s.inbox.correct("t1", "bob", None, TRIAGE.hand.model_validate({"label": "new_loan"}), "misread")
    search = search_of(s, history)
    (hit,) = (await search.find(Search("card"))).hits
    assert (hit.here, hit.facts.key, hit.facts.decided_by) == (True, "new_loan", "bob")
    assert (await search.find(Search(decided_by="ann"))).hits == ()


@scene
async def test_without_history_what_is_here_is_found_and_it_is_said(s: Scene) -> None:
    history = MemoryHistory()
    await s.accept("t1")
    history.away = True
    found = await search_of(s, history).find(Search("card"))
    assert ([hit.id for hit in found.hits], found.whole) == (["t1"], False)


@scene
async def test_while_the_store_is_still_being_read_nothing_is_passed_off_as_all(s: Scene) -> None:
    search, inner, goes_on = search_of(s, MemoryHistory()), s.store.run, asyncio.Event()

    async def slow(script: str, ticket_id: str, *args: str | int) -> object:
        await goes_on.wait()
        return await inner(script, ticket_id, *args)

    await s.accept("t1")
    s.store.run = slow  # type: ignore[method-assign]
    search.patience_seconds = 0.01
    with pytest.raises(StoreUnreachable, match="still being read"):
        await search.find(Search())
    search.patience_seconds = 10
    goes_on.set()
    assert [hit.id for hit in (await search.find(Search())).hits] == ["t1"]


@pytest.mark.parametrize("text", ["", "x", "W10", "WyJhIiwgMV0", "Wy0xLCAiYSJd", "bnVsbA"])
def test_a_cursor_of_somebody_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        read_cursor(text)
