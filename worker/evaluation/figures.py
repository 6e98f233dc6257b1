"""What labelled tickets say of the agent: accuracy, coverage at a precision, calibration, confusion. Pure.

A threshold is never measured on the tickets it was chosen on: coverage is cross-fitted between two halves.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

from tasks.reasons import Reason
from worker.models.thresholds import ERROR, Answered, Threshold, fitted, lower_bound

TARGETS = (0.95, 0.98, 0.99)
LEAST_CONFIDENCE = 0.5
"""What is as likely wrong as right is stood by at no threshold."""

BINS = 10
MOST_CONFUSED = 15


@dataclass(frozen=True, slots=True)
class Graded:
    """What one tier, or all together, made of one labelled ticket.

    label, team: people's; team "" marks a ticket outside the taxonomy, or one that no label fits. suggested_*: "" where
    nothing was suggested; suggested_team: also where it was that no label fits.
    confidence: 0..1. stood: whether the tier stood by its suggestion. reason: why not. tier: the model that answered.
    marked: the screen saw marks of an attack in it, so that a person decides; strong: so many that it is handed off.
    screened: the tier stood by it and the ticket was handed off for its marks. leaked: it said the canary.
    misused: it asked for a tool it does not have, with arguments that are refused, or for something to be done outside.
    incomplete: it lacks what no decision stands without. fields: whether each is right that the row has.
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
    incomplete: bool = False
    fields: Mapping[str, bool] = field(default_factory=dict)

    @property
    def alone(self) -> bool:
        """Whether it may be decided without a person, as far as the tier and the screen are concerned. That no label
        fits never may.
        """
        return self.stood and bool(self.suggested_team) and not self.marked

    @property
    def may_stand(self) -> bool:
        """Whether a lower threshold would let it be decided without a person."""
        unsure = self.reason in ("", Reason.LOW_CONFIDENCE.value) and self.confidence > LEAST_CONFIDENCE
        return bool(self.suggested_team) and unsure and not self.marked and not self.incomplete

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
        return lower_bound(self.hits, self.total)

    @property
    def at_most(self) -> float:
        """The upper bound."""
        return 1 - lower_bound(self.total - self.hits, self.total)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What can be decided at a precision target. thresholds: one per half, None where no threshold is good enough.

    covered: of the tickets within the taxonomy, those decided. precision: of what was decided within it, the right
    ones. leaked: of the tickets outside the taxonomy, those decided. in_all: of all that was decided, the right ones:
    a ticket outside the taxonomy is never one.
    """

    target: float
    thresholds: tuple[float | None, ...]
    covered: Share
    precision: Share
    leaked: Share
    in_all: Share


@dataclass(frozen=True, slots=True)
class Summary:
    """One tier, or all together, on one file. Latencies in seconds, cost in nanodollars for one ticket.

    thresholds: for each target the confidence that reaches it on this file, the tier's own threshold left aside.
    calibration_error: mean distance of confidence from the share right, over ten bins (within the taxonomy).
    fields_right: of a taxonomy's own fields, by name. bins: (mean confidence, share right, tickets). confused:
    (people's, suggested, tickets), most frequent first.
    """

    tier: str
    tickets: int
    team_right: Share
    label_right: Share
    stood: Share
    stood_right: Share
    leaked: Share
    reasons: dict[str, int]
    thresholds: tuple[Threshold, ...]
    coverage: tuple[Coverage, ...]
    calibration_error: float
    bins: tuple[tuple[float, float, int], ...]
    confused_labels: tuple[tuple[str, str, int], ...]
    confused_teams: tuple[tuple[str, str, int], ...]
    cost_nanodollars: float
    seconds_median: float
    seconds_p95: float
    fields_right: Mapping[str, Share]


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
        thresholds=tuple(reachable(answers, target) for target in targets),
        coverage=tuple(cross_fitted(answers, target) for target in targets),
        calibration_error=sum(abs(sure - right) * count for sure, right, count in bins) / max(1, len(known)),
        bins=bins,
        confused_labels=_confused((answer.label, answer.suggested_label) for answer in known),
        confused_teams=_confused((answer.team, answer.suggested_team) for answer in known),
        cost_nanodollars=sum(answer.cost_nanodollars for answer in answers) / max(1, len(answers)),
        seconds_median=times[len(times) // 2],
        seconds_p95=times[min(len(times) - 1, int(len(times) * 0.95))],
        fields_right=_fields(known),
    )


def _fields(answers: Sequence[Graded]) -> dict[str, Share]:
    """Each field, of the tickets whose rows have it."""
    right: dict[str, list[bool]] = {}
    for answer in answers:
        for name, each in answer.fields.items():
            right.setdefault(name, []).append(each)
    return {name: Share(sum(found), len(found)) for name, found in right.items()}


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
        in_all=Share(sum(answer.right for answer in within), len(decided)),
    )


def threshold_for(answers: Sequence[Graded], target: float, error: float = ERROR) -> float | None:
    """The lowest confidence at which what stands is right often enough; None where none is proved."""
    return fitted(_held_to(answers), target, error).confidence


def reachable(answers: Sequence[Graded], target: float) -> Threshold:
    """The lowest confidence that is proved, whatever the threshold in force; its shares are of all answers."""
    stands = [(answer.confidence, answer.right) for answer in answers if answer.may_stand]
    return replace(fitted(stands, target), tickets=len(answers))


def _held_to(answers: Iterable[Graded]) -> list[Answered]:
    """Confidence, and whether people decide so, of what may be decided alone; a foreign ticket counts as wrong."""
    return [(answer.confidence, answer.right) for answer in answers if answer.alone]


def calibration(answers: Sequence[Graded]) -> tuple[tuple[float, float, int], ...]:
    """(mean confidence, share right, tickets) of each tenth of confidence that has any."""
    binned: dict[int, list[Graded]] = {}
    for answer in answers:
        binned.setdefault(min(BINS - 1, int(answer.confidence * BINS)), []).append(answer)
    return tuple(
        (sum(a.confidence for a in found) / len(found), sum(a.right for a in found) / len(found), len(found))
        for _, found in sorted(binned.items())
    )


def _confused(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str, int], ...]:
    wrong = Counter(pair for pair in pairs if pair[0] != pair[1])
    return tuple((wanted, said, count) for (wanted, said), count in wrong.most_common(MOST_CONFUSED))


def plain(value: Any) -> Any:
    """Figures as JSON: a share as its numbers, and none of nothing, since JSON has no NaN."""
    if isinstance(value, dict) and value.keys() == {"hits", "total"}:
        share = Share(**value)
        bounds = {"share": share.value, "at_least": share.at_least, "at_most": share.at_most} if share.total else {}
        return {**value, **bounds}
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value
