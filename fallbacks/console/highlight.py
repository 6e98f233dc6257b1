"""A ticket's text with its evidence marked, cut in two where it is very long."""

from collections.abc import Iterable

from markupsafe import Markup

from fallbacks.console.hidden import visible
from fallbacks.inbox.evidence import evidence_spans

_MARK, _UNMARK = Markup("<mark>"), Markup("</mark>")


def marked(text: str, quotes: Iterable[str], start: int = 0, stop: int | None = None) -> Markup:
    """HTML of `text[start:stop]` with every quote in a <mark>; hidden characters are shown."""
    end = len(text) if stop is None else min(stop, len(text))
    parts: list[Markup] = []
    at = start
    for first, last in evidence_spans(text, quotes):
        first, last = max(first, at), min(last, end)
        if first >= last:
            continue
        parts += [visible(text[at:first]), _MARK, visible(text[first:last]), _UNMARK]
        at = last
    parts.append(visible(text[at:end]))
    return Markup("").join(parts)
