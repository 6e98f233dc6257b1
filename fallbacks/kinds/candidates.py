"""What may be missing among the kinds: groups of alike tickets that people closed, or decided as none of them. Pure.

A ticket and those like it are a group, the largest first; its centre then gathers again, until nothing changes. How
much alike they must be was chosen on eight labels of Banking77's train split (`tests/bench/missing_label.py`).
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from fallbacks.kinds.words import Vector, Weights, centre, likeness, phrase, words_of
from fallbacks.ledger.past.examples import Example

ALIKE, ALIKE_TO_CENTRE = 0.12, 0.144
"""Cosines, of two tickets and of a ticket and the centre of a group."""

LEAST = 4
"""Tickets of a group that is offered."""

MOST = 500
"""Tickets that are compared, the latest ones."""

_SHOWN_WORDS, _LEAST_LETTERS = 6, 3
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A group. tickets: ids, the most typical first. words: what they have in common, the most telling first; title:
    the same as the most typical one says it.

    given: what the agent had suggested of like tickets that people decided otherwise: kind -> how many.
    """

    tickets: tuple[str, ...]
    words: tuple[str, ...]
    title: str
    given: tuple[tuple[str, int], ...] = ()


def candidates(unfitting: Sequence[Example], others: Sequence[Example]) -> list[Candidate]:
    """The largest first. unfitting: that no kind fits, oldest first; others: what else people ended, for comparison."""
    latest = [example for example in unfitting if example.text.strip()][-MOST:]
    weights = Weights(example.text for example in (*latest, *others))
    vectors = [weights.vector(example.text) for example in latest]
    changed = [(each, weights.vector(each.text)) for each in others if each.suggested and not each.stood]
    found = (_candidate(latest, vectors, group, changed) for group in groups(vectors) if len(group) >= LEAST)
    return sorted(found, key=lambda each: -len(each.tickets))


def groups(vectors: Sequence[Vector], alike: float = ALIKE, to_centre: float = ALIKE_TO_CENTRE) -> list[list[int]]:
    """The places of those that are alike, each in one group at most; of what is like nothing, none."""
    near = _near(vectors, alike)
    free, found = set(range(len(vectors))), list[list[int]]()
    while free:
        seed = max(free, key=lambda at: (sum(like for other, like in near[at].items() if other in free), -at))
        group = _gathered(vectors, {seed, *(free & near[seed].keys())}, free, to_centre)
        if len(group) < 2:
            break
        found.append(sorted(group))
        free -= group
    return found


def _gathered(vectors: Sequence[Vector], group: set[int], free: set[int], to_centre: float) -> set[int]:
    for _ in range(_ROUNDS):
        if len(group) < 2:
            break
        middle = centre([vectors[at] for at in sorted(group)])
        again = {at for at in free if likeness(vectors[at], middle) >= to_centre}
        if again == group or len(again) < 2:
            break
        group = again
    return group


def _near(vectors: Sequence[Vector], alike: float) -> list[dict[int, float]]:
    """Of each, those that are alike, and how much."""
    holders: dict[str, list[tuple[int, float]]] = defaultdict(list)
    shared: list[dict[int, float]] = [defaultdict(float) for _ in vectors]
    for at, vector in enumerate(vectors):
        for stem, weight in vector.items():
            for other, theirs in holders[stem]:
                shared[at][other] += weight * theirs
            holders[stem].append((at, weight))
    near: list[dict[int, float]] = [{} for _ in vectors]
    for at, others in enumerate(shared):
        for other, like in others.items():
            if like >= alike:
                near[at][other] = near[other][at] = like
    return near


def _candidate(
    examples: Sequence[Example],
    vectors: Sequence[Vector],
    group: Sequence[int],
    changed: Sequence[tuple[Example, Vector]],
) -> Candidate:
    middle = centre([vectors[at] for at in group])
    typical = sorted(group, key=lambda at: -likeness(vectors[at], middle))
    given = Counter(each.suggested or "" for each, vector in changed if likeness(vector, middle) >= ALIKE_TO_CENTRE)
    telling = sorted(middle, key=lambda stem: -middle[stem])
    single = [stem for stem in telling if " " not in stem and len(stem) >= _LEAST_LETTERS]
    texts, told = [examples[at].text for at in typical], single[:_SHOWN_WORDS]
    ids, words = tuple(examples[at].id for at in typical), whole_words(told, texts)
    return Candidate(ids, words, phrase(texts, told), tuple(given.most_common(3)))


def whole_words(stems: Sequence[str], texts: Sequence[str]) -> tuple[str, ...]:
    """Each as the word that most of the texts have for it."""
    said = Counter(word for text in texts for word in words_of(text))
    return tuple(next((word for word, _ in said.most_common() if word.startswith(stem)), stem) for stem in stems)
