"""Comparing two agents on tickets that neither has learned from: which tickets those are, and what may be concluded."""

import math
from zlib import crc32

HELD_OUT_EVERY = 5
LEAST_HELD_OUT = 30
"""With fewer even a flawless candidate is luck."""

ERROR = 0.05
"""How often chance alone may make a candidate look better, or a change worse."""


def sign_test(wins: int, losses: int) -> float:
    """The probability of at least so many wins where each of the two is as likely: exact, one-sided."""
    differ = wins + losses
    return float(sum(math.comb(differ, k) for k in range(wins, differ + 1)) / 2**differ)


def never_learned(text: str) -> bool:
    """Whether a decided ticket is among those kept from every candidate."""
    return crc32(text.encode()) % HELD_OUT_EVERY == 0
