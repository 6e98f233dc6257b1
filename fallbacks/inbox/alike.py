"""What waits for one reason, or with one suggestion, and says nearly the same: a spike, to be decided together.

The latest tickets of the inbox are looked at, however many wait, in a thread and seldom; nobody waits for it longer
than a moment. How near the words must be was chosen for precision: of 300 mixed tickets of Banking77 none are a group.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from time import monotonic

from fallbacks.inbox.holds import Holds
from fallbacks.inbox.wanted import By, Wanted
from fallbacks.kinds.candidates import groups, whole_words
from fallbacks.kinds.words import Vector, Weights, centre, likeness
from fallbacks.store import keys
from tasks.run.process import Process
from tasks.ticket import read_stored

MOST = 500
"""Tickets that are compared: the latest ones that are awake."""

LEAST = 8
NEAR, NEAR_TO_CENTRE = 0.3, 0.45
"""Cosines, of two tickets and of a ticket and the centre of its group."""

KEPT_SECONDS = 30.0
PATIENCE_SECONDS = 0.25
RESTS = 20
REMEMBERED = 20
CHUNK = 50

_SHOWN_WORDS, _LEAST_LETTERS, _SAMPLE = 6, 3, 3


@dataclass(frozen=True, slots=True)
class Alike:
    """A group. tickets: ids, the most typical first. why: the reason they wait for, or the key of their suggestion;
    suggested: which of both. words: what they have in common. sample: some of their texts, cut.
    """

    tickets: tuple[str, ...]
    why: str
    suggested: bool
    words: tuple[str, ...]
    sample: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """One ticket as it is compared."""

    id: str
    text: str
    why: str
    suggested: bool


def find_alike(process: Process, waiting: Sequence[Waiting]) -> tuple[Alike, ...]:
    """The largest first. Pure."""
    known = [text for kind in process.kinds for text in (kind.about, *kind.alike)]
    weights = Weights([*known, *(each.text for each in waiting)])
    parts = defaultdict[tuple[str, bool], list[Waiting]](list)
    for each in waiting:
        parts[each.why, each.suggested].append(each)
    found = [alike for part in parts.values() if len(part) >= LEAST for alike in _of(part, weights)]
    return tuple(sorted(found, key=lambda alike: -len(alike.tickets)))


def _of(part: Sequence[Waiting], weights: Weights) -> list[Alike]:
    vectors = [weights.vector(each.text) for each in part]
    grouped = groups(vectors, NEAR, NEAR_TO_CENTRE)
    return [
        _alike([part[at] for at in group], [vectors[at] for at in group]) for group in grouped if len(group) >= LEAST
    ]


def _alike(group: Sequence[Waiting], vectors: Sequence[Vector]) -> Alike:
    middle = centre(vectors)
    order = sorted(range(len(group)), key=lambda at: -likeness(vectors[at], middle))
    typical = [group[at] for at in order]
    telling = sorted(middle, key=lambda stem: -middle[stem])
    single = [stem for stem in telling if " " not in stem and len(stem) >= _LEAST_LETTERS][:_SHOWN_WORDS]
    texts = [each.text for each in typical]
    return Alike(
        tuple(each.id for each in typical),
        typical[0].why,
        typical[0].suggested,
        whole_words(single, texts),
        tuple(text[:140] for text in dict.fromkeys(texts))[:_SAMPLE],
    )


class AlikeFinder:
    """One for each process that shows them."""

    def __init__(self, inbox: Holds) -> None:
        self._inbox = inbox
        self._found: tuple[Alike, ...] = ()
        self._before: tuple[Alike, ...] = ()
        self._looked_at = -inf
        self._took = 0.0
        self._size = 0
        self._look: asyncio.Task[None] | None = None

    async def now(self) -> tuple[Alike, ...]:
        """As they were half a minute ago at most, or at the last look while another one goes on."""
        if (self._look is None or self._look.done()) and await self._due():
            self._look = asyncio.ensure_future(self._look_again())
            self._look.add_done_callback(_heard)
        if self._look is not None and not self._look.done():
            await asyncio.wait({self._look}, timeout=PATIENCE_SECONDS)
        return self._found

    async def of(self, ticket_id: str) -> Alike | None:
        """The group that a ticket is in, or was in lately: what is undone is a group again."""
        known = (*await self.now(), *self._before)
        return next((alike for alike in known if ticket_id in alike.tickets), None)

    async def _look_again(self) -> None:
        began = monotonic()
        try:
            found = await asyncio.to_thread(find_alike, self._inbox.process, await self._waiting())
            self._found, self._before = found, (*self._found, *self._before)[:REMEMBERED]
        finally:
            self._looked_at, self._took = monotonic(), monotonic() - began

    async def _due(self) -> bool:
        """After a while; or sooner where a group may have come or gone, at a twentieth of the time at most."""
        since = monotonic() - self._looked_at
        (size,) = await self._inbox.store.sizes([keys.INBOX])
        moved = abs(size - self._size) >= LEAST and since >= RESTS * self._took
        if moved or since >= KEPT_SECONDS:
            self._size = size
            return True
        return False

    async def _waiting(self) -> list[Waiting]:
        wanted = Wanted(asleep=False, by=By.SINCE, descending=True)
        ids, _ = await self._inbox.find_ids(wanted, 0, MOST, 0)
        found: list[Waiting] = []
        for start in range(0, len(ids), CHUNK):
            part = ids[start : start + CHUNK]
            rows = await self._inbox.store.rows(part, ["body", "reason", "decision", "blind", "call"])
            found += [each for one, row in zip(part, rows, strict=True) if (each := self._compared(one, *row))]
        return found

    def _compared(
        self,
        ticket_id: str,
        body: str | None,
        reason: str | None,
        decision: str | None,
        blind: str | None,
        call: str | None,
    ) -> Waiting | None:
        """None for what is decided one by one: what cannot be read, is judged blind or has a call that waits."""
        if body is None or blind is not None or call is not None:
            return None
        text = read_stored(body).text
        if reason is not None:
            return Waiting(ticket_id, text, reason, suggested=False)
        return (
            Waiting(ticket_id, text, self._inbox.process.key(json.loads(decision)), suggested=True)
            if decision
            else None
        )


def _heard(task: "asyncio.Task[None]") -> None:
    """A look that failed is made again at the next one; nobody waits for its fault."""
    if not task.cancelled():
        task.exception()
