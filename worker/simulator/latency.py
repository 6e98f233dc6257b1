"""How long a simulated model takes."""

import math
import random
from collections.abc import Callable

Latency = Callable[[int], float]
"""Output tokens of a reply to seconds until it is sent."""

_MEDIAN_FIRST_TOKEN_SECONDS = 0.9
_SPREAD = 0.45
_SECONDS_PER_TOKEN = 0.009


def latency(setting: str, rng: random.Random) -> Latency:
    """`none`, `typical`, or seconds. Raises `ValueError` for anything else.

    `typical` has the shape of a hosted small model: a log-normal first token with a long tail, then a steady rate.
    """
    if setting == "none":
        return lambda _tokens: 0.0
    if setting == "typical":
        mean = math.log(_MEDIAN_FIRST_TOKEN_SECONDS)
        return lambda tokens: rng.lognormvariate(mean, _SPREAD) + tokens * _SECONDS_PER_TOKEN
    try:
        seconds = float(setting)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        raise ValueError(f"latency is none, typical or a number of seconds, not {setting!r}")
    return lambda _tokens: seconds
