"""TF-IDF over words, word pairs and character n-grams. The same code serves training and answering: no skew.

Weights follow scikit-learn's TfidfVectorizer with `sublinear_tf` and smoothed idf; words and characters are
normalised apart, so that neither drowns the other.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

MAX_CHARS = 3_000
"""A ticket is read this far: a run of hostile text must not cost more than a few milliseconds."""

_MAX_WORD = 40
_GRAM_SIZES = (2, 3, 4)
_MIN_DOCUMENTS = 2
_WORD = re.compile(r"\w+(?:'\w+)?")
_WORD_MARK = "w "

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


def words(text: str) -> list[str]:
    """The lower-case words of the part that is read."""
    return [word[:_MAX_WORD] for word in _WORD.findall(text[:MAX_CHARS].replace("\u2019", "'").lower())]


@lru_cache(maxsize=20_000)
def _grams_of_word(word: str) -> tuple[str, ...]:
    padded = f" {word} "
    return (
        _WORD_MARK + word,
        *(padded[i : i + n] for n in _GRAM_SIZES for i in range(len(padded) - n + 1)),
    )


def _pairs(found: list[str]) -> list[str]:
    return [f"{_WORD_MARK}{first} {second}" for first, second in pairwise(found)]


def _grams(text: str) -> list[str]:
    found = words(text)
    return [gram for word in found for gram in _grams_of_word(word)] + _pairs(found)


@dataclass(frozen=True, slots=True)
class Features:
    """One text. ids: known n-grams, each once. weights: their TF-IDF. by_word: the ids that each word brought in."""

    ids: Ints
    weights: Floats
    by_word: dict[str, tuple[int, ...]]


class Vocabulary:
    """The n-grams a model knows, with their inverse document frequencies."""

    def __init__(self, grams: list[str], idf: Floats) -> None:
        self.grams = grams
        self.idf = idf
        self.is_word = np.array([gram.startswith(_WORD_MARK) for gram in grams], dtype=bool)
        self._ids = {gram: index for index, gram in enumerate(grams)}
        self._of_word = lru_cache(maxsize=20_000)(self._known)

    @classmethod
    def learn(cls, texts: Iterable[str]) -> "Vocabulary":
        """Every n-gram that occurs in at least two texts."""
        documents = [set(_grams(text)) for text in texts]
        frequency = Counter(gram for document in documents for gram in document)
        kept = sorted(gram for gram, count in frequency.items() if count >= _MIN_DOCUMENTS)
        total = 1 + len(documents)
        idf = [math.log(total / (1 + frequency[gram])) + 1 for gram in kept]
        return cls(kept, np.array(idf, dtype=np.float32))

    def encode(self, text: str) -> Features:
        """The text as weighted n-grams; empty when nothing in it is known."""
        found = words(text)
        by_word = {word: self._of_word(word) for word in dict.fromkeys(found)}
        paired = [self._ids[pair] for pair in _pairs(found) if pair in self._ids]
        counts = Counter(chain(chain.from_iterable(map(by_word.__getitem__, found)), paired))
        ids = np.fromiter(counts.keys(), dtype=np.int32, count=len(counts))
        frequency = np.fromiter(counts.values(), dtype=np.float32, count=len(counts))
        weights = (1 + np.log(frequency)) * self.idf[ids]
        in_words = self.is_word[ids]
        for block in (in_words, ~in_words):
            length = math.sqrt(float(np.dot(weights[block], weights[block])) * 2)
            if length:
                weights[block] /= length
        return Features(ids, weights, by_word)

    def _known(self, word: str) -> tuple[int, ...]:
        return tuple(self._ids[gram] for gram in _grams_of_word(word) if gram in self._ids)
