"""What the ledger hands to a worker and takes from it: leases, claims, and where a run leaves its ticket."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fallbacks.ledger.states import State
from tasks.run import events as ev
from tasks.run.limits import Limits, read_limits
from tasks.ticket import Priority, Ticket, read_stored


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
    came by. trace: the W3C traceparent it was sent in, "" for none. stands: the decision that stands while what was
    added since is worked. answers: tickets, one of which it may answer.
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
    stands: dict[str, Any] | None = None
    answers: tuple[str, ...] = ()


CLAIMED = ("body", "limits", "losses", "deadline", "door", "trace", "standing", "answers")
"""What `lua/claim.lua` says of the row, in this order: all of it would be most of what a claim costs."""


def read_claim(lease: Lease, found: Sequence[Any]) -> Claim:
    """What the script answered: "ok", epoch, store time, the row's `CLAIMED`, the journal, id."""
    row = {name: value for name, value in zip(CLAIMED, found[3], strict=True) if value is not None}
    return Claim(
        lease=lease,
        now_ms=int(found[2]),
        ticket=read_stored(row["body"]),
        limits=read_limits(row["limits"]),
        losses=int(row["losses"]),
        deadline_ms=int(row["deadline"]) if "deadline" in row else None,
        journal=tuple(ev.read_event(stored, seq) for seq, stored in enumerate(found[4])),
        door=row.get("door", ""),
        trace=row.get("trace", ""),
        stands=json.loads(row["standing"]) if "standing" in row else None,
        answers=tuple(json.loads(row.get("answers", "[]"))),
    )


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Where a run leaves its ticket. events: everything not written yet, oldest first.

    why: what allows the agent to decide alone, or does not. unaided: what the agent suggested before any person had a
    part in it (JSON values): the evidence of autonomy. blind: a person must decide without seeing the suggestion.
    version: of the tier that it ended on, "" where none worked it. heard: messages it was made with; where there are
    more it is not written (`NewMessages`). None: whatever there is.
    """

    events: Sequence[ev.Event]
    decision: dict[str, Any] | None
    priority: Priority
    why: str = ""
    unaided: dict[str, Any] | None = None
    blind: bool = False
    version: str = ""
    heard: int | None = None
