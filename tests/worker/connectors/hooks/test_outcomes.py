"""Outcomes are sent back by the helpdesk's own call."""

import json

import pytest

from fallbacks.delivery.outbox import OutboxAdmin
from tests.services.http_sink import Answer, HttpSink
from tests.worker.connectors.hooks.calls import decide, event, post
from tests.worker.http.served import Served

CALLS = {
    "zendesk": ("PUT", "/api/v2/tickets/5158.json", "Bearer zen"),
    "freshdesk": ("PUT", "/api/v2/tickets/4711", "Basic fresh"),
    "github": ("POST", "/repos/octo-org/octo-app/issues/12/labels", "Bearer gh"),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_outcome_is_sent_back_by_the_helpdesks_own_call(web: Served, http_sink: HttpSink, name: str) -> None:
    ticket_id = post(web, name, event(name)).json()["id"]
    decide(web, ticket_id)
    assert web.ledger.view(ticket_id).delivery == "delivered"
    (request,) = http_sink.received
    assert (request.method, request.path, request.headers["authorization"]) == CALLS[name]
    assert "card_arrival" in request.body.decode()
    if name == "zendesk":
        assert request.json()["ticket"] == {
            "priority": "normal",
            "additional_tags": ["deskhand", "card_arrival", "team_card_delivery"],
            "comment": {"public": False, "body": "[deskhand] Their card is late (card_arrival, card_delivery)"},
        }


def test_a_helpdesk_that_fails_is_sent_it_again(web: Served, http_sink: HttpSink) -> None:
    ticket_id = post(web, "github", event("github")).json()["id"]
    http_sink.answer = Answer(500)
    decide(web, ticket_id)
    (entry,) = web.ledger.do(lambda ledger: OutboxAdmin(ledger.store).entries())
    assert (entry.attempts, entry.error, entry.outcome) == (1, "HTTP 500", "")
    assert web.ledger.view(ticket_id).delivery == "pending"


def test_a_ticket_that_came_another_way_is_reported_to_no_helpdesk(web: Served, http_sink: HttpSink) -> None:
    web.client(web.key()).post("/v1/tickets", json={"id": "t1", "source": "zendesk", "subject": "", "body": "my card has not arrived"})  # fmt: skip # noqa: E501
    decide(web, "t1")
    assert http_sink.received == []


def test_a_value_cannot_leave_its_place_in_the_url(web: Served, http_sink: HttpSink) -> None:
    hostile = json.loads(event("github"))
    hostile["repository"] = {"name": "..", "owner": {"login": "a/../../users?x=#"}}
    ticket_id = post(web, "github", json.dumps(hostile).encode()).json()["id"]
    decide(web, ticket_id)
    (request,) = http_sink.received
    assert request.path == "/repos/a%2F..%2F..%2Fusers%3Fx%3D%23/%2E%2E/issues/12/labels"
