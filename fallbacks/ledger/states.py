"""Where a ticket can be: exactly one of these, always."""

from enum import StrEnum


class State(StrEnum):
    """
    queued: accepted, waits for a worker. running: a worker holds its lease. parked: waits for a time, no slot held.
    suggested: a validated decision waits in the inbox. handed_off: waits in the inbox with its reason.
    decided: a decision stands. cancelled: withdrawn. rejected: could not be read as a ticket; waits in the inbox.
    """

    QUEUED = "queued"
    RUNNING = "running"
    PARKED = "parked"
    SUGGESTED = "suggested"
    HANDED_OFF = "handed_off"
    DECIDED = "decided"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


ENDED = frozenset({State.DECIDED, State.CANCELLED})
"""Nothing follows, but for an undo in time."""

INBOX = frozenset({State.SUGGESTED, State.HANDED_OFF, State.REJECTED})
"""A person is awaited."""

SETTLED = ENDED | INBOX
"""The agent has nothing more to do: what a waiting upstream waits for."""
