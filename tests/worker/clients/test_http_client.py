"""The client: safe to repeat, bounded in its patience, and clear about what was refused."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from fallbacks.access.api_keys import Scope
from tasks.ticket import Ticket
from tests.services.http_sink import Answer, HttpSink
from tests.services.process import free_port
from tests.worker.cli.direct_ledger import fail, working
from tests.worker.http.served import Served
from worker.client import (
    Busy,
    ClientError,
    Conflict,
    DeskhandClient,
    InvalidRequest,
    KeyRefused,
    NoSuchTicket,
    ProblemError,
    State,
    Unreachable,
)
from worker.clients.http_client import BATCH

TICKET = {"source": "shop", "subject": "Card", "body": "My card has not arrived, it was ordered two weeks ago."}
ACCEPTED = Answer(202, b'{"id": "t-1", "state": "queued"}')


@pytest.fixture
def client(web: Served) -> Iterator[DeskhandClient]:
    with DeskhandClient(web.url, web.key()) as client:
        yield client


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def impatient(http_sink: HttpSink, pauses: list[float]) -> Iterator[DeskhandClient]:
    """A client of the sink that writes its pauses down instead of making them."""
    with DeskhandClient(http_sink.url, "dk_1", tries=4, sleep=pauses.append) as client:
        yield client


def test_a_ticket_goes_on_is_looked_at_and_cancelled(web: Served, client: DeskhandClient) -> None:
    accepted = client.accept(Ticket.model_validate({**TICKET, "id": "t:1@shop"}))
    assert (accepted.id, accepted.state) == ("t:1@shop", State.QUEUED)
    assert client.get("t:1@shop").ticket == Ticket.model_validate({**TICKET, "id": "t:1@shop"}).model_dump(mode="json")
    assert client.cancel("t:1@shop").state is State.CANCELLED
    assert [event.type for event in client.events("t:1@shop")] == ["accepted", "cancelled"]
    assert [event.type for event in client.events("t:1@shop", after=0)] == ["cancelled"]


def test_waiting_ends_when_the_agent_is_done(web: Served, client: DeskhandClient) -> None:
    client.accept({**TICKET, "id": "t1"})
    with working(web.ledger, "t1", fail):
        found = client.wait("t1", 20)
    assert (found.state, found.reason) == (State.HANDED_OFF, "step_limit")


def test_a_search_goes_through_its_pages(web: Served, client: DeskhandClient) -> None:
    for number in range(3):
        web.ledger.queued(f"t-{number}", "my card, again")
    web.ledger.suggested("s-1", "a card")
    found = client.search("card again", state=["queued", "running"], limit=2)
    assert [(ticket.id, ticket.state) for ticket in found] == [(f"t-{number}", State.QUEUED) for number in (2, 1, 0)]
    assert [ticket.facets["label"] for ticket in client.search(label="card_arrival")] == ["card_arrival"]
    with pytest.raises(InvalidRequest):
        list(client.search(labl="x"))


def test_waiting_in_vain_returns_the_ticket_as_it_is(client: DeskhandClient) -> None:
    assert client.wait(client.accept(TICKET).id, 0.2).state is State.QUEUED


def test_many_are_accepted_in_order_and_each_refusal_is_in_its_place(client: DeskhandClient) -> None:
    tickets = [{**TICKET, "id": f"t{number}"} for number in range(BATCH + 2)]
    tickets[BATCH] = {"source": "shop"}
    results = client.accept_many(tickets)
    assert [getattr(result, "id", None) for result in results] == [ticket.get("id") for ticket in tickets]
    refused = results[BATCH]
    assert isinstance(refused, InvalidRequest)
    assert ("/subject", "Field required") in refused.errors


def test_each_kind_of_refusal_has_its_class(web: Served, client: DeskhandClient) -> None:
    client.accept({**TICKET, "id": "t1"})
    with pytest.raises(Conflict):
        client.accept({**TICKET, "id": "t1", "body": "another"})
    with pytest.raises(NoSuchTicket):
        client.get("nobody")
    with pytest.raises(InvalidRequest) as refused:
        client.accept({"source": "shop", "subject": "", "body": ""})
    assert refused.value.type == "/problems/invalid"
    assert refused.value.request_id
    with DeskhandClient(web.url, "dk_wrong") as stranger, pytest.raises(KeyRefused):
        stranger.accept(TICKET)
    with DeskhandClient(web.url, web.key(Scope.READ)) as reader, pytest.raises(KeyRefused):
        reader.accept(TICKET)


def test_a_busy_server_is_asked_again_under_the_same_key_when_it_said(
    impatient: DeskhandClient, http_sink: HttpSink, pauses: list[float]
) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    http_sink.next.extend(
        [Answer(429, headers={"Retry-After": "7"}), Answer(503, headers={"Retry-After": later}), Answer(502), ACCEPTED]
    )
    assert impatient.accept(TICKET).id == "t-1"
    assert len({request.headers["idempotency-key"] for request in http_sink.received}) == 1
    assert pauses[0] == 7
    assert 15 < pauses[1] <= 20
    assert 0 < pauses[2] <= 2


def test_two_accepts_have_two_keys_and_a_given_key_is_used(impatient: DeskhandClient, http_sink: HttpSink) -> None:
    http_sink.answer = ACCEPTED
    impatient.accept(TICKET)
    impatient.accept(TICKET)
    impatient.accept(TICKET, idempotency_key="mine")
    first, second, third = (request.headers["idempotency-key"] for request in http_sink.received)
    assert first != second
    assert third == "mine"
    assert http_sink.received[0].headers["authorization"] == "Bearer dk_1"


def test_patience_ends(impatient: DeskhandClient, http_sink: HttpSink, pauses: list[float]) -> None:
    http_sink.answer = Answer(503)
    with pytest.raises(Busy):
        impatient.accept(TICKET)
    assert (len(http_sink.received), len(pauses)) == (4, 3)


def test_a_wait_that_is_too_long_is_raised_at_once(
    impatient: DeskhandClient, http_sink: HttpSink, pauses: list[float]
) -> None:
    http_sink.answer = Answer(429, headers={"Retry-After": "3600"})
    with pytest.raises(Busy) as refused:
        impatient.accept(TICKET)
    assert refused.value.retry_after_seconds == 3600
    assert pauses == []


def test_a_refusal_for_good_is_not_repeated(impatient: DeskhandClient, http_sink: HttpSink) -> None:
    http_sink.answer = Answer(418, b"<html>")
    with pytest.raises(ProblemError, match="418"):
        impatient.accept(TICKET)
    assert len(http_sink.received) == 1


def test_an_answer_of_something_else_is_an_error_of_the_client(
    impatient: DeskhandClient, http_sink: HttpSink, pauses: list[float]
) -> None:
    http_sink.answer = Answer(200, b"<html>")
    with pytest.raises(ClientError, match="without JSON"):
        impatient.get("t-1")


def test_an_item_refused_for_a_while_is_sent_again_with_its_batch(
    impatient: DeskhandClient, http_sink: HttpSink, pauses: list[float]
) -> None:
    good = b'{"index": 0, "status": 202, "id": "t-1", "state": "queued"}'
    busy = b'{"index": 1, "status": 503, "problem": {"type": "/problems/unavailable"}}'
    http_sink.next.extend([Answer(200, b'{"results": [%s, %s]}' % (good, busy))])
    http_sink.answer = Answer(200, b'{"results": [%s, %s]}' % (good, good.replace(b"t-1", b"t-2")))
    assert [getattr(result, "id", "") for result in impatient.accept_many([TICKET, TICKET])] == ["t-1", "t-2"]
    first, second = http_sink.received
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body
    assert len(pauses) == 1


def test_nobody_there_is_said_after_every_try(pauses: list[float]) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with (
        DeskhandClient(nobody, tries=3, sleep=pauses.append) as client,
        pytest.raises(Unreachable, match="ConnectError"),
    ):
        client.get("t1")
    assert len(pauses) == 2


def test_a_server_that_comes_up_meanwhile_gets_the_ticket_once(valkey_url: str) -> None:
    served = Served(valkey_url)
    with DeskhandClient(served.url, tries=30, sleep=lambda _: None if served.server.started else served.__enter__()) as client:  # type: ignore[func-returns-value] # fmt: skip # noqa: E501
        accepted = client.accept(TICKET)
    assert served.ledger.state(accepted.id) == State.QUEUED
    served.stop()


def test_people_close_and_correct_through_the_client(web: Served, client: DeskhandClient) -> None:
    for ticket_id in ("t1", "t2"):
        web.ledger.suggested(ticket_id)
    closed = client.close_ticket("t1", client.get("t1").version, "duplicate", of="t2")
    assert (closed.state, closed.reason) == (State.CLOSED, "duplicate")
    with pytest.raises(Conflict):
        client.close_ticket("t1", 1, "spam")
    with pytest.raises(Conflict):
        client.correct("t2", client.get("t2").version, "too early", label="card_swallowed")
    with web.client(web.key()) as api:
        api.post("/v1/inbox/t2/approve", json={"version": client.get("t2").version})
    corrected = client.correct("t2", client.get("t2").version, "an ATM took it", label="card_swallowed")
    assert corrected.decision.label == "card_swallowed"
    assert corrected.earlier_decision.label == "card_arrival"


def test_a_key_that_cannot_stand_in_a_header_is_not_quoted(http_sink: HttpSink) -> None:
    with DeskhandClient(http_sink.url, "hush\n", tries=1) as client, pytest.raises(Unreachable) as failed:
        client.get("t1")
    assert "hush" not in str(failed.value)
    assert "no header can" in str(failed.value)


def test_what_was_erased_is_gone_from_everywhere_and_a_receipt_says_so(web: Served) -> None:
    with DeskhandClient(web.url, web.key()) as client, DeskhandClient(web.url, web.key(Scope.ERASE)) as eraser:
        client.accept({**TICKET, "id": "e1", "requester": {"id": "c-1", "email": "Maria@shop.example"}})
        client.accept({**TICKET, "id": "e2", "requester": {"id": "c-2"}})
        tried = eraser.erase(requester="maria@shop.example", dry_run=True)
        assert (tried.erased, tried.places["tickets"]) == (False, {"found": 1, "erased": 0})
        assert client.get("e1").state is State.QUEUED

        receipt = eraser.erase(requester="maria@shop.example")
        assert (receipt.erased, receipt.asked, receipt.places["tickets"]["erased"]) == (True, "requester", 1)
        found = client.get("e1")
        assert (found.state, found.ticket["body"], found.ticket.get("requester")) == (State.CANCELLED, "[erased]", None)
        assert [event.type for event in client.events("e1")] == ["accepted", "cancelled", "texts_erased"]
        assert client.get("e2").ticket["body"] == TICKET["body"]
        assert eraser.erase(ticket_id="e2").asked == "ticket"
        with pytest.raises(NoSuchTicket):
            eraser.erase(ticket_id="nobody")
