"""How people work: agreement, handle time and keystrokes by reviewer and by kind, counted from the examples."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from fallbacks.autonomy.noise import CAUGHT, MISSED
from fallbacks.ledger.past.examples import Example

LATEST = 2000
"""A screen counts so many of the last decisions: people and kinds change."""


HASTY_SECONDS = 1.0
HASTY_FROM = 20
"""Nobody reads a ticket in less than a second: a median below it, over so many decisions, is rubber-stamping."""

_PROBED = "probed"


@dataclass(frozen=True, slots=True)
class Work:
    """Of one reviewer or kind. judged: suggestions they saw or would have seen; agreed: of these, how many stood.

    timed: decisions whose item was held before; seconds from holding it to deciding it. keystrokes: median of a
    decision in the console, None where none came from there.
    """

    name: str
    decided: int
    judged: int
    agreed: int
    timed: int
    median_seconds: float | None
    p90_seconds: float | None
    median_keystrokes: float | None

    @property
    def agreement(self) -> float | None:
        """Share of suggestions that stood, 0..1."""
        return self.agreed / self.judged if self.judged else None

    @property
    def hasty(self) -> bool:
        """Whether so many were decided so fast that nobody can have read them."""
        return self.timed >= HASTY_FROM and (self.median_seconds or 0.0) < HASTY_SECONDS


@dataclass(slots=True)
class _Heap:
    decided: int = 0
    judged: int = 0
    agreed: int = 0
    seconds: list[float] = field(default_factory=list)
    keystrokes: list[float] = field(default_factory=list)


def work_by(group: Callable[[Example], str], examples: Iterable[Example]) -> list[Work]:
    """The examples in groups; the one in which most was decided comes first. group: "" for none."""
    heaps: dict[str, _Heap] = {}
    for example in examples:
        if not (name := group(example)):
            continue
        heap = heaps.setdefault(name, _Heap())
        heap.decided += 1
        if example.suggested:
            heap.judged += 1
            heap.agreed += example.stood
        for measured, values in ((example.handled_seconds, heap.seconds), (example.keystrokes, heap.keystrokes)):
            if measured is not None:
                values.append(float(measured))
    found = [_work(name, heap) for name, heap in heaps.items()]
    return sorted(found, key=lambda work: (-work.decided, work.name))


def corrected_by(group: Callable[[Example], str], examples: Iterable[Example]) -> Counter[str]:
    """How many decisions of each group were corrected later, by whomever. examples: oldest first."""
    found, last = Counter[str](), dict[str, Example]()
    for example in examples:
        if example.earlier is not None and (before := last.get(example.id)):
            found[group(before)] += 1
        last[example.id] = example
    return found


def of_person(verdict: str, person: str) -> str:
    """The counter of what a person made of probes."""
    return f"{_PROBED}:{verdict}:{person}"


@dataclass(frozen=True, slots=True)
class Probed:
    """Of one person: wrong suggestions that they were shown on purpose. caught: those that they changed."""

    caught: int
    shown: int


def probed(person: str, counters: Mapping[str, str]) -> Probed:
    """What a person made of probes; they count for good."""
    caught, missed = (int(counters.get(of_person(verdict, person), 0)) for verdict in (CAUGHT, MISSED))
    return Probed(caught, caught + missed)


def _work(name: str, heap: _Heap) -> Work:
    return Work(
        name,
        heap.decided,
        heap.judged,
        heap.agreed,
        len(heap.seconds),
        _share_of(heap.seconds, 0.5),
        _share_of(heap.seconds, 0.9),
        _share_of(heap.keystrokes, 0.5),
    )


def _share_of(values: Sequence[float], share: float) -> float | None:
    """The least value that at least this share does not exceed; None of nothing."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)] if values else None
