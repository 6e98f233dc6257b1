"""The HTTP directory against a real server: what it sends, what it believes, when it tries again, when it gives up."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from tasks.errors import ToolError
from tasks.tools.ports import Customer
from worker.lookups.http_customers import HttpCustomers

TOKEN = "s3cret-token"
RECORD = {
    "id": "c1",
    "name": "Ann",
    "tier": "vip",
    "country": "GB",
    "since": "2020-01-01",
    "flags": ["new"],
    "iban": "X",
}

Answer = tuple[int, dict[str, str], bytes]


class Directory:
    """A server whose answers are given in order; the last one is repeated."""

    def __init__(self, *answers: Answer | Callable[[BaseHTTPRequestHandler], None]) -> None:
        self.answers = list(answers)
        self.paths: list[str] = []
        self.tokens: list[str | None] = []
        self.url = ""


@contextmanager
def serving(directory: Directory) -> Iterator[Directory]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            directory.paths.append(self.path)
            directory.tokens.append(self.headers["Authorization"])
            answer = directory.answers.pop(0) if len(directory.answers) > 1 else directory.answers[0]
            if callable(answer):
                answer(self)
                return
            status, headers, body = answer
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    directory.url = f"http://127.0.0.1:{server.server_address[1]}/customers"
    try:
        yield directory
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ok(record: object = RECORD) -> Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(record).encode()


def status(code: int, **headers: str) -> Answer:
    return code, headers, b"internal detail"


def get(
    directory: Directory, customer_id: str = "c1", seconds: float = 5.0, tries: int = 3, token: str = TOKEN
) -> Customer | None:
    async def ask() -> Customer | None:
        async with HttpCustomers(directory.url, SecretStr(token), seconds=seconds, tries=tries) as customers:
            return await customers.get(customer_id)

    return asyncio.run(ask())


def test_a_record_is_read_with_the_token_and_what_is_not_needed_is_dropped() -> None:
    with serving(Directory(ok())) as directory:
        assert get(directory) == Customer("c1", "Ann", "vip", "GB", "2020-01-01", ("new",))
    assert directory.paths == ["/customers/c1"]
    assert directory.tokens == [f"Bearer {TOKEN}"]


def test_without_a_token_none_is_sent() -> None:
    with serving(Directory(ok())) as directory:
        assert get(directory, token="") is not None
    assert directory.tokens == [None]


def test_an_unknown_customer_is_none() -> None:
    with serving(Directory(status(404))) as directory:
        assert get(directory) is None
    assert len(directory.paths) == 1


@pytest.mark.parametrize("code", [502, 503, 504])
def test_transient_trouble_is_tried_again(code: int) -> None:
    with serving(Directory(status(code), status(code), ok())) as directory:
        assert get(directory) is not None
    assert len(directory.paths) == 3


@pytest.mark.parametrize(("code", "asked"), [(503, 3), (500, 1), (401, 1), (403, 1), (429, 1), (204, 1)])
def test_lasting_trouble_is_one_line_without_the_token_or_the_body(code: int, asked: int) -> None:
    with (
        serving(Directory(status(code) if code != 204 else (204, {}, b""))) as directory,
        pytest.raises(ToolError) as failed,
    ):
        get(directory)
    assert str(failed.value) == f"the customer directory answered {code}"
    assert len(directory.paths) == asked


def test_a_redirect_is_not_followed() -> None:
    with serving(Directory(ok())) as thief, serving(Directory(status(302, Location=f"{thief.url}/c1"))) as directory:
        with pytest.raises(ToolError, match="answered 302"):
            get(directory)
        assert thief.tokens == []


def test_a_connection_cut_before_the_answer_is_tried_again() -> None:
    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True

    with serving(Directory(cut, ok())) as directory:
        assert get(directory) is not None


def test_nobody_listening_is_an_error_after_bounded_tries() -> None:
    with serving(Directory(ok())) as directory:
        pass
    with pytest.raises(ToolError, match="cannot be reached: ConnectError"):
        get(directory)


def test_a_dripped_answer_is_cut_at_the_total_deadline() -> None:
    stop = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        try:
            while not stop.wait(0.02):
                handler.wfile.write(b" ")
        except OSError:
            pass
        handler.close_connection = True

    with serving(Directory(drip)) as directory:
        try:
            with pytest.raises(ToolError, match=r"did not answer within 0\.3 s"):
                get(directory, seconds=0.3)
        finally:
            stop.set()


def test_a_huge_answer_is_refused() -> None:
    huge = Directory(ok({**RECORD, "name": "x" * 200_000}))
    with serving(huge), pytest.raises(ToolError, match="larger than 65536 bytes"):
        get(huge)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ((200, {}, b"<html>"), "malformed: body"),
        (ok([1]), "malformed: body"),
        (ok({"name": "Ann"}), "malformed: id"),
        (ok({**RECORD, "flags": ["x" * 300]}), "malformed: flags.0"),
        (ok({**RECORD, "id": "c2"}), "another customer's record"),
    ],
)
def test_an_answer_that_is_not_a_record_is_refused_without_quoting_it(answer: Answer, fault: str) -> None:
    with serving(Directory(answer)) as directory, pytest.raises(ToolError, match=fault) as failed:
        get(directory)
    assert "Ann" not in str(failed.value)


@pytest.mark.parametrize(
    ("customer_id", "path"),
    [
        ("../admin", "/customers/..%2Fadmin"),
        ("a?b=c#d", "/customers/a%3Fb%3Dc%23d"),
        ("a b/ü", "/customers/a%20b%2F%C3%BC"),
        ("%2e%2e", "/customers/%252e%252e"),
        ("a\r\nX-Evil: 1", "/customers/a%0D%0AX-Evil%3A%201"),
    ],
)
def test_the_id_is_one_path_segment_whatever_it_holds(customer_id: str, path: str) -> None:
    with serving(Directory(ok({**RECORD, "id": customer_id}))) as directory:
        assert get(directory, customer_id) is not None
    assert directory.paths == [path]


@pytest.mark.parametrize("customer_id", ["", ".", "..", "\ud800"])
def test_an_id_that_cannot_be_a_segment_is_never_asked_for(customer_id: str) -> None:
    with serving(Directory(ok())) as directory, pytest.raises(ToolError, match="customer id"):
        get(directory, customer_id)
    assert directory.paths == []


def find(directory: Directory, email: str) -> Customer | None:
    async def ask() -> Customer | None:
        async with HttpCustomers(directory.url, SecretStr(TOKEN), seconds=5.0) as customers:
            return await customers.find(email)

    return asyncio.run(ask())


def test_a_record_is_found_by_an_address_that_cannot_leave_its_place() -> None:
    with serving(Directory(ok({**RECORD, "email": "Ann&x=1@customer.example"}))) as directory:
        found = find(directory, "ann&x=1@customer.example")
    assert found is not None
    assert (found.id, found.email) == ("c1", "Ann&x=1@customer.example")
    assert directory.paths == ["/customers?email=ann%26x%3D1%40customer.example"]


def test_a_record_of_another_address_is_refused_and_an_unknown_address_is_none() -> None:
    with serving(Directory(ok(), status(404))) as directory:
        with pytest.raises(ToolError, match="a record of another address"):
            find(directory, "eve@evil.example")
        assert find(directory, "eve@evil.example") is None
