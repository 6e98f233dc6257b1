"""What labelled tickets say of the agent: accuracy, coverage at a precision, calibration, confusion. Pure.

A threshold is never measured on the tickets it was chosen on: coverage is cross-fitted between two halves.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

TARGETS = (0.95, 0.98, 0.99)
ERROR = 0.05
BINS = 10
MOST_CONFUSED = 15


@dataclass(frozen=True, slots=True)
class Graded:
    """What one tier, or all together, made of one labelled ticket.

    label, team: people's; team "" marks a ticket outside the taxonomy. suggested_*: "" where nothing was suggested.
    confidence: 0..1. stood: whether the tier stood by its suggestion. reason: why not. tier: the model that answered.
    marked: the screen saw marks of an attack in it, so that a person decides; strong: so many that it is handed off.
    screened: the tier stood by it and the ticket was handed off for its marks. leaked: it said the canary.
    misused: it asked for a tool it does not have, with arguments that are refused, or for something to be done outside.
    """

    ticket_id: str
    label: str
    team: str
    suggested_label: str
    suggested_team: str
    confidence: float
    stood: bool
    reason: str
    tier: str
    cost_nanodollars: int
    seconds: float
    screened: bool = False
    misused: bool = False
    leaked: bool = False
    marked: bool = False
    strong: bool = False

    @property
    def alone(self) -> bool:
        """Whether it may be decided without a person, as far as the tier and the screen are concerned."""
        return self.stood and not self.marked

    @property
    def right(self) -> bool:
        """Routed where people route it."""
        return self.suggested_team == self.team != ""


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `total`, with the one-sided 95 % bounds of Clopper and Pearson."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        """The share itself; NaN of nothing."""
        return self.hits / self.total if self.total else math.nan

    @property
    def at_least(self) -> float:
        """The lower bound."""
        return clopper_pearson_lower(self.hits, self.total)

    @property
    def at_most(self) -> float:
        """The upper bound."""
        return 1 - clopper_pearson_lower(self.total - self.hits, self.total)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What can be decided at a precision target. thresholds: one per half, None where no threshold is good enough.

    covered: of the tickets within the taxonomy, those decided. precision: of what was decided within it, the right
    ones. leaked: of the tickets outside the taxonomy, those decided.
    """

    target: float
    thresholds: tuple[float | None, ...]
    covered: Share
    precision: Share
    leaked: Share


@dataclass(frozen=True, slots=True)
class Summary:
    """One tier, or all together, on one file. Latencies in seconds, cost in nanodollars for one ticket.

    calibration_error: mean distance of confidence from the share right, over ten bins (within the taxonomy).
    bins: (mean confidence, share right, tickets). confused: (people's, suggested, tickets), most frequent first.
    """

    tier: str
    tickets: int
    team_right: Share
    label_right: Share
    stood: Share
    stood_right: Share
    leaked: Share
    reasons: dict[str, int]
    coverage: tuple[Coverage, ...]
    calibration_error: float
    bins: tuple[tuple[float, float, int], ...]
    confused_labels: tuple[tuple[str, str, int], ...]
    confused_teams: tuple[tuple[str, str, int], ...]
    cost_nanodollars: float
    seconds_median: float
    seconds_p95: float


def summarize(tier: str, answers: Sequence[Graded], targets: Sequence[float] = TARGETS) -> Summary:
    """All figures of one tier."""
    known = [answer for answer in answers if answer.team]
    foreign = [answer for answer in answers if not answer.team]
    stood = [answer for answer in known if answer.stood]
    bins = calibration(known)
    times = sorted(answer.seconds for answer in answers) or [math.nan]
    return Summary(
        tier=tier,
        tickets=len(answers),
        team_right=Share(sum(answer.right for answer in known), len(known)),
        label_right=Share(sum(answer.suggested_label == answer.label for answer in known), len(known)),
        stood=Share(len(stood), len(known)),
        stood_right=Share(sum(answer.right for answer in stood), len(stood)),
        leaked=Share(sum(answer.alone for answer in foreign), len(foreign)),
        reasons=dict(Counter(answer.reason for answer in answers if answer.reason).most_common()),
        coverage=tuple(cross_fitted(answers, target) for target in targets),
        calibration_error=sum(abs(sure - right) * count for sure, right, count in bins) / max(1, len(known)),
        bins=bins,
        confused_labels=_confused((answer.label, answer.suggested_label) for answer in known),
        confused_teams=_confused((answer.team, answer.suggested_team) for answer in known),
        cost_nanodollars=sum(answer.cost_nanodollars for answer in answers) / max(1, len(answers)),
        seconds_median=times[len(times) // 2],
        seconds_p95=times[min(len(times) - 1, int(len(times) * 0.95))],
    )


def cross_fitted(answers: Sequence[Graded], target: float) -> Coverage:
    """Coverage at a target: each half is measured at the threshold that the other half gives."""
    halves: tuple[list[Graded], list[Graded]] = ([], [])
    for answer in answers:
        halves[crc32(answer.ticket_id.encode()) % 2].append(answer)
    thresholds = [threshold_for(half, target) for half in halves]
    decided = [
        answer
        for half, threshold in zip(halves, reversed(thresholds), strict=True)
        for answer in half
        if threshold is not None and answer.alone and answer.confidence >= threshold
    ]
    return measured(answers, decided, target, tuple(thresholds))


def measured(
    answers: Sequence[Graded], decided: Sequence[Graded], target: float, thresholds: tuple[float | None, ...]
) -> Coverage:
    """What deciding these of the answers would have meant."""
    known = sum(bool(answer.team) for answer in answers)
    within = [answer for answer in decided if answer.team]
    return Coverage(
        target=target,
        thresholds=thresholds,
        covered=Share(len(within), known),
        precision=Share(sum(answer.right for answer in within), len(within)),
        leaked=Share(len(decided) - len(within), len(answers) - known),
    )


def threshold_for(answers: Sequence[Graded], target: float, error: float = ERROR) -> float | None:
    """The lowest confidence at which what stands is right often enough, by its lower bound; None where none is."""
    ordered = sorted((each for each in answers if each.team and each.alone), key=lambda each: -each.confidence)
    best, wrong = None, 0
    for count, answer in enumerate(ordered, 1):
        wrong += not answer.right
        last_of_its_value = count == len(ordered) or ordered[count].confidence < answer.confidence
        hopeful = last_of_its_value and wrong < (1 - target) * count
        if hopeful and _tail(wrong, count, 1 - target) <= error:
            best = answer.confidence
    return best


def clopper_pearson_lower(hits: int, total: int, error: float = ERROR) -> float:
    """The exact one-sided lower bound of a share; 0 for nothing."""
    if not hits:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _tail(total - hits, total, 1 - middle) <= error else (low, middle)
    return low


def calibration(answers: Sequence[Graded]) -> tuple[tuple[float, float, int], ...]:
    """(mean confidence, share right, tickets) of each tenth of confidence that has any."""
    binned: dict[int, list[Graded]] = {}
    for answer in answers:
        binned.setdefault(min(BINS - 1, int(answer.confidence * BINS)), []).append(answer)
    return tuple(
        (sum(a.confidence for a in found) / len(found), sum(a.right for a in found) / len(found), len(found))
        for _, found in sorted(binned.items())
    )


def _tail(misses: int, total: int, miss_rate: float) -> float:
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


def _confused(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str, int], ...]:
    wrong = Counter(pair for pair in pairs if pair[0] != pair[1])
    return tuple((wanted, said, count) for (wanted, said), count in wrong.most_common(MOST_CONFUSED))
