"""The tickets that are here, to be searched: caught up with the store at each look, at the cost of what is new.

What came into a state is in that state's index by when; what changed within its state, came back or left is in
`touched`. Each is read from where the last look ended, and a little before: clocks differ.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fallbacks.history.port import Facts, Search
from fallbacks.ledger.states import State
from fallbacks.search.live_facts import FIELDS, live_facts
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.run.process import Process

PAGE = 500
"""Of each index, in one trip."""

CHUNK = 100
"""Tickets that are learned at once: about 8 ms, after which others have their turn."""

OVERLAP_MS = 5_000

MOST_TOUCHED = 10_000
"""That the store keeps (`_prelude.lua`)."""

INDEXES = (*(keys.in_state(state.value) for state in State), keys.TOUCHED)


class LiveIndex(Protocol):
    """Holds what tickets are found by. See `fallbacks.search.sqlite_live_index`."""

    def __len__(self) -> int: ...

    def put(self, tickets: Iterable[tuple[str, Facts]]) -> None: ...

    def forget(self, ticket_ids: Iterable[str]) -> None: ...

    def versions(self, ticket_ids: Sequence[str]) -> Mapping[str, int]: ...

    def after(self, ticket_id: str, count: int) -> Mapping[str, int]: ...

    def search(self, wanted: Search) -> list[tuple[int, str]]: ...

    def fitting(self, wanted: Search, ticket_ids: Sequence[str]) -> frozenset[str]: ...


@dataclass(slots=True)
class _Mark:
    """Until where an index was read. at: a score. seen: what was read from there on."""

    at: float = 0.0
    seen: frozenset[tuple[str, float]] = frozenset()

    def read(self, found: Sequence[tuple[str, float]], *, whole: bool) -> None:
        """Go on to its end, or to a little before where that was the end of all."""
        last = max((score for _, score in found), default=self.at)
        self.at = max(self.at, last - OVERLAP_MS if whole else last)
        self.seen = frozenset(pair for pair in (*self.seen, *found) if pair[1] >= self.at)


@dataclass
class LiveTickets:
    """One for each process that searches. Nothing is read before the first look."""

    store: Store
    process: Process
    index: LiveIndex
    _marks: dict[str, _Mark] = field(default_factory=lambda: {name: _Mark() for name in INDEXES})
    _catching_up: "asyncio.Task[None] | None" = None

    def only(self, states: Iterable[str]) -> None:
        """Read no others. Before the first look, where every search asks for these."""
        wanted = {keys.TOUCHED, *map(keys.in_state, states)}
        self._marks = {name: mark for name, mark in self._marks.items() if name in wanted}

    async def look(self, patience_seconds: float) -> bool:
        """Catch up; whether it was done within this time. It goes on in the background. Raises `StoreUnreachable`."""
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.ensure_future(self._catch_up())
            self._catching_up.add_done_callback(_heard)
        done, _ = await asyncio.wait({self._catching_up}, timeout=patience_seconds)
        for task in done:
            task.result()
        return bool(done)

    async def now(self, ticket_ids: Sequence[str]) -> Mapping[str, Facts]:
        """As they are, and as the index has them from here on; without those that are not here. Of a few."""
        known = self.index.versions(ticket_ids)
        return await self._learn(ticket_ids, known)

    def close(self) -> None:
        """End what goes on in the background."""
        if self._catching_up is not None:
            self._catching_up.cancel()

    async def _catch_up(self) -> None:
        if not self._marks[keys.TOUCHED].at:  # what is read from here on needs no mending by what was before
            self._marks[keys.TOUCHED].at = await self.store.now_ms() - OVERLAP_MS
        while True:
            asked = [part for name, mark in self._marks.items() for part in (name, f"{mark.at:.0f}")]
            answers = await self.store.run("since", "", PAGE, *asked)
            again, fresh = False, dict[str, None]()
            for (name, mark), (size, first, flat) in zip(self._marks.items(), answers, strict=True):
                found = list(zip(flat[::2], map(float, flat[1::2]), strict=True))
                missed = name == keys.TOUCHED and size >= MOST_TOUCHED and float(first) > mark.at
                fresh |= dict.fromkeys(member for member, score in found if (member, score) not in mark.seen)
                full = len(found) >= PAGE
                again |= full or missed
                if missed:
                    await self._recheck()
                if full and found[-1][1] == mark.at:  # a whole page of one moment
                    mark.at += 1
                else:
                    mark.read(found, whole=not full)
            await self._learn_all([*fresh])
            if not again:
                return

    async def _learn_all(self, ticket_ids: Sequence[str]) -> None:
        for start in range(0, len(ticket_ids), CHUNK):
            await self._learn(ticket_ids[start : start + CHUNK], {})
            await asyncio.sleep(0)

    async def _learn(self, ticket_ids: Sequence[str], known: Mapping[str, int]) -> Mapping[str, Facts]:
        """known: versions that the index has."""
        found = await self._read(ticket_ids)
        self.index.put((each, facts) for each, facts in found.items() if known.get(each) != facts.version)
        self.index.forget(each for each in ticket_ids if each not in found)
        return found

    async def _recheck(self) -> None:
        """More was touched since the last look than the store remembers: compare all that is known."""
        last = ""
        while known := self.index.after(last, PAGE):
            rows = await self.store.rows([*known], ["version"])
            await self._learn_all([each for each, (now,) in zip(known, rows, strict=True) if now != str(known[each])])
            last = max(known)

    async def _read(self, ticket_ids: Sequence[str]) -> dict[str, Facts]:
        rows = dict[str, dict[str, str]]()
        values_of = await self.store.run("rows", "", len(FIELDS), *FIELDS, *ticket_ids)
        for ticket_id, values in zip(ticket_ids, values_of, strict=True):
            row = {name: value for name, value in zip(FIELDS, values, strict=True) if value is not None}
            if "state" in row:
                rows[ticket_id] = row
        added_to = [ticket_id for ticket_id, row in rows.items() if "messages" in row]
        journals = dict(zip(added_to, await asyncio.gather(*map(self.store.journal, added_to)), strict=True))
        return {each: live_facts(each, row, journals.get(each, ()), self.process) for each, row in rows.items()}


def _heard(task: "asyncio.Task[None]") -> None:
    """Whoever waits for it raises what it raised; where nobody does, the next look tries again."""
    if not task.cancelled():
        task.exception()
