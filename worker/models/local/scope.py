"""The out-of-scope check: is this ticket like what was learned? A classifier is sure of foreign text too.

Five things speak for a ticket: how sure the classifier is, by how much it lies within the bounds of the team it chose,
how near the nearest training text of that team is, and how many of its words the training texts of the label hold; its
length, because a long text is never near. Their weights are a logistic regression on Banking77's train split with one
whole team left out at a time (nine folds: 16,003 tickets of known teams, 10,003 of the missing ones), rounded. What a
new data set needs of its own, `scope_from`, is measured on held-out tickets in training.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from worker.models.local.features import Encoded
from worker.models.local.parameters import Parameters

_SURE = 0.2
_WITHIN = 1.5
_NEAR = 4.5
_NEAREST = 1.001
"""A cosine, rounded."""

_SEEN = 6.5
_LONG = 1.1
_LONGEST = 30
"""Words: nothing longer was measured, so being longer speaks for nothing."""

_BEGINS = 2.0
"""Log odds where familiarity begins. With less a strict threshold would refuse more of what is unknown, but confidence
would say less than it knows: cross-validated, its calibration error is .028 at 2.0, .047 at .85 and .022 without."""

_CERTAIN = 1e-6

REFUSED_SHARE = 0.05
"""So many of the tickets it would have routed rightly may be called foreign: the price of refusing what is."""


def scope_scores(
    parameters: Parameters,
    texts: Encoded,
    labels: Sequence[int],
    sure: Sequence[float],
    team_of: NDArray[np.integer],
    least: float = -math.inf,
) -> list[float]:
    """Higher is more like what was learned.

    labels: of each text, the best one of its team, by its column. sure: the probability of that team. team_of: the
    number of each label's team, by column. least: below it the score does not matter; where no text could be near
    enough, none is looked for: that costs most.
    """
    margins = parameters.margins(texts, labels)
    scores = [
        _SURE * _log_odds(sure[at])
        + _WITHIN * margins[at]
        + _SEEN * _seen_share(parameters, texts, at, label)
        + _LONG * math.log1p(min(len(texts.words[at]), _LONGEST))
        for at, label in enumerate(labels)
    ]
    of_team: dict[int, list[int]] = {}
    for at, label in enumerate(labels):
        if scores[at] + _NEAR * _NEAREST >= least:
            of_team.setdefault(int(team_of[label]), []).append(at)
    for team, rows in of_team.items():
        near = parameters.nearest(texts.weights.taken(rows), team_of == team)
        for at, each in zip(rows, near, strict=True):
            scores[at] += _NEAR * each
    return scores


def _log_odds(probability: float) -> float:
    bounded = min(max(probability, _CERTAIN), 1 - _CERTAIN)
    return math.log(bounded / (1 - bounded))


def likeness(parameters: Parameters, score: float) -> float:
    """0..1, by its odds, how much a ticket of this scope score is like what was learned."""
    return 1 / (1 + math.exp(parameters.scope_from - score - _BEGINS))


def _seen_share(parameters: Parameters, texts: Encoded, at: int, label: int) -> float:
    """0..1, how many of a text's words occur in the training texts of this label."""
    known = texts.known[at]
    found = int(np.count_nonzero(parameters.seen[known[known >= 0], label]))
    return found / max(1, len(known))
