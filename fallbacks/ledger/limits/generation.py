"""Which server serves the store: a promoted replica has not seen the last writes of the primary before it."""

from dataclasses import dataclass

from fallbacks.plan import Severity
from fallbacks.store.port import Store

FAILED_OVER = "failed_over"
"""The alert's name."""


@dataclass(frozen=True, slots=True)
class Generation:
    """number: 1, and one more for each failover. new: noticed now, by this caller. taken_back: tickets that ran."""

    number: int
    new: bool
    taken_back: int


async def notice_failover(store: Store, *, forgot: bool) -> Generation:
    """Look whether another server serves the store, and take back what ran where one does.

    forgot: the caller misses what it had written and was acknowledged.
    """
    number, new, taken = await store.run("generation", "", int(forgot), FAILED_OVER, Severity.ERROR.value)
    return Generation(int(number), new == "1", int(taken))
