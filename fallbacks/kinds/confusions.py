"""Which kinds people put in the place of what was suggested, and how often. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from fallbacks.kinds.ended import fits
from fallbacks.ledger.past.examples import Example
from tasks.run.process import Process

LEAST = 2
"""Once is a slip."""

MOST = 15


@dataclass(frozen=True, slots=True)
class Confusion:
    """Two kinds. tickets: how often `decided` stood in the place of `suggested`; back: the other way round.

    suggested_tickets: how often the one was suggested and judged.
    """

    suggested: str
    decided: str
    tickets: int
    back: int
    suggested_tickets: int


def confusions(process: Process, examples: Iterable[Example]) -> list[Confusion]:
    """Those of the kinds in force, the most frequent first; each two once, under the more frequent way."""
    known = {kind.key for kind in process.kinds}
    judged = [each for each in examples if each.suggested in known and fits(process, each) and each.key in known]
    suggested = Counter(each.suggested or "" for each in judged)
    pairs = Counter((each.suggested or "", each.key) for each in judged if not each.stood)
    found = [
        Confusion(one, other, count, pairs[other, one], suggested[one])
        for (one, other), count in pairs.items()
        if (count, one) > (pairs[other, one], other) and count + pairs[other, one] >= LEAST
    ]
    return sorted(found, key=lambda each: (-each.tickets - each.back, each.suggested, each.decided))[:MOST]
