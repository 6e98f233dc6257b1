"""What a ticket's words weigh against all others of a deployment: enough to see which ones are alike. Pure."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

_WORD = re.compile(r"[^\W_]+")
_STEM = 6
"""Letters of a word that count: "transferred" and "transfer" are one, in most languages that inflect at the end."""

MOST_CHARS = 600
"""Of a text that are read."""

SHARED = 0.6
"""Of the texts of a group must say what stands in its title."""

_LONGEST_RUN, _MOST_RUNS = 8, 3

Vector = Mapping[str, float]
"""Weight by stem, of length 1."""


def words_of(text: str) -> list[str]:
    """Those that are read, without case."""
    return _WORD.findall(text[:MOST_CHARS].casefold())


def stems(text: str) -> list[str]:
    """The beginnings of its words, and of each two that follow each other."""
    found = [word[:_STEM] for word in words_of(text)]
    return [*found, *(f"{first} {second}" for first, second in pairwise(found))]


def phrase(texts: Sequence[str], telling: Sequence[str]) -> str:
    """What most of the texts say, in the words of the first of them and in their order, with ` … ` for what differs.

    telling: stems; without one of them words that follow each other are left out. Where the texts share none of these,
    the first text.
    """
    counts = Counter(stem for text in texts for stem in {word[:_STEM] for word in words_of(text)})
    runs: list[list[str]] = [[]]
    for word in _WORD.findall(texts[0][:MOST_CHARS]):
        if counts[word.casefold()[:_STEM]] >= SHARED * len(texts):
            runs[-1].append(word)
        elif runs[-1]:
            runs.append([])
    told = [run[:_LONGEST_RUN] for run in runs if any(word.casefold()[:_STEM] in telling for word in run)]
    return " … ".join(" ".join(run) for run in told[:_MOST_RUNS]) or " ".join(texts[0].split())[:140]


class Weights:
    """How rare each stem is among the texts of a deployment (inverse document frequency, smoothed)."""

    def __init__(self, texts: Iterable[str]) -> None:
        counts: Counter[str] = Counter()
        self._total = 0
        for text in texts:
            counts.update(set(stems(text)))
            self._total += 1
        self._counts = counts

    def vector(self, text: str) -> Vector:
        """Of one text; empty where it has no words."""
        weights = {stem: math.log((1 + self._total) / (1 + self._counts[stem])) for stem in set(stems(text))}
        return normal(weights)


def normal(weights: Mapping[str, float]) -> Vector:
    """The same direction, of length 1."""
    length = math.sqrt(sum(weight * weight for weight in weights.values()))
    return {stem: weight / length for stem, weight in weights.items()} if length else {}


def likeness(one: Vector, other: Vector) -> float:
    """0..1, the cosine."""
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    return sum(weight * long.get(stem, 0.0) for stem, weight in short.items())


def centre(vectors: Sequence[Vector]) -> Vector:
    """What they have in common."""
    total: Counter[str] = Counter()
    for vector in vectors:
        total.update(vector)
    return normal(total)
