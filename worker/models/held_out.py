"""Comparing two agents on tickets that neither has learned from: which tickets those are, and what may be concluded."""

import math
from collections.abc import Iterable, Iterator, Sequence
from statistics import NormalDist
from zlib import crc32

HELD_OUT_EVERY = 5
LEAST_HELD_OUT = 30
"""With fewer even a flawless candidate is luck."""

ERROR = 0.05
"""How often chance alone may make a candidate look better, or a change worse."""


_BETS = (0.6, 0.65, 0.7, 0.75)
"""The shares of wins that the patient gambler bets on, a quarter of the wealth on each, as better models have shown."""

_BY = ((0.8, 950), (0.1, 3_950))
"""(share of the wealth, tested decisions by when it is to be the whole proof): a thousand and four thousand decided,
without those before the first test. The rest is the patient gambler's."""

_SEEN, _DIFFERED = 60, 3
"""How often two models differ is reckoned as if so many had been seen before, and so many of them had differed."""

_MOST = 0.9
"""Of what a gambler has, what is bet on one decision."""

ALARM_FROM = 400
"""Decisions on which two models differ; where they do on one in twenty, 8,000 decisions."""

_NORMAL = NormalDist()

Outcome = int
"""Of one decision: 1 where the candidate alone is right, -1 where the other alone is, 0 where it tells nothing."""


def e_value(outcomes: Sequence[Outcome]) -> float:
    """The wealth of gamblers who began with 1 and bet that the candidate wins more often than it loses.

    Where it does not they ever have 1 / ERROR with probability ERROR at most, however often anybody looks (Ville): no
    stake knows the outcome it is bet on. outcomes: in the order in which they were decided.
    """
    return list(wealth(outcomes))[-1]


def wealth(outcomes: Iterable[Outcome]) -> Iterator[float]:
    """Before the first outcome and after each: `e_value` at every look."""
    wins = losses = 0
    differed, reached = _DIFFERED, [ERROR * share for share, _ in _BY]
    yield (now := _together(wins, losses, reached))
    for at, outcome in enumerate(outcomes):
        if outcome:
            rate = differed / (at + _SEEN)
            reached = [_hurried(each, outcome, rate * (by - at)) for each, (_, by) in zip(reached, _BY, strict=True)]
            wins, losses, differed = wins + (outcome > 0), losses + (outcome < 0), differed + 1
            now = _together(wins, losses, reached)
        yield now


def become_better(outcomes: Iterable[Outcome]) -> bool:
    """Whether the candidate has come to be better at some time, whatever was before: a Shiryaev-Roberts e-detector
    (Shin, Ramdas & Rinaldo 2023). While it is not, false alarms are on average at least `ALARM_FROM` outcomes apart.
    """
    alarms = [0.0] * len(_BETS)
    for outcome in filter(None, outcomes):
        odds = [2 * share if outcome > 0 else 2 * (1 - share) for share in _BETS]
        alarms = [(1 + alarm) * ratio for alarm, ratio in zip(alarms, odds, strict=True)]
        if sum(alarms) / len(alarms) >= ALARM_FROM:
            return True
    return False


def _together(wins: int, losses: int, reached: Sequence[float]) -> float:
    return (1 - sum(share for share, _ in _BY)) * _patient(wins, losses) + sum(reached) / ERROR


def _patient(wins: int, losses: int) -> float:
    """Grows as fast as evidence can, for ever."""
    logs = [wins * math.log(2 * share) + losses * math.log(2 * (1 - share)) for share in _BETS]
    top = max(logs)
    grown = top + math.log(sum(math.exp(value - top) for value in logs) / len(logs))
    return math.exp(min(grown, 700.0))


def _hurried(reached: float, outcome: Outcome, to_come: float) -> float:
    """The share of its goal that a gambler has reached after one more, who most likely reaches all of it in time
    (Browne 1999, "Reaching goals by a deadline"): as one who replicates an option that pays where a test of fixed size
    is passed then. It stops at its goal, which alone is proof. to_come: outcomes it reckons with until the deadline.
    """
    if to_come <= 0 or not _NOTHING < reached < 1:
        return reached
    stake = _NORMAL.pdf(_NORMAL.inv_cdf(reached)) / math.sqrt(max(1.0, to_come))
    return reached + outcome * min(stake, _MOST * reached, 1 - reached)


_NOTHING = 1e-12
"""Of a goal: with less a gambler goes home."""


def sign_test(wins: int, losses: int) -> float:
    """The probability of at least so many wins where each of the two is as likely: exact, one-sided."""
    differ = wins + losses
    return float(sum(math.comb(differ, k) for k in range(wins, differ + 1)) / 2**differ)


def never_learned(text: str) -> bool:
    """Whether a decided ticket is among those kept from every candidate."""
    return crc32(text.encode()) % HELD_OUT_EVERY == 0
