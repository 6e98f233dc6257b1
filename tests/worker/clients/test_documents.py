"""What the client reads is what the server writes, and a newer server's additions are no fault."""

from dataclasses import fields

import pytest

from fallbacks.ledger.states import SETTLED
from fallbacks.ledger.states import State as LedgerState
from tasks.triage.decision import Decision as ServerDecision
from worker.client import AcceptedDocument, Decision, EventDocument, FoundTicket, Limits, State, TicketDocument, Usage
from worker.clients import documents
from worker.clients.documents import IN_WORK
from worker.http.tickets import documents as served
from worker.http.tickets.search import FoundDocument

LIMITS = {field.name: 1 for field in fields(Limits)}
USAGE = {field.name: 1 for field in fields(Usage)}

ANSWERED = {"id": "t-1", "state": "pondered", "mood": "good", "usage": {**USAGE, "joules": 2}, "limits": LIMITS}


def test_it_knows_every_state_and_when_the_agent_is_done() -> None:
    assert {state.value for state in State} == {state.value for state in LedgerState}
    assert set(IN_WORK) == set(LedgerState) - SETTLED


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (AcceptedDocument, served.AcceptedDocument),
        (TicketDocument, served.TicketDocument),
        (EventDocument, served.EventDocument),
        (FoundTicket, FoundDocument),
        (Limits, served.LimitsDocument),
        (Usage, served.UsageDocument),
        (Decision, ServerDecision),
    ],
)
def test_it_reads_every_field_that_the_server_writes(ours: type, theirs: type) -> None:
    assert [field.name for field in fields(ours) if field.compare] == list(theirs.model_fields)  # type: ignore[attr-defined]


def test_what_it_does_not_know_yet_is_left_out_and_what_is_missing_is_none() -> None:
    ticket = documents.ticket(ANSWERED)
    assert (ticket.id, ticket.state, ticket.reason, ticket.decision) == ("t-1", "pondered", None, None)
    assert (ticket.usage.steps, ticket.limits.max_steps) == (1, 1)


def test_a_decision_of_another_process_is_there_in_full() -> None:
    decision = {"form": "A-38", "number": 7, "confidence": 0.9}
    read = documents.ticket({**ANSWERED, "decision": decision}).decision
    assert read is not None
    assert (read.confidence, read.label, read.document) == (0.9, None, decision)


def test_a_decision_has_the_fields_of_the_deployment_and_none_where_it_has_none() -> None:
    document = {"label": "refund", "fields": {"order_number": "AB-123456"}, "further_labels": ["delay"]}
    of_its_own, plain = (
        documents.ticket({**ANSWERED, "decision": one}).decision for one in (document, {"label": "delay"})
    )
    assert of_its_own is not None
    assert plain is not None
    assert (of_its_own.fields, of_its_own.further_labels) == ({"order_number": "AB-123456"}, ("delay",))
    assert (plain.fields, plain.further_labels) == ({}, ())
