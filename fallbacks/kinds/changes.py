"""Kinds whose share of what people ended this week is another than before. Pure.

Each is tested exactly (Fisher 1935: the counts of both times together taken as given), up and down, and all of them
together by Holm's procedure (1979): where nothing has changed, one look in twenty at most names anything.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from fallbacks.kinds.ended import fits
from fallbacks.ledger.past.examples import Example
from tasks.run.process import Process

WEEK_MS = 7 * 86_400_000
ERROR = 0.05


@dataclass(frozen=True, slots=True)
class Change:
    """One kind; "" for tickets that none fits. now, before: tickets of it; of_now, of_before: of all that count.

    p_value: how likely chance alone would move it so far, that way.
    """

    kind: str
    now: int
    of_now: int
    before: int
    of_before: int
    p_value: float

    @property
    def more(self) -> bool:
        """Whether it grew."""
        return self.now * self.of_before > self.before * self.of_now


def changes(process: Process, examples: Iterable[Example], now_ms: int, alone: Collection[str]) -> list[Change]:
    """The surest first. alone: kinds that are or were decided without people, of whom nothing is known here."""
    known = {kind.key for kind in process.kinds} | {""}
    weeks = Counter[str](), Counter[str]()
    for example in examples:
        kind = example.key if fits(process, example) else ""
        if kind in known and kind not in alone:
            weeks[example.at_ms <= now_ms - WEEK_MS][kind] += 1
    now, before = weeks
    of_now, of_before = now.total(), before.total()
    tested = [
        Change(kind, now[kind], of_now, before[kind], of_before, _p_value(now[kind], of_now, before[kind], of_before))
        for kind in sorted(now.keys() | before.keys())
    ]
    return _named(sorted(tested, key=lambda change: change.p_value))


def _named(ordered: list[Change]) -> list[Change]:
    for place, change in enumerate(ordered):
        if change.p_value > ERROR / (len(ordered) - place):
            return ordered[:place]
    return ordered


def _p_value(now: int, of_now: int, before: int, of_before: int) -> float:
    """Of both sides, by twice the smaller one."""
    all_of_it, everything = now + before, of_now + of_before
    least, most = max(0, all_of_it - of_before), min(all_of_it, of_now)
    up = math.fsum(_chance(count, all_of_it, of_now, everything) for count in range(now, most + 1))
    down = math.fsum(_chance(count, all_of_it, of_now, everything) for count in range(least, now + 1))
    return min(1.0, 2 * min(up, down))


def _chance(count: int, of_kind: int, of_now: int, everything: int) -> float:
    """Hypergeometric: that just so many of the kind fall into this week."""
    within = _log_choose(of_kind, count) + _log_choose(everything - of_kind, of_now - count)
    return math.exp(within - _log_choose(everything, of_now))


def _log_choose(total: int, taken: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(taken + 1) - math.lgamma(total - taken + 1)
