"""`/v1/tickets/{id}/messages`: added once in every state, refused in words, within a key's reach."""

from typing import Any

import httpx
import pytest

from fallbacks.access.api_keys import Scope
from fallbacks.ledger.states import State
from tests.services.valkey import ValkeyServer
from tests.worker.http.served import Served

BODY = "The card was stolen from my letter box."


def add(
    client: httpx.Client, ticket_id: str = "T-1", headers: dict[str, str] | None = None, **fields: Any
) -> httpx.Response:
    return client.post(f"/v1/tickets/{ticket_id}/messages", json={"id": "m1", "body": BODY} | fields, headers=headers)


def test_a_message_is_added_once_and_shown(web: Served, api: httpx.Client) -> None:
    web.ledger.queued("T-1")
    first, again = add(api), add(api)
    assert (first.status_code, first.headers["location"]) == (202, "/v1/tickets/T-1")
    assert first.json() == again.json() == {"id": "T-1", "message": "m1", "state": "queued"}
    assert ("idempotent-replayed" in first.headers, "idempotent-replayed" in again.headers) == (False, True)
    other = add(api, body="Something else.")
    assert (other.status_code, other.json()["type"]) == (409, "/problems/idempotency-conflict")
    event = api.get("/v1/tickets/T-1/events").json()["events"][-1]
    assert (event["type"], event["data"]["message"]) == ("message_added", {"id": "m1", "body": BODY})


def test_a_key_makes_the_id_where_there_is_none(web: Served, api: httpx.Client) -> None:
    web.ledger.queued("T-1")
    key = {"idempotency-key": "k1"}
    made = [add(api, id=None, headers=key).json()["message"] for _ in range(2)]
    assert made[0] == made[1]
    assert add(api, id=None).json()["message"] != made[0]


def test_a_stale_approval_is_told_how_it_is_now(web: Served, api: httpx.Client, valkey_server: ValkeyServer) -> None:
    web.ledger.suggested("T-1")
    seen = api.get("/v1/tickets/T-1").json()["version"]
    assert add(api).json()["state"] == "queued"
    late = api.post("/v1/inbox/T-1/approve", json={"version": seen})
    assert (late.status_code, late.json()["type"], late.json()["state"]) == (409, "/problems/stale", "queued")
    assert web.ledger.state("T-1") is State.QUEUED


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"body": ""}, 422),
        ({"body": "  "}, 422),
        ({"id": "rej ected"}, 422),
        ({"colour": "red"}, 422),
        ({"body": "x" * 60_001}, 422),
    ],
    ids=["empty", "blank", "id", "unknown", "long"],
)
def test_what_is_no_message_is_refused(web: Served, api: httpx.Client, fields: dict[str, Any], status: int) -> None:
    web.ledger.queued("T-1")
    assert add(api, **fields).status_code == status


def test_what_cannot_be_added_to_says_why(web: Served, api: httpx.Client) -> None:
    assert add(api, "T-9").status_code == 404
    web.ledger.rejected("T-2", b"{}")
    assert add(api, "T-2").json()["type"] == "/problems/not-possible"
    web.ledger.queued("T-3")
    for number in range(3):
        assert add(api, "T-3", id=f"m{number}", body="x" * 60_000).status_code == 202
    assert add(api, "T-3", id="m4", body="x" * 60_000).json()["type"] == "/problems/too-large"


def test_a_key_adds_to_its_own_and_reads_nothing_by_it(web: Served, api: httpx.Client) -> None:
    writer = web.client(web.key(Scope.WRITE, name="writer"))
    sent = writer.post("/v1/tickets", json={"id": "T-1", "source": "shop", "subject": "", "body": "Where is it?"})
    assert sent.status_code == 202
    assert add(writer).status_code == 202
    web.ledger.queued("T-2")
    assert add(writer, "T-2").status_code == 404
    assert add(web.client(web.key(Scope.READ, name="reader"))).status_code == 403
