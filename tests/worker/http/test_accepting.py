"""POST /v1/tickets: accepted once, told clearly, limited while it is read."""

import gzip
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from tests.worker.http.served import Served

BODY = {"source": "web", "subject": "Card", "body": "Where is my card?"}


def accepted_count(web: Served) -> int:
    return int(web.ledger.do(lambda ledger: ledger.store.fields("n")).get("accepted", 0))


def test_a_ticket_is_in_the_ledger_and_on_the_queue(
    web: Served, api: httpx.Client, valkey_server: ValkeyServer
) -> None:
    answer = api.post("/v1/tickets", json=BODY)
    ticket_id = answer.json()["id"]
    assert (answer.status_code, answer.json()) == (202, {"id": ticket_id, "state": "queued"})
    assert answer.headers["location"] == f"/v1/tickets/{ticket_id}"
    assert web.ledger.state(ticket_id) == "queued"
    with valkey_server.client() as valkey:
        wait_for(lambda: valkey.llen("tickets") >= 1, message="its hint is published")


def test_the_same_key_and_body_get_the_same_answer(web: Served, api: httpx.Client) -> None:
    answers = [api.post("/v1/tickets", json=BODY, headers={"Idempotency-Key": "k-1"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert accepted_count(web) == 1


def test_the_tickets_own_id_is_its_key(web: Served, api: httpx.Client) -> None:
    same = [api.post("/v1/tickets", json={**BODY, "id": "T-1"}).json() for _ in range(2)]
    other = api.post("/v1/tickets", json={**BODY, "id": "T-1", "body": "another"})
    assert same == [{"id": "T-1", "state": "queued"}] * 2
    assert (other.status_code, other.json()["type"]) == (409, "/problems/idempotency-conflict")
    assert accepted_count(web) == 1


@pytest.mark.parametrize("changed", [{"body": "another"}, {"id": "T-9"}])
def test_a_key_used_with_another_body_is_a_conflict(api: httpx.Client, changed: dict[str, str]) -> None:
    headers = {"Idempotency-Key": "k-1"}
    first = api.post("/v1/tickets", json=BODY, headers=headers)
    second = api.post("/v1/tickets", json={**BODY, **changed}, headers=headers)
    assert (first.status_code, second.status_code) == (202, 409)
    assert second.json()["ticket_id"] == first.json()["id"]


def test_keys_of_two_callers_do_not_meet(web: Served) -> None:
    headers = {"Idempotency-Key": "k-1"}
    clients = [web.client(web.key(name=name)) for name in ("one", "two")]
    ids = {client.post("/v1/tickets", json=BODY, headers=headers).json()["id"] for client in clients}
    assert len(ids) == 2


def race(clients: list[httpx.Client], bodies: list[dict[str, Any]]) -> list[httpx.Response]:
    gate = threading.Barrier(len(bodies))

    def post(number: int) -> httpx.Response:
        gate.wait()
        return clients[number].post("/v1/tickets", json=bodies[number], headers={"Idempotency-Key": "race"})

    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(post, range(len(bodies))))


def test_fifty_identical_posts_at_once_make_one_ticket(web: Served) -> None:
    key = web.key()
    answers = race([web.client(key) for _ in range(50)], [BODY] * 50)
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert accepted_count(web) == 1


def test_two_bodies_at_once_make_one_ticket_and_one_clear_conflict(web: Served) -> None:
    key = web.key()
    answers = race([web.client(key) for _ in range(2)], [BODY, {**BODY, "body": "another"}])
    assert Counter(answer.status_code for answer in answers) == {202: 1, 409: 1}
    (conflict,) = [answer.json() for answer in answers if answer.status_code == 409]
    assert conflict["type"] == "/problems/idempotency-conflict"
    assert accepted_count(web) == 1


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (b"{", 400, ""),
        (b"", 400, ""),
        (b"\xff\xfe{}", 400, ""),
        (b"[]", 422, ""),
        (b'{"source":"web","subject":"a"}', 422, "/body"),
        (b'{"source":"web","subject":"","body":" "}', 422, ""),
        (b'{"source":"web","subject":"a","body":"b","metadata":{"a/b":{}}}', 422, "/metadata/a~1b"),
        (b'{"source":"web","subject":"a","body":"b","deadline_seconds":"60"}', 422, "/deadline_seconds"),
        (b'{"source":"web","subject":"a","body":"b","id":"../etc"}', 422, "/id"),
    ],
)
def test_a_bad_body_is_told_with_a_pointer(api: httpx.Client, body: bytes, status: int, pointer: str) -> None:
    answer = api.post("/v1/tickets", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert pointer in [fault["pointer"] for fault in answer.json()["errors"]]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_form_is_not_json(api: httpx.Client) -> None:
    assert api.post("/v1/tickets", data={"subject": "a"}).status_code == 415


def test_a_key_that_cannot_be_a_header_token_is_refused(api: httpx.Client) -> None:
    answer = api.post("/v1/tickets", json=BODY, headers={"Idempotency-Key": "x" * 256})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "idempotency-key")


