"""What a key may not read is shown by no verb: its source, its scopes, and what it sent itself."""

from typing import Any

import httpx
import pytest

from fallbacks.access.api_keys import ApiKeys, Scope
from tests.worker.http.served import Served

PIN = "my PIN is 1234"


def key_of(web: Served, source: str | None, *scopes: Scope) -> httpx.Client:
    made = web.ledger.do(lambda ledger: ApiKeys(ledger.store).create("keeper", scopes, source))
    return web.client(made[1])


def ticket(ticket_id: str, source: str) -> dict[str, Any]:
    return {"id": ticket_id, "source": source, "subject": "", "body": PIN}


@pytest.fixture
def bank(web: Served) -> httpx.Client:
    client = key_of(web, None, Scope.WRITE, Scope.READ)
    assert client.post("/v1/tickets", json=ticket("bank-1", "bank")).status_code == 202
    return client


def test_a_key_that_reads_nothing_withdraws_what_it_sent_and_is_shown_nothing(web: Served, bank: httpx.Client) -> None:
    shop = key_of(web, None, Scope.WRITE)
    refused = shop.post("/v1/tickets/bank-1/cancel")
    assert (refused.status_code, PIN in refused.text) == (404, False)
    assert bank.get("/v1/tickets/bank-1").json()["state"] == "queued"
    shop.post("/v1/tickets", json=ticket("shop-1", "shop"))
    assert shop.post("/v1/tickets/shop-1/cancel").json() == {"id": "shop-1", "state": "cancelled"}


def test_a_key_that_reads_is_shown_what_it_cancels(bank: httpx.Client) -> None:
    assert bank.post("/v1/tickets/bank-1/cancel").json()["ticket"]["body"] == PIN


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/tickets/bank-1"),
        ("GET", "/v1/tickets/bank-1?wait=5"),
        ("GET", "/v1/tickets/bank-1/events"),
        ("POST", "/v1/tickets/bank-1/cancel"),
    ],
)
def test_for_a_key_of_another_source_a_ticket_does_not_exist(
    web: Served, bank: httpx.Client, method: str, path: str
) -> None:
    shop = key_of(web, "shop", Scope.WRITE, Scope.READ)
    refused = shop.request(method, path)
    unknown = shop.request(method, path.replace("bank-1", "bank-2"))
    assert (refused.status_code, unknown.status_code) == (404, 404)
    assert refused.json()["detail"] == unknown.json()["detail"].replace("bank-2", "bank-1")
    assert bank.get("/v1/tickets/bank-1").json()["state"] == "queued"


def test_a_key_of_a_source_sends_reads_and_cancels_its_own(web: Served, bank: httpx.Client) -> None:
    shop = key_of(web, "shop", Scope.WRITE, Scope.READ)
    other = key_of(web, "shop", Scope.WRITE)
    assert shop.post("/v1/tickets", json=ticket("shop-1", "shop")).status_code == 202
    assert shop.get("/v1/tickets/shop-1").json()["source"] == "shop"
    assert other.post("/v1/tickets/shop-1/cancel").json() == {"id": "shop-1", "state": "cancelled"}


def test_a_key_of_a_source_cannot_speak_for_another(web: Served) -> None:
    shop = key_of(web, "shop", Scope.WRITE)
    alone = shop.post("/v1/tickets", json=ticket("spoof-1", "bank"))
    (listed, own) = shop.post("/v1/tickets/batch", json=[ticket("spoof-2", "bank"), ticket("shop-2", "shop")]).json()[
        "results"
    ]
    streamed = shop.post(
        "/v1/tickets/batch",
        content=b'{"source": "bank", "subject": "", "body": "x"}\n',
        headers={"content-type": "application/x-ndjson"},
    ).json()
    assert (alone.status_code, alone.json()["errors"][0]["pointer"]) == (403, "/source")
    assert [listed["status"], own["status"], streamed["status"]] == [403, 202, 403]


def test_messages_that_could_not_be_read_belong_to_no_source(web: Served) -> None:
    web.ledger.do(lambda ledger: ledger.reject("rej_1", "e30=", "not JSON", "shop"))
    assert key_of(web, "shop", Scope.READ).get("/v1/tickets/rej_1").status_code == 404


@pytest.mark.parametrize("scope", [Scope.INBOX, Scope.OPERATE])
def test_a_key_of_a_source_has_no_scope_over_every_source(web: Served, scope: Scope) -> None:
    with pytest.raises(ValueError, match="one source"):
        key_of(web, "shop", Scope.WRITE, scope)


def test_a_source_over_its_rate_is_asked_to_wait_and_no_other_is(valkey_url: str) -> None:
    with Served(valkey_url, source_rates={"shop": 1}) as web:
        client = key_of(web, None, Scope.WRITE)
        first = client.post("/v1/tickets", json=ticket("shop-1", "shop"))
        limited = client.post("/v1/tickets", json=ticket("shop-2", "shop"))
        assert (first.status_code, limited.status_code) == (202, 429)
        assert 1 <= int(limited.headers["retry-after"]) <= 60
        assert client.post("/v1/tickets", json=ticket("shop-1", "shop")).status_code == 202, "a resend counts nothing"
        both = client.post("/v1/tickets/batch", json=[ticket("shop-3", "shop"), ticket("bank-1", "bank")])
        assert [each["status"] for each in both.json()["results"]] == [429, 202]
