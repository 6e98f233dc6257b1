"""From which confidence a tier is right often enough, by tickets that it did not learn from. Pure.

Thresholds are tried from the surest tickets down, in an order that their labels have no part in, each with the exact
test of Clopper and Pearson, and the first that fails ends the search. So the error of the whole search is that of one
test: fixed sequence testing (Bauer 1991; Angelopoulos et al. 2021, "Learn then Test", section on fixed sequences).
The lowest of all thresholds that pass, which was chosen before, errs a little more often than it says.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from worker.models.outside import TEST, Outside

ERROR = 0.05
"""How often a threshold may be found though what reaches it is right less often than the target."""

SPARE = 2
"""Wrong tickets that the first test lets pass: with none a single wrong label would end the search."""

_STEP = 1.05
"""Each further test takes in so many times as many tickets."""

_FIRST = 0.2
"""Of the known tickets, that the first test takes in where tickets out of scope count: beside fewer the bound of what
leaks is too wide to prove anything."""

Answered = tuple[float, bool]
"""(confidence, right), of one ticket that was not learned from."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """What was found for a target.

    confidence: from which on it holds; None where none is proved. tickets: that were looked at. covered: those that
    reach it; right: those of them. missing: tickets without which nothing can be proved, 0 where there are enough.
    groups: the confidence of each group of labels, None where none is proved for it; without any, one for all.
    outside: what is known of tickets out of scope, counted in where it is enough; None: nothing was looked at.
    """

    target: float
    confidence: float | None
    tickets: int
    covered: int = 0
    right: int = 0
    missing: int = 0
    outside: Outside | None = None
    groups: tuple[tuple[str, float | None], ...] = ()

    def holds(self, group: str, confidence: float) -> bool:
        """Whether what is suggested for a group is stood by."""
        least = self.of(group)
        return least is not None and confidence >= least

    def of(self, group: str) -> float | None:
        """From where on it holds for what is suggested for a group; None: for nothing of it."""
        return dict(self.groups).get(group) if self.groups else self.confidence

    @property
    def at_least(self) -> float:
        """The lower bound of how often it is right."""
        return lower_bound(self.right, self.covered)

    def __str__(self) -> str:
        if self.confidence is not None:
            return (
                f"{self._from} it covers {self.covered / self.tickets:.1%}, "
                f"{self.right / self.covered:.1%} right, at least {self.at_least:.1%}{self._in_all}"
            )
        if self.missing:
            return f"nothing is proved: {self.missing} more decisions are needed for {self.target:.0%}{self._in_all}"
        at_none = f"at no confidence are {self.target:.0%} right, of {self.tickets} decisions"
        return f"nothing is proved: {at_none}{self._in_all}"

    @property
    def _from(self) -> str:
        proved = [least for _, least in self.groups if least is not None]
        if not proved:
            return f"at {self.confidence:.2f}"
        spread = f"{min(proved):.2f} to {max(proved):.2f}" if min(proved) < max(proved) else f"{min(proved):.2f}"
        none = ", ".join(group for group, least in self.groups if least is None)
        return f"at {spread} by team{f' (nothing is proved for {none})' if none else ''}"

    @property
    def _in_all(self) -> str:
        """What tickets out of scope do to it, in words."""
        known = self.outside
        if known is None:
            return ""
        if self.confidence is None or not known.counts(self.target):
            return f"; {known.words(self.target)}"
        right = known.right(self.confidence, self.covered, self.right, self.tickets)
        leak = known.reach(self.confidence) / len(known.confidences)
        return (
            f"; {known.share:.1%} of all tickets are out of scope, of which {leak:.1%} reach it: "
            f"{right:.1%} right in all, at least {self.target:.0%}"
        )


def fitted(
    answers: Iterable[Answered],
    target: float,
    error: float = ERROR,
    *,
    floor: float = 0.0,
    outside: Outside | None = None,
) -> Threshold:
    """The lowest confidence that is proved for a target, from any number of answers.

    floor: nothing below it is tried. outside: tickets out of scope, which the answers hold none of, to be counted in.
    """
    known = sorted(answers, key=lambda answer: -answer[0])
    counted = outside if outside is not None and outside.counts(target) else None
    ordered = [answer for answer in known if answer[0] >= floor]
    level, start = (error, 0) if counted is None else (error * TEST, int(_FIRST * len(known)))
    missing = max(0, least_tickets(target, level) - len(ordered))
    best = Threshold(target, None, len(known), missing=missing, outside=outside)
    wrong = at = 0
    for count in _counts([confidence for confidence, _ in ordered], target, level, start):
        wrong += sum(not right for _, right in ordered[at:count])
        at, least = count, ordered[count - 1][0]
        needed = target if counted is None else counted.raised(target, least, count, len(known), error)
        if needed >= 1 or tail(wrong, count, 1 - needed) > level:
            break
        best = Threshold(target, least, len(known), count, count - wrong, outside=outside)
    return best


def least_tickets(target: float, error: float = ERROR, wrong: int = 0) -> int:
    """The fewest tickets, `wrong` of them routed wrongly, that prove a target."""
    count = max(1, math.ceil(math.log(error) / math.log(target)))
    while tail(wrong, count, 1 - target) > error:
        count += 1
    return count


def _counts(confidences: list[float], target: float, error: float, start: int) -> Iterator[int]:
    """How many of the surest each test takes in, `start` at least: all of a confidence, or none."""
    total = len(confidences)
    enough = (least_tickets(target, error, wrong) for wrong in range(SPARE, -1, -1))
    count = max(start, next((count for count in enough if count <= total), total + 1))
    while count <= total:
        while count < total and confidences[count] == confidences[count - 1]:
            count += 1
        yield count
        count = max(count + 1, min(total, math.ceil(count * _STEP)))


def lower_bound(hits: int, total: int, error: float = ERROR) -> float:
    """The exact one-sided lower bound of a share (Clopper and Pearson); 0 for nothing."""
    if not hits:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(total - hits, total, 1 - middle) <= error else (low, middle)
    return low


def tail(misses: int, total: int, miss_rate: float) -> float:
    """The probability of at most `misses` in `total`, each missing with `miss_rate`."""
    if miss_rate <= 0:
        return 1.0
    if miss_rate >= 1:
        return float(misses >= total)
    hit, miss = math.log1p(-miss_rate), math.log(miss_rate)
    logs = math.lgamma(total + 1)
    terms = (
        logs - math.lgamma(k + 1) - math.lgamma(total - k + 1) + k * miss + (total - k) * hit for k in range(misses + 1)
    )
    return min(1.0, math.fsum(math.exp(term) for term in terms))
