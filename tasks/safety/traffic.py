"""What is ordinary in a deployment's own tickets, so that it is no mark of an attack there. Pure.

A shop's customers paste no code and a project's do; so both the marks that a deployment's own tickets show, and the
words they are made of, are counted in them. Passages of words that they do not have are out of place: that is how an
attack is found whose wrapper nobody knows.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tasks.safety.ordinary_words import LETTERS
from tasks.safety.passages import Passage, passages

FORM = 1
"""Raise it whenever the same tickets come to give other traffic: what was kept is learned again then."""

LEAST_TEXTS = 200
"""With fewer no passage is called out of place: too few words are known."""

MOST_TEXTS = 20_000
COMMON_FROM = 0.005
_COMMON_LEAST = 3
_OUT_OF_PLACE = 0.003
"""So many of the own tickets may seem to have a passage that is out of place."""

_LEAST_UNKNOWN = 0.2


@dataclass(frozen=True, slots=True)
class Traffic:
    """words: of at least two tickets. unknown_from: the share of unknown words from which on a passage that asks for
    something is out of place; more than 1: never. common: marks that are none here. tickets: how many were read.
    """

    words: frozenset[str] = frozenset()
    unknown_from: float = 2.0
    common: frozenset[str] = frozenset()
    tickets: int = 0

    def out_of_place(self, passage: Passage) -> bool:
        """Whether it asks for something in words that no ticket here has."""
        return self.unknown_from <= 1 and passage.asks and _unknown(passage, self.words) >= self.unknown_from


UNKNOWN_TRAFFIC = Traffic()


def learn(texts: Iterable[str], marks_of: Callable[[str], Iterable[str]]) -> Traffic:
    """From a deployment's own tickets. marks_of: the names of a text's marks that may be ordinary."""
    kept = [text for text, _ in zip(texts, range(MOST_TEXTS), strict=False)]
    if len(kept) < LEAST_TEXTS:
        return Traffic(common=_common(kept, marks_of), tickets=len(kept))
    read = [tuple(passages(text)) for text in kept]
    counts = Counter(word for each in read for word in {word for passage in each for word in passage.words})
    known = frozenset(word for word, count in counts.items() if count > 1) | LETTERS
    return Traffic(known, _unknown_from(read, counts), _common(kept, marks_of), len(kept))


def _common(texts: Sequence[str], marks_of: Callable[[str], Iterable[str]]) -> frozenset[str]:
    counts = Counter(name for text in texts for name in set(marks_of(text)))
    least = max(_COMMON_LEAST, COMMON_FROM * len(texts))
    return frozenset(name for name, count in counts.items() if count >= least)


def _unknown_from(read: Sequence[Sequence[Passage]], counts: Mapping[str, int]) -> float:
    """The share that all but a few of these tickets stay below, each read as if it had not been counted."""
    others = frozenset(word for word, count in counts.items() if count > 2) | LETTERS  # itself and one more are not two
    shares = sorted(max((_unknown(p, others) for p in each if p.asks), default=0.0) for each in read)
    return max(_LEAST_UNKNOWN, shares[int((1 - _OUT_OF_PLACE) * (len(shares) - 1))] + 1e-9)


def _unknown(passage: Passage, known: frozenset[str]) -> float:
    """The share of its words that are unknown, a little less for a short one."""
    words = set(passage.words)
    return sum(word not in known for word in words) / (len(words) + 2)
