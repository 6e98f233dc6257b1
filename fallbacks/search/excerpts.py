"""Where the words of a search stand in a text, and the piece of it that a list shows."""

import re
from collections.abc import Sequence

from fallbacks.history.port import Facts
from fallbacks.history.words import Term, folded

SHOWN_CHARS = 240
BEFORE_CHARS = 60
"""Of an excerpt, before the first word that was asked for."""

_WORD = re.compile(r"[^\W_]+")


def spans_of(text: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """(start, end) of each word of the text that a term asks for."""
    whole = {word for term in terms for word in (term.words[:-1] if term.prefix else term.words)}
    begun = tuple(term.words[-1] for term in terms if term.prefix)
    found = list[tuple[int, int]]()
    for match in _WORD.finditer(text) if terms else ():
        word = folded(match[0])
        if word in whole or (begun and word.startswith(begun)):
            found.append(match.span())
    return found


def said(facts: Facts, terms: Sequence[Term]) -> str:
    """What was written, below the subject. The summary of a suggestion or decision, which is searched too and stands
    last, is there only where nothing else has a word that was asked for.
    """
    whole = facts.text.removeprefix(facts.subject)
    written = whole.rpartition("\n\n")[0] if facts.key else ""
    return written if written.strip() and (spans_of(written, terms) or not spans_of(whole, terms)) else whole


def excerpt(text: str, terms: Sequence[Term], chars: int = SHOWN_CHARS) -> str:
    """A piece of the text around the first word that was asked for; its beginning where there is none. On one line."""
    line = " ".join(text.split())
    first = next((start for start, _ in spans_of(line, terms)), 0)
    start = max(0, min(first - BEFORE_CHARS, len(line) - chars))
    start = line.find(" ", start) + 1 if start else 0
    piece = line[start : start + chars]
    return f"{'…' if start else ''}{piece}{'…' if start + chars < len(line) else ''}"
