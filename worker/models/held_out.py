"""Comparing two agents on tickets that neither has learned from: which tickets those are, and what may be concluded."""

import math
from zlib import crc32

HELD_OUT_EVERY = 5
LEAST_HELD_OUT = 30
"""With fewer even a flawless candidate is luck."""

ERROR = 0.05
"""How often chance alone may make a candidate look better, or a change worse."""


_BETS = (0.6, 0.65, 0.7, 0.75)
"""The shares of wins that the gambler bets on, a quarter of the wealth on each: what better models have shown."""


def e_value(wins: int, losses: int) -> float:
    """The wealth of a gambler who began with 1 and bet that wins are likelier than losses.

    Where they are not it ever reaches 1 / ERROR with probability ERROR at most, however often anybody looks (Ville).
    """
    logs = [wins * math.log(2 * share) + losses * math.log(2 * (1 - share)) for share in _BETS]
    top = max(logs)
    grown = top + math.log(sum(math.exp(value - top) for value in logs) / len(logs))
    return math.exp(min(grown, 700.0))


def sign_test(wins: int, losses: int) -> float:
    """The probability of at least so many wins where each of the two is as likely: exact, one-sided."""
    differ = wins + losses
    return float(sum(math.comb(differ, k) for k in range(wins, differ + 1)) / 2**differ)


def never_learned(text: str) -> bool:
    """Whether a decided ticket is among those kept from every candidate."""
    return crc32(text.encode()) % HELD_OUT_EVERY == 0
