"""What a ticket that is here is found by: the same facts as history keeps, and what people see of it while it waits."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from fallbacks.history.facts import facts_of
from fallbacks.history.port import EndedTicket, Facts
from fallbacks.ledger.states import State
from fallbacks.store import keys
from tasks.run.process import Process

FIELDS = (
    "state", "version", "accepted", "since", "body", "source", "priority", "reason", "closed", "decision", "blind",
    "earlier", "messages", "facets",
)  # fmt: skip
"""Of a row."""


def live_facts(ticket_id: str, row: Mapping[str, str], journal: Sequence[str], process: Process) -> Facts:
    """What is suggested counts as the decision does, but where nobody may see it; a group that it was given to counts
    before that. ended_ms: since when it is as it is.

    journal: of a ticket with messages; empty for any other.
    """
    facts, given = _facts(ticket_id, row, journal, process), _given(row)
    return replace(facts, facets={**facts.facets, **given}) if given else facts


def _given(row: Mapping[str, str]) -> dict[str, str]:
    facets: list[str] = json.loads(row.get("facets", "[]"))
    groups = (facet.removeprefix(keys.GIVEN).partition(":") for facet in facets if facet.startswith(keys.GIVEN))
    return {name: value for name, _, value in groups}


def _facts(ticket_id: str, row: Mapping[str, str], journal: Sequence[str], process: Process) -> Facts:
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
