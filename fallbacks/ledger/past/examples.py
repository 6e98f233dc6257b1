"""People's decisions: written once, read here by everybody. The young ones are in the store, the others in history.

Each has a place among all that ever were, which stays when it moves. What can no longer be undone is folded once and
kept; the youngest decisions are folded anew at every look.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Generic, TypeVar

from fallbacks.history.port import History
from fallbacks.ledger.acts import Act
from fallbacks.ledger.past.kept_fold import KeptFold
from fallbacks.store.port import Store
from tasks.run.process import Process

PAGE = 500

SETTLED_AFTER_MS = 120_000
"""A decision this old stays: its undo window is over, however slowly it was written."""

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Example:
    """One decision of a person beside what was suggested.

    facets: of the decision, and its extras. key: of the decision; suggested: of what stood there before, None for
    nothing. agent: what the agent suggested before any person had a part in it: its facets, extras, tier, version and
    whether it was blind; None after a hand-off, and where the example is older than this evidence. at_ms: store time.
    handled_seconds, keystrokes: what it took, None where nothing measured it. closed: the kind of an end without a
    decision, which has no facets and no key; "" for a decision. earlier: of a correction, what `facets` is of a
    person's decision whose example this one replaces.
    """

    id: str
    text: str
    facets: Mapping[str, Any]
    key: str
    suggested: str | None
    by: str
    action: str
    agent: Mapping[str, Any] | None
    at_ms: int
    handled_seconds: float | None
    keystrokes: int | None
    closed: str = ""
    earlier: Mapping[str, Any] | None = None
    kept_fingerprint: str = ""

    @property
    def fingerprint(self) -> str:
        """Equal where the texts are, but for case and spaces; it stays where the text is erased. "" without one."""
        return self.kept_fingerprint or fingerprint_of(self.text)

    @property
    def stood(self) -> bool:
        """Whether the person decided what was suggested."""
        return self.suggested == self.key


def read_example(process: Process, stored: str) -> Example:
    """An example as it is stored."""
    row: dict[str, Any] = json.loads(stored)
    closed = str(row.get("closed") or "")
    return Example(
        id=str(row.get("id", "")),
        text=str(row.get("text") or ""),
        facets={} if closed else {**process.facets(row), **process.extras(row)},
        key="" if closed else process.key(row),
        suggested=row.get("proposed"),
        by=str(row.get("by", "")),
        action=str(row.get("action", "")),
        agent=row.get("agent"),
        at_ms=int(row.get("at", 0)),
        handled_seconds=row.get("handled_seconds"),
        keystrokes=row.get("keystrokes"),
        closed=closed,
        earlier=row.get("earlier"),
        kept_fingerprint=str(row.get("fingerprint") or ""),
    )


def fingerprint_of(text: str) -> str:
    """128 bits of what a text says; "" where it says nothing."""
    words = " ".join(text.casefold().split())
    return blake2b(words.encode(errors="replace"), digest_size=16).hexdigest() if words else ""


@dataclass(frozen=True, slots=True)
class Tail:
    """What the store has of the list. first: the place of the first it has. asked: those that were asked for."""

    first: int
    length: int
    asked: list[str]


class Examples:
    """The list, oldest first. history: where those are that have left the store; None where none leaves."""

    def __init__(self, store: Store, process: Process, history: History | None = None) -> None:
        self.store = store
        self.process = process
        self.history = history

    async def count(self) -> int:
        """How many there are."""
        tail = await self._tail(0, 0)
        return tail.first + tail.length

    async def page(self, start: int, count: int) -> list[Example]:
        """At most `count` from place `start`; fewer than asked for only at the end."""
        return [read_example(self.process, example) for example in await self.stored(start, count)]

    async def latest(self, count: int) -> list[Example]:
        """The last ones."""
        return await self.page(max(0, await self.count() - count), count)

    async def stored(self, start: int, count: int) -> list[str]:
        """As `page`, as they are stored."""
        tail = await self._tail(start, count)
        before = min(count, tail.first - start)
        if before <= 0 or self.history is None:
            return tail.asked
        old = await self.history.examples(start, before)  # written there before the store dropped them
        return old + tail.asked if len(old) == before else old

    async def standing(self) -> AsyncIterator[str]:
        """The decisions that stand, as they are stored, for exports and for training."""
        last = {_id_of(stored): place async for place, stored in self._placed() if _CORRECTS in stored}
        async for place, stored in self._placed():
            replaced = last and place < last.get(_id_of(stored), 0)
            if not replaced and _CLOSES not in stored:
                yield stored

    async def leave(self) -> int:
        """Move those that stay as they are to history, a page of them; returns how many went."""
        horizon = await self.store.now_ms() - SETTLED_AFTER_MS
        first = (await self._tail(0, 0)).first
        tail = await self._tail(first, PAGE)
        settled = _settled_part([read_example(self.process, example) for example in tail.asked], horizon)
        if not settled or self.history is None or tail.first != first:
            return 0
        await self.history.add_examples(first, tail.asked[:settled])
        return settled if await self.store.run("examples_drop", "", first, settled) else 0

    async def _placed(self) -> AsyncIterator[tuple[int, str]]:
        start = 0
        while page := await self.stored(start, PAGE):
            for place, stored in enumerate(page, start):
                yield place, stored
            start += len(page)

    async def _tail(self, start: int, count: int) -> Tail:
        first, length, asked = await self.store.run("examples", "", start, count)
        return Tail(int(first), length, asked)


async def read_all(examples: Examples) -> list[Example]:
    """Every one there is, oldest first."""
    found: list[Example] = []
    while page := await examples.page(len(found), PAGE):
        found += page
    return found


_CORRECTS, _CLOSES = (f'"action": "{act.value}"' for act in (Act.CORRECT, Act.CLOSE))


def _id_of(stored: str) -> str:
    return str(json.loads(stored).get("id", ""))


class Folded(Generic[S]):
    """A fold over the examples that keeps its place, so that a look costs what is new and not what there is. Of several
    that look at once one reads, and the others go on from there.

    fold: what comes of a state and further examples; must leave the state as it was. Folding in parts must be folding
    at once. kept: where a process that starts finds it.
    """

    def __init__(
        self,
        examples: Examples,
        empty: S,
        fold: Callable[[S, Sequence[Example]], S],
        kept: KeptFold[S] | None = None,
    ) -> None:
        self._examples = examples
        self._fold = fold
        self._settled = (0, empty)
        self._kept = kept
        self._kept_at: int | None = None
        self._reading = asyncio.Lock()

    async def now(self) -> S:
        """Everything so far, undone decisions left out."""
        async with self._reading:
            return await self._read()

    async def _read(self) -> S:
        if self._kept_at is None:
            await self._begin()
        horizon = await self._examples.store.now_ms() - SETTLED_AFTER_MS
        place, state = self._settled
        page = await self._examples.page(place, PAGE)
        while (settled := _settled_part(page, horizon)) == PAGE:
            place, state = self._settled = place + PAGE, self._fold(state, page)  # whoever is cut off has got so far
            page = await self._examples.page(place, PAGE)
        if settled:
            place, state = place + settled, self._fold(state, page[:settled])
        self._settled = (place, state)
        await self._keep()
        young = page[settled:]
        while len(page) == PAGE:  # more young ones than a page holds
            page = await self._examples.page(place + len(young), PAGE)
            young += page
        return self._fold(state, young) if young else state

    async def _begin(self) -> None:
        """From what is kept, where that holds."""
        found = await self._kept.find(await self._examples.count()) if self._kept else None
        self._settled = found or self._settled
        self._kept_at = self._settled[0]

    async def _keep(self) -> None:
        """What was kept holds all the same while little is new, and is read on from there."""
        place, state = self._settled
        if self._kept is not None and self._kept_at is not None and place - self._kept_at >= PAGE:
            self._kept_at = place
            await self._kept.keep(place, state)


def _settled_part(page: Sequence[Example], horizon_ms: int) -> int:
    """How many from the start are old enough to stay."""
    return next((index for index, example in enumerate(page) if example.at_ms > horizon_ms), len(page))
