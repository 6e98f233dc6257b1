"""What a door for tickets takes: `python -m tests.bench.web`. A table: `POST /v1/tickets` beside a bare endpoint.

Both are processes of their own by uvicorn, on one Valkey each that keeps a log. 1, 8 and 64 clients keep their
connections and send tickets of 600 characters, each with an `Idempotency-Key` and an API key; the bare one asks for
neither. Rounds alternate; shown are medians. CPU is of the web process, ms a request, so it holds on a busy machine.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import astuple, dataclass
from pathlib import Path
from time import perf_counter
from uuid import uuid4

import httpx

from fallbacks.access.api_keys import ApiKeys, Scope
from fallbacks.store.redis_store import RedisStore
from tests.bench.meter import cpu_seconds
from tests.services.process import ServerProcess
from tests.services.valkey import ValkeyServer

CLIENTS = (1, 8, 64)
BODY = ("My new card has not arrived after two weeks, when will it come? " * 10)[:600]


@dataclass(frozen=True, slots=True)
class Taken:
    """Of one round. p50, p99: ms. cpu: of the web process, ms a request; store: of its Valkey."""

    per_second: float
    p50: float
    p99: float
    cpu: float
    store: float


class WebProcess(ServerProcess):
    """A web server that answers at `path` once it is up."""

    def __init__(self, folder: Path, argv: Callable[[int], list[str]], environ: dict[str, str], path: str) -> None:
        super().__init__(folder)
        self._argv, self._environ, self._path = argv, environ, path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return self._argv(self.port)

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DESKHAND_")}
        return {**kept, **self._environ, "DESKHAND_PORT": str(self.port)}

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}{self._path}", trust_env=False).status_code < 500
        except httpx.HTTPError:
            return False


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: a web process, its store, and the headers of a request."""

    name: str
    web: WebProcess
    store: ValkeyServer
    headers: str


def bare(stack: ExitStack, folder: Path) -> Side:
    store = stack.enter_context(ValkeyServer(folder / "bare-store"))
    argv = [sys.executable, "-m", "uvicorn", "tests.bench.web_bare:app", "--no-access-log", "--log-level", "warning"]
    environ = {"BARE_REDIS_URL": store.url}
    web = WebProcess(folder / "bare", lambda port: [*argv, "--port", str(port)], environ, "/docs")
    return Side("bare FastAPI + Redis", stack.enter_context(web), store, "")


def ours(stack: ExitStack, folder: Path) -> Side:
    store = stack.enter_context(ValkeyServer(folder / "our-store"))
    environ = {"DESKHAND_REDIS_URL": store.url, "DESKHAND_HOME": str(folder / "ours"), "DESKHAND_MODEL": "local"}
    argv = [sys.executable, "-m", "worker.cli", "serve"]
    web = stack.enter_context(WebProcess(folder / "ours", lambda _: argv, environ, "/readyz"))
    return Side("deskhand", web, store, f"authorization: Bearer {asyncio.run(_key(store.url))}\r\n")


async def _key(url: str) -> str:
    store = RedisStore(url)
    try:
        return (await ApiKeys(store).create("bench", [Scope.WRITE]))[1]
    finally:
        await store.aclose()


def request(headers: str) -> bytes:
    """One POST of a new ticket."""
    requester = {"id": f"c-{uuid4().hex[:3]}", "email": "ann@example.com", "name": "Ann"}
    body = json.dumps({"source": "shop", "subject": "A card", "body": BODY, "requester": requester}).encode()
    key = f"idempotency-key: {uuid4().hex}\r\n" if headers else ""
    head = f"POST /v1/tickets HTTP/1.1\r\nhost: 127.0.0.1\r\n{headers}{key}content-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


async def client(port: int, requests: list[bytes], times: list[float]) -> None:
    """Send what is left until nothing is, on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while requests:
        payload, began = requests.pop(), perf_counter()
        writer.write(payload)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 202"):
            raise RuntimeError(head.decode())
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        times.append((perf_counter() - began) * 1000)
    writer.close()


async def send(side: Side, count: int, clients: int) -> tuple[float, list[float]]:
    """Seconds for so many, and the ms of each in order."""
    requests, times = [request(side.headers) for _ in range(count)], list[float]()
    began = perf_counter()
    await asyncio.gather(*(client(side.web.port, requests, times) for _ in range(clients)))
    return perf_counter() - began, sorted(times)


def taken(side: Side, count: int, clients: int) -> Taken:
    cpu, store = cpu_seconds(side.web.pid), cpu_seconds(side.store.pid)
    seconds, times = asyncio.run(send(side, count, clients))
    cpu, store = cpu_seconds(side.web.pid) - cpu, cpu_seconds(side.store.pid) - store
    each = 1000 / count
    return Taken(count / seconds, times[count // 2], times[int(count * 0.99)], cpu * each, store * each)


def median(rounds: Sequence[Taken]) -> list[float]:
    return [statistics.median(values) for values in zip(*map(astuple, rounds), strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.web", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=1000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        sides = [make(stack, Path(name)) for make in (bare, ours)]
        for side in sides:
            asyncio.run(send(side, 200, 8))
        print("| clients | door | requests/s | p50, ms | p99, ms | CPU, ms | of the store, ms |")
        print("|---|---|---|---|---|---|---|")
        for clients in CLIENTS:
            rounds = [[taken(side, given.requests, clients) for side in sides] for _ in range(given.rounds)]
            for side, found in zip(sides, zip(*rounds, strict=True), strict=True):
                per_second, *rest = median(found)
                shown = " | ".join(f"{each:.2f}" for each in rest)
                print(f"| {clients} | {side.name} | {per_second:,.0f} | {shown} |", flush=True)
        print(f"load average: {os.getloadavg()}")


if __name__ == "__main__":
    main()
