"""What working a message came to: the state its ticket is in, or why it was not worked to one."""

from enum import StrEnum

from fallbacks.ledger.states import State


class Unworked(StrEnum):
    """
    no_agent: this process only hands off. draining: it takes nothing new. unknown: no such ticket. paused: its queue.
    released: given back in good order. lease_lost: another worker has it. abandoned: the store could not be reached.
    """

    NO_AGENT = "no_agent"
    DRAINING = "draining"
    UNKNOWN = "unknown"
    PAUSED = "paused"
    RELEASED = "released"
    LEASE_LOST = "lease_lost"
    ABANDONED = "abandoned"


MessageOutcome = State | Unworked

_UNCLAIMED = {each.value: each for each in (Unworked.UNKNOWN, Unworked.PAUSED)}


def unclaimed(found: str) -> MessageOutcome:
    """Why there was nothing to claim, as the ledger says it."""
    return _UNCLAIMED.get(found) or State(found)
