"""TF-IDF over words, word pairs and character n-grams. The same code serves training and answering: no skew.

Weights follow scikit-learn's TfidfVectorizer with `sublinear_tf` and smoothed idf; words and characters are
normalised apart, so that neither drowns the other.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain, pairwise

import numpy as np

from worker.models.local.sparse import Floats, Ints, Rows, rows_of

MAX_CHARS = 3_000
"""A ticket is read this far: a run of hostile text must not cost more than a few milliseconds."""

_MAX_WORD = 40
_GRAM_SIZES = (2, 3, 4)
_MIN_DOCUMENTS = 2
_WORD = re.compile(r"\w+(?:'\w+)?")
_WORD_MARK = "w "

_DAMPED = (1 + np.log(np.maximum(1, np.arange(MAX_CHARS + 1)))).astype(np.float32)
"""What an n-gram weighs that a text holds so many times."""

_NOTHING: Ints = np.zeros(0, dtype=np.int32)


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
    """One text. ids: known n-grams, each once. weights: their TF-IDF. words: its words, each once."""

    ids: Ints
    weights: Floats
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Texts. weights: a row of TF-IDF each. words: of each text, each once. known: the n-gram that each of those
    words is, -1 where the word is not known.
    """

    weights: Rows
    words: list[tuple[str, ...]]
    known: list[Ints]

    def __getitem__(self, at: int) -> Features:
        return Features(*self.weights.row(at), self.words[at])

    def taken(self, rows: Sequence[int]) -> "Encoded":
        """These of the texts."""
        return Encoded(self.weights.taken(rows), [self.words[at] for at in rows], [self.known[at] for at in rows])


class _Numbers(dict[str, int]):
    """Numbers whatever is looked up, in order."""

    def __missing__(self, token: str) -> int:
        self[token] = number = len(self)
        return number


class Vocabulary:
    """The n-grams a model knows, with their inverse document frequencies."""

    def __init__(self, grams: list[str], idf: Floats) -> None:
        self.grams = grams
        self.idf = idf
        self.is_word = np.array([gram.startswith(_WORD_MARK) for gram in grams], dtype=bool)
        self._ids = {gram: index for index, gram in enumerate(grams)}
        pairs = ((tuple(gram.removeprefix(_WORD_MARK).split(" ")), gram) for gram in grams if gram.count(" ") == 2)
        self._pairs = {pair: gram for pair, gram in pairs if all(pair)}
        self.of_token = lru_cache(maxsize=20_000)(self._known)

    @classmethod
    def learn(cls, texts: Iterable[str]) -> "Vocabulary":
        """Every n-gram that occurs in at least two texts."""
        documents = [set(_grams(text)) for text in texts]
        frequency = Counter(gram for document in documents for gram in document)
        kept = sorted(gram for gram, count in frequency.items() if count >= _MIN_DOCUMENTS)
        total = 1 + len(documents)
        idf = [math.log(total / (1 + frequency[gram])) + 1 for gram in kept]
        return cls(kept, np.array(idf, dtype=np.float32))

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Texts as weighted n-grams; nothing where nothing of one is known. What stands beside a text changes nothing
        of it, not by a bit.
        """
        return self.encode_words(list(map(words, texts)))

    def encode_words(self, texts: Iterable[Sequence[str]]) -> Encoded:
        """The same of texts whose `words` are known."""
        numbers, tokens, counts, held, own = _Numbers(), list[int](), list[int](), list[int](), list[tuple[str, ...]]()
        for found in texts:
            times = Counter(chain(found, filter(None, map(self._pairs.get, pairwise(found)))))
            own.append(tuple(dict.fromkeys(found)))
            tokens.extend(map(numbers.__getitem__, times))
            counts.extend(times.values())
            held.append(len(times))
        brought = [self.of_token(token) for token in numbers]
        ids = np.concatenate([_NOTHING, *brought])
        grams = rows_of(list(map(len, brought)), ids, np.ones(len(ids), np.float32), len(self.grams))
        of_texts = rows_of(held, np.array(tokens, np.int32), np.array(counts, np.float32), len(brought))
        known = self._whole_words(grams)[of_texts.ids]
        own_known = [known[start : start + len(each)] for start, each in zip(of_texts.starts, own, strict=False)]
        return Encoded(self._weighted(of_texts.joined(grams)), own, own_known)

    def _weighted(self, counted: Rows) -> Rows:
        """Texts by how often they hold each n-gram, as TF-IDF; words and characters of a length of their own."""
        weights = _DAMPED[counted.values.astype(np.int32)] * self.idf[counted.ids]
        block = np.repeat(np.arange(0, 2 * len(counted), 2), np.diff(counted.starts)) + self.is_word[counted.ids]
        lengths = np.sqrt(2 * np.bincount(block, weights=weights * weights)).astype(np.float32)
        return replace(counted, values=weights / lengths[block])

    def _whole_words(self, grams: Rows) -> Ints:
        """Of each token the n-gram that is the whole word, -1 where that is not known."""
        found: Ints = np.full(len(grams), -1, dtype=np.int32)
        held = np.flatnonzero(np.diff(grams.starts))
        firsts = grams.ids[grams.starts[held]]
        found[held] = np.where(self.is_word[firsts], firsts, -1)
        return found

    def _known(self, token: str) -> Ints:
        """What a word brings in, or a known pair of words."""
        grams = (token,) if token.startswith(_WORD_MARK) else _grams_of_word(token)
        return np.array([self._ids[gram] for gram in grams if gram in self._ids], dtype=np.int32)
