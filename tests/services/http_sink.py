"""A receiver of webhooks, alerts and Sentry envelopes that keeps what came and answers as told."""

import gzip
import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.services.waiting import PATIENCE_SECONDS, wait_for


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b"{}"
    delay_seconds: float = 0.0
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes  # unpacked if it came compressed

    def json(self) -> Any:
        return json.loads(self.body)

    def sentry_items(self) -> list[tuple[str, Any]]:
        """The items of a Sentry envelope as (type, payload); a payload that is not JSON stays bytes."""
        rest = self.body.partition(b"\n")[2]
        items = []
        while rest.strip():
            header_line, _, rest = rest.partition(b"\n")
            header = json.loads(header_line)
            length = header.get("length", rest.find(b"\n") if b"\n" in rest else len(rest))
            payload, rest = rest[:length], rest[length:].removeprefix(b"\n")
            items.append((header["type"], _json_or_bytes(payload)))
        return items


class HttpSink:
    """`sink.url` takes any request; `sink.received` keeps them in order.

    It gives the answers in `sink.next` first, then `sink.answer`.
    """

    def __init__(self) -> None:
        self.answer = Answer()
        self.next: deque[Answer] = deque()
        self.received: list[Received] = []
        self._ending = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def sentry_dsn(self) -> str:
        return f"http://public@127.0.0.1:{self._server.server_port}/1"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._ending.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait_received(self, count: int, timeout: float = PATIENCE_SECONDS) -> list[Received]:
        wait_for(lambda: len(self.received) >= count, timeout, f"{count} requests at the sink")
        return list(self.received)

    def sentry(self, item_type: str = "event") -> list[Any]:
        """The payloads of one type over all envelopes received so far."""
        envelopes = [request for request in list(self.received) if request.path.endswith("/envelope/")]
        return [payload for request in envelopes for kind, payload in request.sentry_items() if kind == item_type]

    def handle(self, request: Received) -> Answer:
        self.received.append(request)
        try:
            answer = self.next.popleft()
        except IndexError:
            answer = self.answer
        if answer.delay_seconds:
            self._ending.wait(answer.delay_seconds)
        return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, sink: HttpSink) -> None:
        self.sink = sink
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up during a slow answer is what such a test wants."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    server: _Server

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.sink.handle(Received(self.command, self.path, headers, body))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 # http.server looks these names up

    def log_message(self, *_: Any) -> None:
        """The sink keeps requests; the test's output stays clean."""


def _json_or_bytes(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload
