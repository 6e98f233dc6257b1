"""Many tickets in one request: results in order, one bad item spoils no other."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fallbacks.access.api_keys import ApiKeys
from tests.worker.http.served import Served
from worker.http import access
from worker.http.tickets import batch

NDJSON = {"Content-Type": "application/x-ndjson"}


def ticket(number: int, **fields: Any) -> dict[str, Any]:
    return {"id": f"T-{number}", "source": "web", "subject": "", "body": f"Question {number}", **fields}


def lines(tickets: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in tickets)


def results(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


def test_an_array_is_answered_item_by_item(web: Served, api: httpx.Client) -> None:
    items: list[Any] = [ticket(0), {"source": "web"}, 7, ticket(0), ticket(0, body="other"), ticket(1)]
    answer = api.post("/v1/tickets/batch", json=items)
    told = answer.json()["results"]
    assert answer.status_code == 200
    assert [result["index"] for result in told] == list(range(6))
    assert [result["status"] for result in told][1:3] == [422, 422]
    assert sorted(told[place]["status"] for place in (0, 3, 4)) == [202, 202, 409]
    assert (told[5]["status"], told[5]["id"], told[5]["state"]) == (202, "T-1", "queued")
    assert told[1]["problem"]["errors"][0]["pointer"] == "/subject"


def test_an_array_has_up_to_a_hundred(api: httpx.Client) -> None:
    assert len(api.post("/v1/tickets/batch", json=[ticket(n) for n in range(100)]).json()["results"]) == 100
    for items in ([ticket(n) for n in range(101)], [], {"a": 1}):
        assert api.post("/v1/tickets/batch", json=items).status_code == 422
    for body in (b"[", b"[" * 900 + b"]" * 900):
        sent = api.post("/v1/tickets/batch", content=body, headers={"Content-Type": "application/json"})
        assert sent.status_code < 500


def test_long_texts_of_any_script_fit_as_they_do_alone(api: httpx.Client) -> None:
    (result,) = api.post("/v1/tickets/batch", json=[ticket(0, body="ж" * 60_000)]).json()["results"]
    assert result["status"] == 202


def test_a_repeated_batch_makes_no_ticket_twice(web: Served, api: httpx.Client) -> None:
    items = [{"source": "web", "subject": "", "body": f"Question {n}"} for n in range(5)]
    headers = {"Idempotency-Key": "b-1"}
    first, second = (api.post("/v1/tickets/batch", json=items, headers=headers).json() for _ in range(2))
    assert first == second
    assert len({result["id"] for result in first["results"]}) == 5


def test_a_stream_of_lines_is_answered_in_order(api: httpx.Client) -> None:
    def parts() -> Iterator[bytes]:  # cut anywhere, lines of every kind between
        whole = lines([ticket(n) for n in range(250)]) + b"\n{\n" + b"x" * 300_000 + b"\n" + lines([ticket(250)])
        for start in range(0, len(whole), 1000):
            yield whole[start : start + 1000]

    told = results(api.post("/v1/tickets/batch", content=parts(), headers=NDJSON))
    assert [result["index"] for result in told] == list(range(253))
    assert [result["status"] for result in told] == [202] * 250 + [400, 413, 202]
    assert [result.get("id") for result in told if result["status"] == 202] == [f"T-{n}" for n in range(251)]


def test_a_last_line_needs_no_end(api: httpx.Client) -> None:
    told = results(api.post("/v1/tickets/batch", content=lines([ticket(0)]).rstrip(), headers=NDJSON))
    assert [result["status"] for result in told] == [202]


def test_results_leave_while_lines_still_come_and_nothing_is_taken_once_the_key_is_revoked(
    web: Served, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "AGAIN_SECONDS", 0.0)
    key = web.key(name="leaver")
    with socket.create_connection(("127.0.0.1", web.port), timeout=60) as connection:
        head = f"POST /v1/tickets/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        head += "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
        line = lines([ticket(0)])
        connection.sendall(head.encode() + f"{len(line):x}\r\n".encode() + line + b"\r\n")
        seen = b""
        while b'"T-0"' not in seen:
            seen += connection.recv(4096)
        web.ledger.do(lambda ledger: ApiKeys(ledger.store).revoke(key.split("_")[1]))
        line = lines([ticket(1), ticket(2)])
        connection.sendall(f"{len(line):x}\r\n".encode() + line + b"\r\n")
        while not seen.endswith(b"0\r\n\r\n"):
            seen += connection.recv(4096)
    assert seen.startswith(b"HTTP/1.1 200")
    assert (seen.count(b'"status":202'), seen.count(b'"status":401,"problem"')) == (1, 2)
    assert [api.get(f"/v1/tickets/T-{n}").status_code for n in range(3)] == [200, 404, 404]


def test_a_client_that_reads_last_of_all_is_not_locked_out(api: httpx.Client) -> None:
    told = results(api.post("/v1/tickets/batch", content=lines([ticket(n) for n in range(3000)]), headers=NDJSON))
    assert [result["status"] for result in told] == [202] * 3000


def test_a_client_that_never_reads_is_not_read_from_without_end(web: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MOST_WAITING_BYTES", 4096)
    answered = 0

    async def counted(desk: Any, caller: Any, items: Any, *rest: Any) -> list[batch.ResultDocument]:
        nonlocal answered
        answered += len(items)
        return [batch.ResultDocument(index=0, status=422, id="x" * 4000) for _ in items]

    monkeypatch.setattr(batch, "_take_in_all", counted)
    with socket.create_connection(("127.0.0.1", web.port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(1)
        head = f"POST /v1/tickets/batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {web.key()}\r\n"
        client.sendall(f"{head}Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        piece = b"x\n" * 20_000
        chunk = b"%x\r\n" % len(piece) + piece + b"\r\n"
        with pytest.raises(TimeoutError):
            client.sendall(chunk * 500)
    assert answered * 4000 < 64 * 1024 * 1024


def test_the_tickets_of_a_request_count_one_by_one(valkey_url: str) -> None:
    with Served(valkey_url, api_requests_per_minute=50) as web:
        client = web.client(web.key())
        streamed = results(
            client.post("/v1/tickets/batch", content=lines([ticket(n) for n in range(60)]), headers=NDJSON)
        )
        statuses = [result["status"] for result in streamed]
        assert (len(statuses), statuses.count(202), set(statuses[49:])) == (60, 49, {429})
        assert streamed[-1]["problem"]["type"] == "/problems/rate-limited"
        assert client.get("/v1/stats").status_code == 429
        other = web.client(web.key()).post("/v1/tickets/batch", json=[ticket(n) for n in range(100, 160)])
        assert [result["status"] for result in other.json()["results"]].count(202) == 49
