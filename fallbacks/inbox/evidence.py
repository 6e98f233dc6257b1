"""Where a decision's quotes stand in its ticket, so that a person sees them instead of looking for them."""

from collections.abc import Iterable

from tasks.safety.quotes import Folded


def evidence_spans(text: str, quotes: Iterable[str]) -> tuple[tuple[int, int], ...]:
    """(start, end) of every quote in the text, in order and without overlap. White space is not part of a quote."""
    folded = Folded(text)
    merged: list[tuple[int, int]] = []
    for start, end in sorted(span for quote in quotes for span in folded.spans(quote)):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
