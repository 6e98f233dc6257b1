"""What the ledger hands to a worker and takes from it: leases, claims, and where a run leaves its ticket."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fallbacks.ledger.states import State
from tasks.run import events as ev
from tasks.run.limits import Limits
from tasks.ticket import Priority, Ticket


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of an accept. created: False when the same ticket was accepted before."""

    id: str
    state: State
    created: bool


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work a ticket. epoch: the fencing token of every write."""

    ticket_id: str
    epoch: int
    owner: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed ticket and all that is needed to go on with it.

    now_ms: store time of the claim. losses: workers this ticket has outlived. deadline_ms: None for none. door: what it
    came by. trace: the W3C traceparent it was sent in, "" for none.
    """

    lease: Lease
    now_ms: int
    ticket: Ticket
    limits: Limits
    losses: int
    deadline_ms: int | None
    journal: tuple[ev.Recorded, ...]
    door: str = ""
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Where a run leaves its ticket. events: everything not written yet, oldest first.

    why: what allows the agent to decide alone, or does not. unaided: what the agent suggested before any person had a
    part in it (JSON values): the evidence of autonomy. blind: a person must decide without seeing the suggestion.
    version: of the tier that it ended on, "" where none worked it.
    """

    events: Sequence[ev.Event]
    decision: dict[str, Any] | None
    priority: Priority
    why: str = ""
    unaided: dict[str, Any] | None = None
    blind: bool = False
    version: str = ""
