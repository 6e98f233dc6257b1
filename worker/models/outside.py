"""Tickets that no label fits, in the promise of a tier: how many there are, by what people closed or put under a label
that says so, and how many of them reach a confidence. Pure.

Held-out training rows hold none of them, so what they prove holds within the taxonomy only. What is right in all is
`target` where what is right within it is at least `raised(target)`; how many there are, how many of all tickets are out
of scope and decided, and how many known ones are covered stand in that by bounds of their own (Chernoff's, in its form
with the Kullback-Leibler divergence; Hoeffding 1963, theorem 1), each with a part of the error that a threshold may
have, so that all hold together (Boole).
"""

import math
from bisect import bisect_left
from dataclasses import dataclass

LEAST, LEAST_WRONG = 20, 20.0
"""They are counted in from so many such tickets on, and from so many ended ones that this many of them could be wrong
at the target: with fewer the bounds alone would leave nothing to stand by."""

TEST, LEAK, SHARE, COVER = 0.6, 0.3, 0.05, 0.05
"""The parts of the error: of the test within the taxonomy, and of the three bounds."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What is known of them here.

    looked_at: tickets that people ended, unfitting: those of them that no label fits. Where some are decided alone,
    people see more of these than there are, and more than there are is assumed. confidences: of the tier on those that
    it had not learned from, 0 where it abstained, rising.
    """

    looked_at: int = 0
    unfitting: int = 0
    confidences: tuple[float, ...] = ()

    def counts(self, target: float) -> bool:
        """Whether enough is known to count them in."""
        return len(self.confidences) >= LEAST and self.looked_at >= least_ended(target)

    @property
    def share(self) -> float:
        """Of all tickets, 0..1."""
        return self.unfitting / self.looked_at if self.looked_at else 0.0

    def reach(self, confidence: float) -> int:
        """How many of those that the tier was asked would be decided."""
        return len(self.confidences) - bisect_left(self.confidences, confidence)

    def raised(self, target: float, confidence: float, covered: int, known: int, error: float) -> float:
        """What must be right within the taxonomy for the target in all; from 1 on nothing is enough.

        covered: how many of so many known tickets reach the confidence.
        """
        leak = at_most(self.reach(confidence), self._of_all, error * LEAK)
        known_share = 1 - at_most(self.unfitting, self.looked_at, error * SHARE)
        within = known_share * (1 - at_most(known - covered, known, error * COVER))
        return target * (1 + leak / within) if within > 0 else 1.0

    @property
    def _of_all(self) -> int:
        """Among so many tickets were those that the tier was asked."""
        return round(self.looked_at * len(self.confidences) / self.unfitting) if self.unfitting else 0

    def right(self, confidence: float, covered: int, right: int, known: int) -> float:
        """The share of what is decided that is right, all tickets counted, by what was seen."""
        leak = self.reach(confidence) / len(self.confidences)
        wrong = self.share * leak
        decided = (1 - self.share) * covered / known + wrong
        return (1 - self.share) * right / known / decided

    def words(self, target: float) -> str:
        """What is known, and what is missing before it counts."""
        if not self.looked_at:
            return "out of scope: nothing is known before people have ended tickets"
        most = at_most(self.unfitting, self.looked_at, 0.05)
        said = f"out of scope: {self.unfitting} of {self.looked_at} tickets that people ended (at most {most:.1%})"
        lacking = {"ended": least_ended(target) - self.looked_at, "out of scope": LEAST - len(self.confidences)}
        missing = " and ".join(f"{count} {what}" for what, count in lacking.items() if count > 0)
        return f"{said}; not counted in: {missing} more are needed" if missing else said


def least_ended(target: float) -> int:
    """Tickets that people must have ended before those out of scope among them are counted in."""
    return round(LEAST_WRONG / (1 - target))


def at_most(hits: int, total: int, error: float) -> float:
    """An upper bound of a share; 1 of nothing."""
    if not total or hits >= total:
        return 1.0
    seen, least = hits / total, math.log(1 / error) / total
    low, high = seen, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if _divergence(seen, middle) < least else (low, middle)
    return high


def _divergence(seen: float, true: float) -> float:
    """Of two coins."""
    if true >= 1:
        return math.inf
    heads = seen * math.log(seen / true) if seen else 0.0
    return heads + (1 - seen) * math.log((1 - seen) / (1 - true))
