"""The series of the alert cases, played to a real Prometheus: `/metrics` text in which a minute passes in no time."""

import re
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, time
from typing import Self

from tests.docker.alert_cases import CASES, Case

PLAYED_SECONDS = 12.0
"""How long a case takes, however many minutes it is of."""

TAKE_SECONDS = 18.0
"""Then they are played again, as series of their own: where this machine stood still, a rule has missed its moment."""

DATES = "deskhand_deployed_seconds"
"""What is a moment of the clock, and not an amount."""


def times_as_fast(case: Case) -> float:
    """How many of the case's seconds pass in one."""
    return case.minutes * 60 / PLAYED_SECONDS


def at_minute(notation: str, minute: float) -> float | None:
    """A series as promtool writes it, between its samples, too. It goes on as it ends. None where it is missing."""
    begins = 0.0
    pieces = [_piece(text) for text in notation.split()]
    for number, (first, step, lasts) in enumerate(pieces):
        if minute < begins + lasts or number + 1 == len(pieces):
            return None if first is None else first + step * (minute - begins)
        begins += lasts
    return None


def _piece(text: str) -> tuple[float | None, float, int]:
    """(first value, what is added each minute, minutes)."""
    if text.startswith("_"):
        return None, 0.0, int(text.partition("x")[2] or 1)
    found = re.fullmatch(r"([\d.e+]*?[\d.])(?:\+([\d.e]+))?(?:x(\d+))?", text)
    assert found, text
    return float(found[1]), float(found[2] or 0), int(found[3] or 0) + 1


class Target:
    """`address` of a web process that says what the cases say, and of one that is down. Series carry `case` and `take`.

    Its clock starts with the first scrape.
    """

    def __init__(self, cases: Mapping[str, Case] = CASES) -> None:
        self.cases = cases
        self._began: float | None = None
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def text(self) -> str:
        """What is scraped now."""
        now = monotonic()
        self._began = self._began or now
        take, seconds = divmod(now - self._began, TAKE_SECONDS)
        return "".join(line for name, case in self.cases.items() for line in _lines(name, int(take), case, seconds))


def _lines(name: str, take: int, case: Case, seconds: float) -> Iterator[str]:
    times = times_as_fast(case)
    for series, notation in case.fires.items():
        value = at_minute(notation, seconds * times / 60)
        metric, _, labels = series.partition("{")
        if metric == "up" or value is None:
            continue
        if metric == DATES:
            value = time() - seconds + value / times
        yield f'{metric}{{case="{name}",take="{take}",{labels.removesuffix("}")}}} {value}\n'


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, target: Target) -> None:
        self.target = target
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        body = self.server.target.text().encode() if self.path == "/metrics" else b""
        self.send_response(200 if self.path == "/metrics" else 503)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """The test's output stays clean."""
