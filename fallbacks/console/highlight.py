"""A text with its evidence, or what a search asked for, marked; cut in two where it is very long."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from fallbacks.console.hidden import visible
from fallbacks.history.words import Term
from fallbacks.inbox.evidence import evidence_spans
from fallbacks.search.excerpts import spans_of

_MARK, _UNMARK = Markup("<mark>"), Markup("</mark>")


def marked(text: str, quotes: Iterable[str], start: int = 0, stop: int | None = None) -> Markup:
    """HTML of `text[start:stop]` with every quote in a <mark>; hidden characters are shown."""
    return _at(text, evidence_spans(text, quotes), start, stop)


def asked_for(text: str, terms: Sequence[Term]) -> Markup:
    """HTML of a text with every word that a search asked for in a <mark>."""
    return _at(text, spans_of(text, terms))


def _at(text: str, spans: Iterable[tuple[int, int]], start: int = 0, stop: int | None = None) -> Markup:
    end = len(text) if stop is None else min(stop, len(text))
    parts: list[Markup] = []
    at = start
    for first, last in spans:
        first, last = max(first, at), min(last, end)
        if first >= last:
            continue
        parts += [visible(text[at:first]), _MARK, visible(text[first:last]), _UNMARK]
        at = last
    parts.append(visible(text[at:end]))
    return Markup("").join(parts)
