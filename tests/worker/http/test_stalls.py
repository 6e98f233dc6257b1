"""Clients that stop in the middle are cut off, whatever they are in the middle of, and leave nothing behind."""

import json
import logging
import socket
from contextlib import closing

import pytest

from fallbacks.access.places import Places
from tests.services.waiting import wait_for
from tests.worker.http.served import Served
from worker.http import stalls

TICKET = {"source": "shop", "subject": "", "body": "My card is late"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stalls, "STALL_SECONDS", 1.0)


class Stalling:
    """A client that says something and then neither speaks nor, unless asked, listens."""

    def __init__(self, web: Served, said: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", web.port))
        self.socket.settimeout(60)
        self.socket.sendall(said)

    def heard(self) -> bytes:
        """Everything until the server hangs up."""
        found = bytearray()
        while piece := self.socket.recv(65536):
            found += piece
        return bytes(found)

    def close(self) -> None:
        self.socket.close()


def head(web: Served, path: str, *lines: str) -> bytes:
    fixed = (f"POST {path} HTTP/1.1", "Host: desk", f"Authorization: Bearer {web.key()}", "Origin: http://desk")
    return "\r\n".join((*fixed, *lines, "", "")).encode()


def test_a_body_that_stops_is_answered_and_the_connection_closed(web: Served) -> None:
    said = head(web, "/v1/tickets", "Content-Type: application/json", "Content-Length: 100") + b'{"source": '
    with closing(Stalling(web, said)) as client:
        answer = client.heard()
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"the body ended early" in answer


def test_a_stream_of_tickets_that_stops_ends_with_its_results_and_leaves_its_place(web: Served) -> None:
    line = json.dumps(TICKET).encode() + b"\n"
    said = head(web, "/v1/tickets/batch", "Content-Type: application/x-ndjson", "Transfer-Encoding: chunked")
    with closing(Stalling(web, said + b"%x\r\n%s\r\n" % (len(line), line))) as client:
        answer = client.heard()
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b'"status":202') == 1
    desk = web.web.desk
    assert desk is not None
    wait_for(lambda: not desk.batches.taken, message="its place is free")


@pytest.mark.parametrize("said", [b"", b"GET /v1/tic", b"GET / HTTP/1.1\r\nHost: desk\r\nX: "])
def test_a_request_that_never_begins_is_cut_off(web: Served, said: bytes) -> None:
    with closing(Stalling(web, said)) as client:
        assert client.heard() == b""


def test_a_next_request_that_never_begins_is_cut_off(web: Served) -> None:
    with closing(Stalling(web, b"GET /healthz HTTP/1.1\r\nHost: desk\r\n\r\nGET /heal")) as client:
        assert client.heard().startswith(b"HTTP/1.1 200")


def test_whoever_does_not_read_an_answer_is_cut_off(web: Served) -> None:
    said = b"GET /v1/openapi.json HTTP/1.1\r\nHost: desk\r\n\r\n" * 200
    with closing(Stalling(web, said)):
        wait_for(lambda: not web.server.server_state.connections, message="the connection is gone")


def test_a_form_that_stops_is_no_fault_of_ours(web: Served, caplog: pytest.LogCaptureFixture) -> None:
    form = ("Content-Type: application/x-www-form-urlencoded", "Content-Length: 100")
    with caplog.at_level(logging.ERROR), closing(Stalling(web, head(web, "/sign-in", *form) + b"name=")) as client:
        assert client.heard().startswith(b"HTTP/1.1 400")
    assert caplog.text == ""


def test_batches_beyond_their_places_wait_and_are_then_refused(web: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = web.web.desk
    assert desk is not None
    monkeypatch.setattr(desk, "batches", Places(10, 1))
    key = web.key()
    with desk.batches.take(key.split("_")[1]), monkeypatch.context() as soon:
        soon.setattr(desk, "store_seconds", 0.2)
        for kind in ("application/json", "application/x-ndjson"):
            headers = {"content-type": kind}
            refused = web.client(key).post("/v1/tickets/batch", content=json.dumps([TICKET]), headers=headers)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    assert web.client(key).post("/v1/tickets/batch", json=[TICKET]).json()["results"][0]["status"] == 202
    wait_for(lambda: not desk.batches.taken, message="its place is free")
