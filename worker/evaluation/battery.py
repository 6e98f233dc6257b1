"""What a battery on one labelled file finds: thresholds chosen without its test rows, and what they come to on them."""

from collections.abc import Sequence
from dataclasses import dataclass

from worker.evaluation.figures import Graded, Share
from worker.models.thresholds import Threshold

TARGETS = (0.9, 0.95, 0.98, 0.99)
FOREIGN = 0.2
"""The share of tickets outside the taxonomy in the stream that leakage is stated for."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One target. threshold: proved on rows held out of training. covered, precision: of the test rows, at it."""

    threshold: Threshold
    covered: Share
    precision: Share

    @property
    def kept(self) -> bool:
        """Whether the test rows leave the target possible."""
        return not self.precision.total or self.precision.at_most >= self.threshold.target


@dataclass(frozen=True, slots=True)
class Leak:
    """One team left out of training and asked afterwards, at one target: what is decided of it, and of the others.

    right: of the others that are decided.
    """

    team: str
    target: float
    foreign: Share
    covered: Share
    right: Share

    @property
    def precision(self) -> float:
        """Of all that is decided where `FOREIGN` of the tickets are foreign; 1 where nothing is decided."""
        known = (1 - FOREIGN) * (self.covered.value if self.covered.total else 0.0)
        foreign = FOREIGN * (self.foreign.value if self.foreign.total else 0.0)
        right = self.right.value if self.right.total else 1.0
        return known * right / (known + foreign) if known + foreign else 1.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """A worker beside `eval` on the same tickets. differ: ids of those that came out otherwise."""

    tickets: int
    differ: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Battery:
    """Everything. learned, tickets: rows. seconds: of training, and the median of an answer."""

    name: str
    learned: int
    tickets: int
    team_right: Share
    label_right: Share
    kept: tuple[Kept, ...]
    leaks: tuple[Leak, ...]
    outside: Share
    marked: Share
    handed_off: Share
    agreement: Agreement
    training_seconds: float
    answer_seconds: float


def kept(answers: Sequence[Graded], threshold: Threshold) -> Kept:
    """What a threshold comes to on rows that it was not chosen on."""
    known = [each for each in answers if each.team]
    decided = [each for each in known if each.may_stand and threshold.holds(each.suggested_team, each.confidence)]
    return Kept(
        threshold,
        Share(len(decided), len(known)),
        Share(sum(each.right for each in decided), len(decided)),
    )


def left_out(sizes: Sequence[tuple[str, int]]) -> list[str]:
    """The teams whose absence is tried: the largest, the one in the middle and the smallest."""
    ordered = [team for team, _ in sorted(sizes, key=lambda each: -each[1])]
    return list(dict.fromkeys([ordered[0], ordered[len(ordered) // 2], ordered[-1]])) if len(ordered) > 2 else []
