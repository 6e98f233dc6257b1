"""A threshold of its own for each group of labels that has the tickets to prove one. Pure.

A group is a team: to send a ticket to the right one is what is promised. Which groups have a threshold of their own is
settled by how many tickets were suggested for each, before anything is known of right and wrong; those with too few
share one. Each is proved at the error divided by how many there are (Bonferroni), so that all hold together as often as
one alone would, and with each what is stood by in all.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from worker.models.thresholds import ERROR, SPARE, Answered, Threshold, fitted, least_tickets

ENOUGH = 2
"""Times the tickets that a proof with a few wrong ones takes: with fewer a group would seldom prove anything."""

Grouped = tuple[float, bool, str]
"""(confidence, right, the group of what was suggested), of one ticket that was not learned from."""


def fitted_by_group(
    answers: Iterable[Grouped], target: float, error: float = ERROR, *, floor: float = 0.0
) -> Threshold:
    """The thresholds of the groups and what they come to together; one for all where fewer than two groups have enough.

    floor: nothing below it is tried.
    """
    known = list(answers)
    together: list[Answered] = [(confidence, right) for confidence, right, _ in known]
    own = _with_enough(known, target, error, floor)
    if len(own) < 2:
        return fitted(together, target, error, floor=floor)
    shared = {group for _, _, group in known} - own
    each = error / (len(own) + bool(shared))
    parts = [frozenset({group}) for group in sorted(own)] + ([frozenset(shared)] if shared else [])
    found = [(part, fitted(_of(known, part), target, each, floor=floor)) for part in parts]
    proved = [(part, threshold) for part, threshold in found if threshold.confidence is not None]
    if not proved:
        return Threshold(target, None, len(known))
    return Threshold(
        target,
        min(threshold.confidence or 0.0 for _, threshold in proved),
        len(known),
        sum(threshold.covered for _, threshold in proved),
        sum(threshold.right for _, threshold in proved),
        groups=tuple((group, threshold.confidence) for part, threshold in found for group in sorted(part)),
    )


def _with_enough(known: Sequence[Grouped], target: float, error: float, floor: float) -> set[str]:
    counts = Counter(group for confidence, _, group in known if confidence >= floor)
    least = ENOUGH * least_tickets(target, error / max(1, len(counts)), SPARE)
    return {group for group, count in counts.items() if count >= least}


def _of(known: Sequence[Grouped], part: frozenset[str]) -> list[Answered]:
    return [(confidence, right) for confidence, right, group in known if group in part]
