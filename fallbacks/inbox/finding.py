"""Find a choice by its words, their beginnings or initials, its description or its team, as the console's palette does.

`fallbacks/console/static/palette.js` is the same in the browser, where it must answer without a network; a test holds
one to the other.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from tasks.run.process import Choice, Process

_WORD = re.compile(r"[^\W_]+")
MOST_TYPED = 40
IN_THE_NAME, ABOUT_IT = 20.0, 40.0


def found(process: Process, text: str) -> list[Choice]:
    """Choices that the text may mean, best first; all of them for a text without words."""
    typed = _tokens(text)
    costs = [(_cost(process, choice, typed), choice) for choice in process.choices]
    return [choice for _, choice in sorted(((c, one) for c, one in costs if c is not None), key=lambda pair: pair[0])]


def _cost(process: Process, choice: Choice, typed: Sequence[str]) -> float | None:
    name = choice.name.replace("_", " ").lower()
    if not typed:
        return 0.0
    spelling = _spelled("".join(typed)[:MOST_TYPED], tuple(_tokens(name)))
    if spelling is not None:
        return spelling
    if all(one in name for one in typed):
        return IN_THE_NAME
    kind = next((kind for kind in process.kinds if kind.key == choice.name), None)
    more = (kind.about, *kind.alike) if kind else ()
    words = _tokens(" ".join((name, choice.detail, *more)))
    return ABOUT_IT if all(any(word.startswith(one) for word in words) for one in typed) else None


def _tokens(text: str) -> list[str]:
    return _WORD.findall(text.lower())


@lru_cache(maxsize=10_000)
def _spelled(typed: str, words: tuple[str, ...]) -> float | None:
    """How well beginnings of the words, in their order, spell what was typed: words passed over cost 1."""
    if not typed:
        return len(words) / 10
    costs: list[float] = []
    for place, word in enumerate(words):
        for length in range(1, min(len(word), len(typed)) + 1):
            if word[length - 1] != typed[length - 1]:
                break
            rest = _spelled(typed[length:], words[place + 1 :])
            if rest is not None:
                costs.append(place + rest)
    return min(costs, default=None)
