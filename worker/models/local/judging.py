"""What a set of parameters makes of one text: the same for answering a ticket and for proving on held-out ones.

A mail is mostly greeting, courtesy and signature, which nothing was learned from: as a whole it is unlike what was
learned, or only so much like it. Its sentences are judged one by one, and the one that is most surely about something
speaks for it.
"""

import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from worker.models.local.features import MAX_CHARS, Features, Floats
from worker.models.local.parameters import Parameters
from worker.models.local.scope import likeness, scope_score

UNFAMILIAR_CEILING = 0.5
"""Confidence of a ticket unlike anything learned: a classifier is sure of some foreign text too."""


SENTENCE_END = re.compile(r"(?<=[.!?])\s|\n")

_MOST_SENTENCES = 16
_LEAST_WORDS = 3
_LOOKED_AT = 3
"""Sentences, the surest by the classifier alone, that are judged whole: the check of scope costs the most."""


@dataclass(frozen=True, slots=True)
class Judged:
    """features: of what was judged, the text or a sentence of it. chances: of every label.

    team, label: the best team, and the best label within it, by their numbers. confidence: the team's probability,
    capped by how much the text is like what was learned.
    """

    features: Features
    team: int
    label: int
    chances: Floats
    team_probability: float
    familiar: bool
    confidence: float


def judged_text(parameters: Parameters, text: str, team_of: NDArray[np.integer]) -> Judged:
    """By its sentences where as a whole it is unlike what was learned. Else they may make it surer of its team, and one
    that is surest of another team speaks against it. team_of: see `judged`.
    """
    whole = judged(parameters, parameters.vocabulary.encode(text), team_of)
    asking = [each for each in _surest(parameters, sentences(text), team_of) if each.familiar]
    if not asking:
        return whole
    said = _spoken([whole, *asking] if whole.familiar else asking)
    if whole.familiar and said.team != whole.team:
        return replace(whole, confidence=min(whole.confidence, said.confidence))
    return whole if whole.familiar and whole.confidence >= said.confidence else said


def _spoken(found: list[Judged]) -> Judged:
    """The surest, less what another of another team says against it."""
    best = max(found, key=lambda each: each.confidence)
    against = max((each.confidence for each in found if each.team != best.team), default=0.0)
    return replace(best, confidence=best.confidence * (1 - against))


def sentences(text: str) -> list[str]:
    """Those that say something, each once; none where the text is one sentence."""
    parts = dict.fromkeys(part.strip() for part in SENTENCE_END.split(text[:MAX_CHARS]) if part.strip())
    found = [part for part in parts if len(part.split()) >= _LEAST_WORDS]
    return found[:_MOST_SENTENCES] if len(parts) > 1 else []


def _surest(parameters: Parameters, parts: list[str], team_of: NDArray[np.integer]) -> list[Judged]:
    encoded = [parameters.vocabulary.encode(part) for part in parts]
    sure = [np.bincount(team_of, weights=parameters.probabilities(each)).max() for each in encoded]
    order = sorted(range(len(parts)), key=lambda at: -sure[at])[:_LOOKED_AT]
    return [judged(parameters, encoded[at], team_of) for at in order]


def judged(parameters: Parameters, features: Features, team_of: NDArray[np.integer]) -> Judged:
    """team_of: the number of each label's team, by column."""
    chances = parameters.probabilities(features)
    team_chances = np.bincount(team_of, weights=chances)
    team = int(team_chances.argmax())
    label = int(np.where(team_of == team, chances, -1.0).argmax())
    probability = min(1.0, float(team_chances[team]))
    score = scope_score(parameters, features, label, probability, team_of == team, parameters.scope_from)
    familiar = score >= parameters.scope_from
    ceiling = likeness(parameters, score) if familiar else UNFAMILIAR_CEILING
    return Judged(features, team, label, chances, probability, familiar, min(probability, ceiling))
