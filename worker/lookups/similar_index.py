"""Similar decided tickets: an index of words in memory, fed by whoever knows the decisions.

A search reads the rarest words first, and a bounded number of entries: what it costs does not grow with what is known.
"""

import re
import unicodedata
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import nlargest
from math import log

from tasks.tools.ports import PastTicket
from worker.lookups.words import READ_CHARS, words_of

MAX_TEXT_CHARS = READ_CHARS
DEFAULT_CAPACITY = 10_000

MOST_FOUND = 10

MOST_LATELY = 64
"""Texts whose tickets are kept until another is learned: a run may search by its ticket twice."""

MOST_READ = 2_000
"""Entries of a search."""

MOST_COMPARED = 100
"""Of the tickets that have rare words in common, those whose other words are looked at."""

FAR_BEHIND = 0.4
"""Of the most that the words in common weigh: with less a ticket is not looked at."""

MOST_WORDS = 32
"""Of a text that is searched by, the rarest."""

_LENGTH_COUNTS = 0.75
_SATURATED_AT = 1.2
"""b and k1 of BM25, in which a word counts once."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """words: its stems between blanks. count: of them. brief: what their weight is multiplied by, more where it says
    little else.
    """

    ticket: PastTicket
    words: str
    count: int
    brief: float


class SimilarTickets:
    """The `similar` half of `tasks.tools.ports.TicketHistory`. One event loop owns an instance, and no call
    blocks it for long.

    capacity: the newest so many tickets are kept.
    """

    def __init__(self, capacity: int = DEFAULT_CAPACITY) -> None:
        self.capacity = capacity
        self._numbers: dict[str, int] = {}
        self._kept: dict[int, _Entry] = {}
        self._having: dict[str, array[int]] = {}
        self._lately: dict[str, list[PastTicket]] = {}
        self._next = self._words = self._removed = 0

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, ticket: PastTicket) -> None:
        """Learn one decided ticket; the same id again replaces it, e.g. after a person's correction."""
        self.add_many((ticket,))

    def add_many(self, tickets: Iterable[PastTicket]) -> None:
        """Learn decided tickets; undecided ones are passed over. About 10 ms per thousand: feed large lots in parts."""
        learned = [each for each in tickets if each.facets]
        self._lately.clear()
        for ticket in learned:
            self._add(ticket)
        while len(self._kept) > self.capacity:
            self._remove(next(iter(self._kept)))
        if self._removed > self.capacity:
            self._forget()

    async def similar(self, text: str, limit: int) -> list[PastTicket]:
        """Decided tickets most like this text, best first, at most `MOST_FOUND`."""
        read = text[:READ_CHARS]
        found = self._lately.get(read)
        if found is None:
            if len(self._lately) >= MOST_LATELY:
                self._lately.clear()
            found = self._lately[read] = self._search(read)
        return found[: max(0, limit)]

    def _search(self, text: str) -> list[PastTicket]:
        having, kept = self._having, self._kept
        stems = sorted([stem for stem in _stems(text) if stem in having], key=lambda stem: len(having[stem]))[
            :MOST_WORDS
        ]
        if not stems:
            return []
        weights = {stem: log(1 + len(kept) / len(having[stem])) for stem in stems}
        shared, unread = self._shared(stems, weights)
        least = FAR_BEHIND * max(shared.values())
        likely = [
            (weight * kept[number].brief, number)
            for number, weight in shared.items()
            if weight >= least and number in kept
        ]
        if unread:
            likely = [
                (weight + kept[number].brief * _more(kept[number].words, unread), number)
                for weight, number in nlargest(MOST_COMPARED, likely)
            ]
        return [kept[number].ticket for _, number in nlargest(MOST_FOUND, likely)]

    def _shared(
        self, stems: Sequence[str], weights: Mapping[str, float]
    ) -> tuple[dict[int, float], list[tuple[str, float]]]:
        """(what the words that were read weigh together, by ticket; words that were not, with their weights). stems:
        rarest first.
        """
        left, first = MOST_READ, self._having[stems[0]]
        found = dict.fromkeys(first[-left:], weights[stems[0]])
        for place, stem in enumerate(stems[1:], 1):
            numbers, weight = self._having[stem], weights[stem]
            left -= len(numbers)
            if left < 0:
                return found, [(f" {stem} ", weights[stem]) for stem in stems[place:]]
            for number in numbers:
                found[number] = found.get(number, 0.0) + weight
        return found, []

    def _add(self, ticket: PastTicket) -> None:
        if ticket.id in self._numbers:
            self._remove(self._numbers[ticket.id])
        text = ticket.text[:MAX_TEXT_CHARS]
        stems = _stems(text)
        number = self._next = self._next + 1
        self._numbers[ticket.id] = number
        self._words += len(stems)
        length = len(stems) * (len(self._kept) + 1) / max(1, self._words)
        brief = 1 / (1 + _SATURATED_AT * (1 - _LENGTH_COUNTS + _LENGTH_COUNTS * length))
        self._kept[number] = _Entry(
            PastTicket(ticket.id, text, ticket.facets), f" {' '.join(stems)} ", len(stems), brief
        )
        for stem in stems:
            if (numbers := self._having.get(stem)) is None:
                self._having[stem] = array("L", (number,))
            else:
                numbers.append(number)

    def _remove(self, number: int) -> None:
        entry = self._kept.pop(number)
        del self._numbers[entry.ticket.id]
        self._words -= entry.count
        self._removed += 1

    def _forget(self) -> None:
        """What the words still have of tickets that are gone."""
        left = ((stem, array("L", filter(self._kept.__contains__, old))) for stem, old in self._having.items())
        self._having = {stem: numbers for stem, numbers in left if numbers}
        self._removed = 0


def _stems(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(_stem, words_of(text))))


def _more(words: str, unread: Sequence[tuple[str, float]]) -> float:
    return sum([weight for stem, weight in unread if stem in words])


@lru_cache(maxsize=32_768)
def _stem(word: str) -> str:
    """Without marks on letters, and without the commonest endings of English."""
    if not word.isascii():
        word = "".join(char for char in unicodedata.normalize("NFKD", word) if not unicodedata.combining(char))
    if word.endswith("s") and not word.endswith(("ss", "us")):
        word = word[:-3] + "y" if word.endswith("ies") and len(word) > 4 else word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and _VOWEL.search(word, 0, len(word) - len(ending)) and len(word) - len(ending) >= 3:
            word = _undoubled(word[: -len(ending)])
            break
    return (
        word[:-1] + "i" if len(word) > 3 and word.endswith("y") else word.removesuffix("e") if len(word) > 3 else word
    )


def _undoubled(word: str) -> str:
    return word[:-1] if word[-1] == word[-2] and word[-1] not in "lsz" else word


_VOWEL = re.compile("[aeiouy]")
