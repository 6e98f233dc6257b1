"""`/v1/inbox/{id}/...-call`: a call that waits is shown whole, and approved, or refused, once."""

import httpx
import pytest

from fallbacks.access.api_keys import Scope
from fallbacks.ledger.ledger import Ledger
from tests.fakes.asking import GIVEN, ask
from tests.worker.cli.direct_ledger import claimed
from tests.worker.http.served import Served
from worker.clients import Conflict, DeskhandClient


def asked(web: Served, ticket_id: str) -> str:
    async def work(ledger: Ledger) -> str:
        return await ask(ledger, await claimed(ledger, ticket_id, "Pay me back"))

    return web.ledger.do(work)


def test_a_call_is_shown_as_it_would_be_made_and_approved_once(web: Served, api: httpx.Client) -> None:
    digest = asked(web, "T-1")
    (item,) = api.get("/v1/inbox", params={"queue": "approvals"}).json()["items"]
    call = item["call"]
    assert (call["tool"], call["arguments"], call["digest"]) == ("refund", GIVEN, digest)
    assert (call["target"], call["edited_by"]) == ("the payments API", None)
    body = {"version": item["version"], "digest": digest, "person": "ann"}
    assert api.post("/v1/inbox/T-1/approve-call", json=body | {"digest": "0" * 64}).status_code == 409
    assert api.post("/v1/inbox/T-1/approve-call", json=body | {"digest": "0"}).status_code == 422
    refused = api.post("/v1/inbox/T-1/edit-call", json=body | {"arguments": {"order": "A-2"}})
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "not-possible")
    answered = api.post("/v1/inbox/T-1/approve-call", json=body)
    assert (answered.json()["state"], answered.json()["call"]) == ("queued", None)
    assert api.post("/v1/inbox/T-1/approve-call", json=body).status_code == 409
    events = api.get("/v1/tickets/T-1/events").json()["events"]
    approved = [event for event in events if event["type"] == "call_approved"]
    assert [(event["data"]["by"].partition(":")[2], event["data"]["digest"]) for event in approved] == [("ann", digest)]


def test_the_typed_client_reads_and_refuses_it(web: Served) -> None:
    digest = asked(web, "T-2")
    with DeskhandClient(web.url, web.key()) as client:
        ticket = client.get("T-2")
        assert ticket.call is not None
        assert (ticket.call.digest, ticket.call.arguments, ticket.decision) == (digest, GIVEN, None)
        assert client.reject_call("T-2", ticket.version, digest, "not ours").state == "queued"
        with pytest.raises(Conflict):
            client.approve_call("T-2", ticket.version, digest)


def test_a_key_that_decides_and_reads_no_tickets_gets_id_and_state(web: Served) -> None:
    digest = asked(web, "T-3")
    decides = web.client(web.key(Scope.INBOX))
    found = decides.post("/v1/inbox/T-3/approve-call", json={"version": 2, "digest": digest}).json()
    assert found == {"id": "T-3", "state": "queued"}
