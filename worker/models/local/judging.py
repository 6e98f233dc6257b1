"""What a set of parameters makes of one text: the same for answering a ticket and for proving on held-out ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.models.local.features import Features, Floats
from worker.models.local.parameters import Parameters
from worker.models.local.scope import likeness, scope_score

UNFAMILIAR_CEILING = 0.5
"""Confidence of a ticket unlike anything learned: a classifier is sure of some foreign text too."""


@dataclass(frozen=True, slots=True)
class Judged:
    """team, label: the best team, and the best label within it, by their numbers. chances: of every label.

    confidence: the team's probability, capped by how much the text is like what was learned.
    """

    team: int
    label: int
    chances: Floats
    team_probability: float
    familiar: bool
    confidence: float


def judged(parameters: Parameters, features: Features, team_of: NDArray[np.integer]) -> Judged:
    """team_of: the number of each label's team, by column."""
    chances = parameters.probabilities(features)
    team_chances = np.bincount(team_of, weights=chances)
    team = int(team_chances.argmax())
    label = int(np.where(team_of == team, chances, -1.0).argmax())
    probability = min(1.0, float(team_chances[team]))
    score = scope_score(parameters, features, label, probability, team_of == team)
    familiar = score >= parameters.scope_from
    ceiling = likeness(parameters, score) if familiar else UNFAMILIAR_CEILING
    return Judged(team, label, chances, probability, familiar, min(probability, ceiling))
