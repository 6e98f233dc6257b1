"""Where a decision's quotes stand in its ticket, so that a person sees them instead of looking for them."""

import re
from collections.abc import Iterable


def evidence_spans(text: str, quotes: Iterable[str]) -> tuple[tuple[int, int], ...]:
    """(start, end) of every quote in the text, in order and without overlap. White space is not part of a quote."""
    found: list[tuple[int, int]] = []
    for quote in quotes:
        words = quote.split()
        if words:
            pattern = r"\s+".join(map(re.escape, words))
            found += [match.span() for match in re.finditer(pattern, text)]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