def test_a_body_that_announces_too_much_is_not_read(api: httpx.Client) -> None:
    answer = api.post("/v1/tickets", content=b"x" * (256 * 1024 + 1), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")


def test_a_body_that_announces_nothing_is_cut_while_it_is_read(api: httpx.Client) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 400 * 1024 * 1024:
            sent += 65536
            yield b"x" * 65536

    try:
        answer = api.post("/v1/tickets", content=endless(), headers={"Content-Type": "application/json"})
        assert answer.status_code == 413
    except httpx.WriteError:  # the server closed the connection before the client looked
        pass
    assert sent < 40 * 1024 * 1024


def test_a_request_keeps_its_id_or_gets_one(api: httpx.Client) -> None:
    assert api.get("/v1/stats", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert api.get("/v1/stats", headers={"X-Request-Id": "a b\tc"}).headers["x-request-id"].startswith("req_")


def test_a_broker_that_is_away_does_not_matter(valkey_url: str) -> None:
    with Served(valkey_url, broker_url="redis://127.0.0.1:1/0") as web:
        answer = web.client().post("/v1/tickets", json=BODY)
        assert answer.status_code == 202
        assert web.ledger.state(answer.json()["id"]) == "queued"
        ready = web.client().get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["broker"]) == (503, "does not answer")
        assert web.client().get("/v1/stats").json()["queues"]["tickets"] is None


def test_without_the_store_it_says_so_and_when_to_come_again(start_valkey: Any) -> None:
    server = start_valkey()
    with Served(server.url) as web:
        client = web.client()
        assert client.get("/readyz").status_code == 200
        server.kill9()
        answer = client.post("/v1/tickets", json=BODY)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["type"] == "/problems/unavailable"
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
        server.start()
        assert client.post("/v1/tickets", json=BODY).status_code == 202


def test_a_frozen_store_is_not_waited_for_for_ever(start_valkey: Any) -> None:
    server = start_valkey()
    with Served(server.url) as web:
        assert web.client().post("/v1/tickets", json=BODY).status_code == 202
        assert web.web.desk is not None
        web.web.desk.store_seconds = 0.3
        server.pause()
        assert web.client().post("/v1/tickets", json=BODY).status_code == 503
        server.resume()
        wait_for(lambda: web.client().post("/v1/tickets", json=BODY).status_code == 202)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'\xef\xbb\xbf{"source":"web","subject":"a","body":"b"}', {}),
        (b'{"source":"web","subject":"a","body":"b \\ud83d"}', {}),
        (gzip.compress(b'{"source":"web","subject":"a","body":"b"}', mtime=0), {"Content-Encoding": "gzip"}),
        (b'{"source":"web","subject":"a","body":"b","received_at":"2026-01-05T08:00:00Z"}', {}),
        (b'{"source":"web","subject":"a","body":"b","received_at":1767600000}', {}),
        (b'{"source":"web","subject":"a","body":"b","received_at":1767600000000}', {}),
        (b'{"source":"web","subject":"a","body":"b","metadata":{"files":["a.png",2,null]}}', {}),
    ],
)
def test_what_other_systems_send_is_taken(api: httpx.Client, body: bytes, headers: dict[str, str]) -> None:
    answer = api.post("/v1/tickets", content=body, headers={"Content-Type": "application/json", **headers})
    assert answer.status_code == 202, answer.text
    ticket = api.get(f"/v1/tickets/{answer.json()['id']}").json()["ticket"]
    assert ticket["body"] in ("b", "b \ufffd")
    assert ticket.get("received_at") in (None, "2026-01-05T08:00:00Z")
    assert ticket.get("metadata", {}).get("files") in (None, "a.png, 2")


def test_packed_bodies_are_bounded_by_what_they_unpack_to(api: httpx.Client) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    bomb = gzip.compress(b" " * 50_000_000)
    assert api.post("/v1/tickets", content=bomb, headers=headers).status_code == 400
    assert api.post("/v1/tickets", content=b"no gzip", headers=headers).status_code == 400
    assert api.post("/v1/tickets", content=b"{}", headers={**headers, "Content-Encoding": "br"}).status_code == 415


def test_a_ticket_remembers_the_trace_it_was_sent_in(web: Served, api: httpx.Client) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for ticket_id, sent in (("T-1", parent), ("T-2", "nonsense")):
        ticket = {"id": ticket_id, "source": "test", "subject": "", "body": "help"}
        assert api.post("/v1/tickets", json=ticket, headers={"traceparent": sent}).status_code == 202
    kept = [web.ledger.do(lambda ledger, of=of: ledger.store.row(of)).get("trace") for of in ("T-1", "T-2")]
    assert kept == [parent, None]
