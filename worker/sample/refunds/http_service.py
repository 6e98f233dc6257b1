"""A stand-in for a payment API: knows some orders, pays back once for each idempotency key, and says so honestly.

`python -m worker.sample.refunds.http_service [PORT]` serves it on 127.0.0.1.
"""

import json
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from worker.sample.refunds.orders import ORDERS
from worker.sample.refunds.ports import Order


class Trouble(StrEnum):
    """What may be wrong with an answer. done_and_500, lost: the refund was made; hangs: nobody knows."""

    NONE = "none"
    REFUSED = "500 before"
    DONE_AND_500 = "500 after doing it"
    LOST = "done, and no answer"
    HANGS = "hangs, and does it later"


@dataclass(frozen=True, slots=True)
class Made:
    """One refund that was paid."""

    id: str
    key: str
    order: str
    amount_cents: int


def untroubled() -> Trouble:
    """Nothing is wrong."""
    return Trouble.NONE


@dataclass
class PaymentService:
    """`with PaymentService() as service:` serves at `service.url`. made: what was paid, each key once; tries: of a key.

    trouble: of the next POST.
    """

    port: int = 0
    trouble: Callable[[], Trouble] = untroubled
    orders: dict[str, Order] = field(default_factory=lambda: dict(ORDERS))
    made: dict[str, Made] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    ending: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def refund(self, key: str, order_id: str, amount_cents: int) -> tuple[int, dict[str, Any]]:
        """Status and body. The same key again is the same refund; with other arguments it is refused."""
        with self.lock:
            self.tries[key] = self.tries.get(key, 0) + 1
            before = self.made.get(key)
            if before is not None:
                same = (before.order, before.amount_cents) == (order_id, amount_cents)
                return (200, {"id": before.id}) if same else (422, {"error": "this key was used for another refund"})
            order = self.orders.get(order_id)
            if order is None:
                return 404, {"error": "no such order"}
            if not 0 < amount_cents <= order.left_cents:
                return 409, {"error": f"{order.left_cents} cents are left to pay back"}
            self.orders[order_id] = replace(order, refunded_cents=order.refunded_cents + amount_cents)
            self.made[key] = Made(f"re_{len(self.made) + 1:04d}", key, order_id, amount_cents)
            return 201, {"id": self.made[key].id}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, service: PaymentService) -> None:
        self.service = service
        super().__init__(("127.0.0.1", service.port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is its own affair."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        order = self.server.service.orders.get(self.path.removeprefix("/orders/"))
        self._say(*((404, {"error": "no such order"}) if order is None else (200, asdict(order))))

    def do_POST(self) -> None:
        service, key = self.server.service, self.headers.get("Idempotency-Key", "")
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if self.path != "/refunds" or not key:
            return self._say(400, {"error": "POST /refunds with an Idempotency-Key"})
        trouble = service.trouble()
        if trouble is Trouble.REFUSED:
            return self._say(503, {"error": "try again"})
        if trouble is Trouble.HANGS:
            service.ending.wait(2.0)
        status, body = service.refund(key, str(asked["order"]), int(asked["amount_cents"]))
        if trouble in (Trouble.LOST, Trouble.HANGS):
            self.close_connection = True
            return None
        return self._say(500, {"error": "oh"}) if trouble is Trouble.DONE_AND_500 else self._say(status, body)

    def _say(self, status: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""


if __name__ == "__main__":
    with PaymentService(int(sys.argv[1]) if len(sys.argv) > 1 else 8090) as serving:
        sys.stdout.write(f"a stand-in for a payment API at {serving.url}, Ctrl-C ends it\n")
        sys.stdout.flush()
        threading.Event().wait()
