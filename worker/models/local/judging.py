"""What a set of parameters makes of one text: the same for answering a ticket and for proving on held-out ones.

A mail is mostly greeting, courtesy and signature, which nothing was learned from: as a whole it is unlike what was
learned, or only so much like it. Its sentences are judged one by one, and the one that is most surely about something
speaks for it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from worker.models.local.features import MAX_CHARS, Encoded, Features, words
from worker.models.local.parameters import Parameters
from worker.models.local.scope import likeness, scope_scores
from worker.models.local.sparse import Floats

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


@dataclass(frozen=True, slots=True)
class Clauses:
    """A text in its sentences and lines, each as often as it stands there, with their words."""

    said: tuple[str, ...]
    words: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, text: str) -> "Clauses":
        """Of the part of it that is read."""
        said = tuple(part for each in SENTENCE_END.split(text[:MAX_CHARS]) if (part := each.strip()))
        return cls(said, {part: words(part) for part in said})

    @property
    def all_words(self) -> list[str]:
        """Those of the text: none reaches over the end of a sentence."""
        return [word for part in self.said for word in self.words[part]]

    @property
    def telling(self) -> list[str]:
        """Those that say something, each once; none where the text is one sentence."""
        found = [part for part in self.words if len(part.split()) >= _LEAST_WORDS]
        return found[:_MOST_SENTENCES] if len(self.words) > 1 else []


def judged_texts(parameters: Parameters, texts: Sequence[Clauses], team_of: NDArray[np.integer]) -> list[Judged]:
    """Each by its sentences where as a whole it is unlike what was learned. Else they may make it surer of its team,
    and one that is surest of another team speaks against it. team_of: see `judged`.
    """
    parts = [text.telling for text in texts]
    spoken = (text.words[part] for text, own in zip(texts, parts, strict=True) for part in own)
    encoded = parameters.vocabulary.encode_words(chain((text.all_words for text in texts), spoken))
    chances = parameters.probabilities(encoded)
    sure = _of_teams(chances, team_of).max(axis=1).tolist()
    rows, asked, begins = list(range(len(texts))), list[range](), len(texts)
    for part in parts:
        surest = sorted(range(begins, begins + len(part)), key=lambda at: -sure[at])[:_LOOKED_AT]
        asked.append(range(len(rows), len(rows) + len(surest)))
        rows += surest
        begins += len(part)
    if len(rows) < len(encoded.words):
        encoded, chances = encoded.taken(rows), chances[rows]
    found = judged(parameters, encoded, team_of, chances)
    return [_by_sentences(found[at], [found[row] for row in asked[at]]) for at in range(len(texts))]


def _by_sentences(whole: Judged, parts: list[Judged]) -> Judged:
    asking = [each for each in parts if each.familiar]
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


def judged(
    parameters: Parameters, texts: Encoded, team_of: NDArray[np.integer], chances: Floats | None = None
) -> list[Judged]:
    """Each text as it is. team_of: the number of each label's team, by column. chances: of the texts, where known."""
    chances = parameters.probabilities(texts) if chances is None else chances
    of_teams = _of_teams(chances, team_of)
    teams = of_teams.argmax(axis=1)
    labels = np.where(team_of == teams[:, None], chances, -1.0).argmax(axis=1).tolist()
    sure = [min(1.0, each) for each in of_teams.max(axis=1).tolist()]
    scores = scope_scores(parameters, texts, labels, sure, team_of, parameters.scope_from)
    found = []
    for at, (team, label, probability, score) in enumerate(zip(teams.tolist(), labels, sure, scores, strict=True)):
        familiar = score >= parameters.scope_from
        ceiling = likeness(parameters, score) if familiar else UNFAMILIAR_CEILING
        confidence = min(probability, ceiling)
        found.append(Judged(texts[at], team, label, chances[at], probability, familiar, confidence))
    return found


def _of_teams(chances: Floats, team_of: NDArray[np.integer]) -> NDArray[np.float64]:
    """The chances of each team, by text. A matrix product would round by what stands beside a text."""
    texts, teams = len(chances), int(team_of.max()) + 1
    at = np.arange(texts)[:, None] * teams + team_of
    found = np.bincount(at.ravel(), weights=chances.ravel(), minlength=texts * teams)
    return found.reshape(texts, teams).astype(np.float64, copy=False)
