"""What waits for one reason, or with one suggestion, and says nearly the same: a spike, to be decided together.

The latest tickets of the inbox are looked at, however many wait, in a thread and seldom; nobody waits for it longer
than a moment. How near the words must be was chosen for precision: in four lots of 300 to 400 mixed tickets of
Banking77 nine tickets were taken for a group, and twelve of one form among 300 were always one.
"""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import inf, log, sqrt
from time import monotonic

from fallbacks.inbox.holds import Holds
from fallbacks.inbox.wanted import By, Wanted
from fallbacks.kinds.candidates import groups
from fallbacks.kinds.words import Vector, centre, likeness, normal, phrase, stems
from fallbacks.store import keys
from tasks.run.process import Process
from tasks.ticket import read_stored

MOST = 400
"""Tickets that are compared: the latest ones that are awake."""

READ_CHARS = 240
LEAST = 8
NEAR, NEAR_TO_CENTRE = 0.5, 0.6
"""Cosines, of two tickets and of a ticket and the centre of its group."""

LEAST_WEIGHT = 0.1
"""Of what nearly all say: where everything is one spike, its words still count."""

LEAST_STEMS = 3
"""What says less is like anything."""

KEPT_SECONDS = 30.0
PATIENCE_SECONDS = 0.25
RESTS = 20
REMEMBERED = 20
CHUNK = 50

_TELLING, _LEAST_LETTERS, _SAMPLE = 6, 5, 3


@dataclass(frozen=True, slots=True)
class Alike:
    """A group. tickets: ids, the most typical first. why: the reason they wait for, or the key of their suggestion;
    suggested: which of both. title: what they say in common, as the most typical one says it. sample: some texts, cut.
    """

    tickets: tuple[str, ...]
    why: str
    suggested: bool
    title: str
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
    said = [set(stems(each.text[:READ_CHARS])) for each in waiting]
    counts = Counter(stem for each in said for stem in each)
    known = [set(stems(text)) for kind in process.kinds for text in (kind.about, *kind.alike)]
    usual = Counter(stem for each in known for stem in each)
    texts = len(known) + len(waiting)

    def vector(own: Collection[str]) -> Vector:
        """Of what others say, too: an order number or a name makes no two tickets differ."""
        shared = [stem for stem in own if counts[stem] > 1]
        rare = {stem: log((1 + texts) / (1 + counts[stem] + usual[stem])) for stem in shared}
        weights = {stem: sqrt(max(0.0, value) + LEAST_WEIGHT) for stem, value in rare.items()}
        return normal(weights) if len(weights) >= LEAST_STEMS else {}

    parts = defaultdict[tuple[str, bool], list[int]](list)
    for place, each in enumerate(waiting):
        parts[each.why, each.suggested].append(place)
    found = list[Alike]()
    for part in parts.values():
        vectors = [vector(said[place]) for place in part]
        grouped = groups(vectors, NEAR, NEAR_TO_CENTRE) if len(part) >= LEAST else []
        found += [
            _alike([waiting[part[at]] for at in group], [vectors[at] for at in group])
            for group in grouped
            if len(group) >= LEAST
        ]
    return tuple(sorted(found, key=lambda alike: -len(alike.tickets)))


def _alike(group: Sequence[Waiting], vectors: Sequence[Vector]) -> Alike:
    middle = centre(vectors)
    order = sorted(range(len(group)), key=lambda at: -likeness(vectors[at], middle))
    typical = [group[at] for at in order]
    telling = sorted(middle, key=lambda stem: -middle[stem])
    single = [stem for stem in telling if " " not in stem and len(stem) >= _LEAST_LETTERS][:_TELLING]
    texts = [each.text[:READ_CHARS] for each in typical]
    return Alike(
        tuple(each.id for each in typical),
        typical[0].why,
        typical[0].suggested,
        phrase(texts, single),
        tuple(text[:140] for text in dict.fromkeys(texts))[:_SAMPLE],
    )


class AlikeFinder:
    """One for each process that shows them. patience_seconds: how long who asks waits for a look."""

    def __init__(self, inbox: Holds, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._inbox = inbox
        self._patience = patience_seconds
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
        if self._looked_at == -inf and self._look is not None:  # the first one; what was found before will do later
            await asyncio.wait({self._look}, timeout=self._patience)
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
