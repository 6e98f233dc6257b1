"""How a model would have done that learned, again and again, from what had been decided so far and nothing later.

Testing forward (Dawid 1984, "prequential") uses every decision once to test and then to learn from; what is counted
at any time is fair, however often anybody looks. Only the classifier is fitted: the team it chooses is all that counts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from worker.models.local.features import Vocabulary
from worker.models.local.training import regression
from worker.models.training_rows import Row

FIRST = 50
"""Decisions before the first test: what has learned from fewer is no other model yet."""

_GROWTH = 1.4
"""It learns anew whenever there are so many times as many decisions."""

_SHARPNESS = 2.0
"""As trained models come to have; it decides only where a team's labels share what one label of another has alone."""


def routed_forward(
    base: Sequence[Row], decided: Sequence[Row], kept: Sequence[bool], team_of: Mapping[str, str]
) -> list[str]:
    """The team of each decided ticket, oldest first, from the place `FIRST` on.

    base: what it has learned from before. kept: which decisions nothing may learn from, though it is tested on them.
    """
    rows = [*base, *decided]
    vocabulary = Vocabulary.learn(text for text, _ in rows)
    texts = vocabulary.encode([text for text, _ in rows]).weights.scipy
    names = sorted(team_of)
    labels = np.array([names.index(label) for _, label in rows])
    may_learn = np.array([True] * len(base) + [not each for each in kept])
    found: list[str] = []
    for start, stop in blocks(len(decided)):
        past = np.flatnonzero(may_learn[: len(base) + start])
        block = slice(len(base) + start, len(base) + stop)
        found += _teams(texts[past], labels[past], texts[block], names, team_of)
    return found


def blocks(decisions: int) -> list[tuple[int, int]]:
    """(start, stop) of each part that is tested by what learned from all before it."""
    starts = [FIRST]
    while (following := int(starts[-1] * _GROWTH)) < decisions:
        starts.append(following)
    return list(zip(starts, [*starts[1:], decisions], strict=True)) if decisions > FIRST else []


def _teams(texts: Any, labels: Any, asked: Any, names: Sequence[str], team_of: Mapping[str, str]) -> list[str]:
    known = np.unique(labels)
    if len(known) < 2:
        return [team_of[names[known[0]]]] * asked.shape[0]
    chances = regression().fit(texts, labels).predict_proba(asked) ** _SHARPNESS
    teams = sorted(set(team_of.values()))
    columns = np.array([teams.index(team_of[names[label]]) for label in known])
    of_teams = np.stack([chances[:, columns == team].sum(axis=1) for team in range(len(teams))], axis=1)
    return [teams[team] for team in of_teams.argmax(axis=1)]
