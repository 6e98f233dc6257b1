"""The out-of-scope check: is this ticket like what was learned? A classifier is sure of foreign text too.

Five things speak for a ticket: how sure the classifier is, by how much it lies within the bounds of the team it chose,
how near the nearest training text of that team is, and how many of its words the training texts of the label hold; its
length, because a long text is never near. Their weights are a logistic regression on Banking77's train split with one
whole team left out at a time (nine folds: 16,003 tickets of known teams, 10,003 of the missing ones), rounded. What a
new data set needs of its own, `scope_from`, is measured on held-out tickets in training.
"""

import math

import numpy as np
from numpy.typing import NDArray

from worker.models.local.features import Features
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


def scope_score(
    parameters: Parameters,
    features: Features,
    label: int,
    confidence: float,
    own_labels: NDArray[np.bool_],
    least: float = -math.inf,
) -> float:
    """Higher is more like what was learned.

    label: the best one of the team, by its column. confidence: of the team. own_labels: which labels are that team's.
    least: below it the score does not matter; where no text could be near enough, none is looked for: that costs most.
    """
    bounded = min(max(confidence, _CERTAIN), 1 - _CERTAIN)
    score = (
        _SURE * math.log(bounded / (1 - bounded))
        + _WITHIN * parameters.margin(features, label)
        + _SEEN * seen_share(parameters, features, label)
        + _LONG * math.log1p(min(len(features.by_word), _LONGEST))
    )
    if score + _NEAR * _NEAREST < least:
        return score
    return score + _NEAR * parameters.nearest(features, own_labels)


def likeness(parameters: Parameters, score: float) -> float:
    """0..1, by its odds, how much a ticket of this scope score is like what was learned."""
    return 1 / (1 + math.exp(parameters.scope_from - score - _BEGINS))


def seen_share(parameters: Parameters, features: Features, label: int) -> float:
    """0..1, how many of the words occur in the training texts of this label."""
    is_word, seen = parameters.vocabulary.is_word, parameters.seen
    found = sum(bool(seen[ids[0], label]) for ids in features.by_word.values() if ids and is_word[ids[0]])
    return found / max(1, len(features.by_word))
