"""People's decisions as the store keeps them: written once, read here by everybody.

What can no longer be undone is folded once and kept; the youngest decisions are folded anew at every look.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Generic, TypeVar

from fallbacks.ledger.acts import Act
from fallbacks.store import keys
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


class Examples:
    """The list, oldest first."""

    def __init__(self, store: Store, process: Process) -> None:
        self.store = store
        self.process = process

    async def count(self) -> int:
        """How many there are."""
        return await self.store.length(keys.EXAMPLES)

    async def page(self, start: int, count: int) -> list[Example]:
        """At most `count` from place `start`."""
        return self._read(await self.store.listed(keys.EXAMPLES, start, start + count - 1))

    async def latest(self, count: int) -> list[Example]:
        """The last ones."""
        return self._read(await self.store.listed(keys.EXAMPLES, -count, -1))

    def _read(self, stored: Sequence[str]) -> list[Example]:
        return [read_example(self.process, example) for example in stored]


async def read_all(examples: Examples) -> list[Example]:
    """Every one there is, oldest first."""
    found: list[Example] = []
    while page := await examples.page(len(found), PAGE):
        found += page
    return found


async def stored_examples(store: Store) -> AsyncIterator[str]:
    """The decisions that stand, as they are stored, for exports and for training."""
    last = {_id_of(stored): place async for place, stored in _placed(store) if _CORRECTS in stored}
    async for place, stored in _placed(store):
        replaced = last and place < last.get(_id_of(stored), 0)
        if not replaced and _CLOSES not in stored:
            yield stored


_CORRECTS, _CLOSES = (f'"action": "{act.value}"' for act in (Act.CORRECT, Act.CLOSE))


def _id_of(stored: str) -> str:
    return str(json.loads(stored).get("id", ""))


async def _placed(store: Store) -> AsyncIterator[tuple[int, str]]:
    start = 0
    while page := await store.listed(keys.EXAMPLES, start, start + PAGE - 1):
        for place, stored in enumerate(page, start):
            yield place, stored
        start += len(page)


class Folded(Generic[S]):
    """A fold over the examples that keeps its place, so that a look costs what is new and not what there is.

    fold: what comes of a state and further examples; must leave the state as it was. Folding in parts must be folding
    at once.
    """

    def __init__(self, examples: Examples, empty: S, fold: Callable[[S, Sequence[Example]], S]) -> None:
        self._examples = examples
        self._fold = fold
        self._settled = (0, empty)

    async def now(self) -> S:
        """Everything so far, undone decisions left out."""
        horizon = await self._examples.store.now_ms() - SETTLED_AFTER_MS
        place, state = self._settled  # taken as one: other tasks look while this one waits for the store
        page = await self._examples.page(place, PAGE)
        while (settled := _settled_part(page, horizon)) == PAGE:
            place, state = place + PAGE, self._fold(state, page)
            page = await self._examples.page(place, PAGE)
        if settled:
            place, state = place + settled, self._fold(state, page[:settled])
        self._settled = (place, state)
        young = page[settled:]
        while len(page) == PAGE:  # more young ones than a page holds
            page = await self._examples.page(place + len(young), PAGE)
            young += page
        return self._fold(state, young)


def _settled_part(page: Sequence[Example], horizon_ms: int) -> int:
    """How many from the start are old enough to stay."""
    return next((index for index, example in enumerate(page) if example.at_ms > horizon_ms), len(page))
