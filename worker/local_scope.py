"""The out-of-scope check: is this ticket like what was learned? A classifier is sure of foreign text too.

Three things speak for a ticket: how sure the classifier is, how near the nearest training text of the team it chose
is, and how much of the text consists of words it knows. Their weights are a logistic regression on Banking77's train
split with one whole team left out at a time (nine folds: 16,004 tickets of known teams, 5,203 of the missing one);
known words beside the first two keep text of other worlds out, which was seen on the injection set's texts: its
figures are not independent of this choice. What a new data set needs of its own, `scope_from`, is
measured on held-out tickets in training.
"""

import math

import numpy as np
from numpy.typing import NDArray

from worker.local_features import Features
from worker.local_parameters import Parameters

_SURE = 0.5
_NEAR = 4.9
_KNOWN = 2.0
_CERTAIN = 1e-6

REFUSED_SHARE = 0.05
"""So many of the tickets it would have routed rightly may be called foreign: the price of refusing what is."""


def scope_score(parameters: Parameters, features: Features, confidence: float, own_labels: NDArray[np.bool_]) -> float:
    """Higher is more like what was learned. confidence: of the team. own_labels: which labels are that team's."""
    bounded = min(max(confidence, _CERTAIN), 1 - _CERTAIN)
    sure = math.log(bounded / (1 - bounded))
    near = parameters.nearest(features, own_labels)
    return _SURE * sure + _NEAR * near + _KNOWN * known_share(parameters, features)


def known_share(parameters: Parameters, features: Features) -> float:
    """0..1, how much of the text, by characters, are words seen in training."""
    is_word = parameters.vocabulary.is_word
    known = sum(len(word) for word, ids in features.by_word.items() if ids and is_word[ids[0]])
    total = sum(len(word) for word in features.by_word)
    return known / total if total else 0.0
