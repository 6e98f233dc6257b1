"""What a ticket that is here is found by: the same facts as history keeps, and what people see of it while it waits."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from fallbacks.history.facts import facts_of
from fallbacks.history.port import EndedTicket, Facts
from fallbacks.ledger.states import State
from tasks.run.process import Process

FIELDS = (
    "state", "version", "accepted", "since", "body", "source", "priority", "reason", "closed", "decision", "blind",
    "earlier", "messages",
)  # fmt: skip
"""Of a row."""


def live_facts(ticket_id: str, row: Mapping[str, str], journal: Sequence[str], process: Process) -> Facts:
    """What is suggested counts as the decision does, but where nobody may see it. ended_ms: since when it is as it is.

    journal: of a ticket with messages; empty for any other.
    """
    facts, state = facts_of(EndedTicket(ticket_id, row, tuple(journal), {}), process), State(row["state"])
    unseen = state is State.SUGGESTED and "blind" in row
    if state not in (State.SUGGESTED, State.HANDED_OFF) or unseen or "decision" not in row:
        return replace(facts, reason=row.get("reason"), corrected="earlier" in row)
    offered = json.loads(row["decision"])
    return replace(
        facts,
        reason=row.get("reason"),
        corrected="earlier" in row,
        key=process.key(offered),
        facets=process.facets(offered),
        confidence=offered.get("confidence"),
        tier=offered.get("tier"),
        text="\n\n".join(filter(None, (facts.text, str(offered.get("summary") or "")))),
    )
