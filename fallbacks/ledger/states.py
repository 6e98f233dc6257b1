"""Where a ticket can be: exactly one of these, always."""

from enum import StrEnum


class State(StrEnum):
    """
    queued: accepted, waits for a worker. running: a worker holds its lease. parked: waits for a time, no slot held.
    suggested: a validated decision waits in the inbox. handed_off: waits in the inbox with its reason.
    decided: a decision stands. closed: ended without a decision, with its kind. cancelled: withdrawn.
    rejected: could not be read as a ticket; waits in the inbox.
    """

    QUEUED = "queued"
    RUNNING = "running"
    PARKED = "parked"
    SUGGESTED = "suggested"
    HANDED_OFF = "handed_off"
    DECIDED = "decided"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


class Closed(StrEnum):
    """Why a ticket ended without a decision. automatic: a machine sent it, nobody waits for an answer."""

    AUTOMATIC = "automatic"
    SPAM = "spam"
    THANKS = "thanks"
    DUPLICATE = "duplicate"
    OTHER = "other"


ENDED = frozenset({State.DECIDED, State.CLOSED, State.CANCELLED})
"""Nothing follows, but for an undo in time."""

INBOX = frozenset({State.SUGGESTED, State.HANDED_OFF, State.REJECTED})
"""A person is awaited."""

SETTLED = ENDED | INBOX
"""The agent has nothing more to do: what a waiting upstream waits for."""


class HintKind(StrEnum):
    """What a message on a queue asks a worker to do with a ticket: work it, or give it to people."""

    TRIAGE = "triage"
    HAND_OFF = "hand_off"


Hint = tuple[HintKind, str]
"""(kind, ticket id). There is work: losing a hint costs time, nothing more."""
