"""What one ledger over a cluster costs against one server, by the same tickets.

`python -m tests.bench.cluster` takes tickets through the real calls phase by phase, and then through real workers on
the local model, on one server and on clusters of one, two and three masters, in turns. CPU is the servers' own count,
of all of them together. Workers are measured idle before: what looks cost whatever the load is shown, and subtracted.
"""

import argparse
import asyncio
import os
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median as middle
from time import monotonic

from redis import Redis as Client
from redis import RedisError
from redis.asyncio import Redis

from fallbacks.ledger.states import State
from fallbacks.store import keys
from fallbacks.store.redis_opening import open_store
from tasks.ticket import Ticket
from tests.bench import life
from tests.bench.life import NOTHING, Course, Taken, median, taken_by, total
from tests.bench.meter import cpu_seconds
from tests.services.celery_worker import CeleryWorker
from tests.services.cluster import Cluster
from tests.services.valkey import ValkeyServer
from worker import sample
from worker.config.settings import Settings
from worker.service.web import make_parts

WARM = 300
IDLE_SECONDS = 10.0
AHEAD = 400
"""Tickets that wait at most: a queue that is neither empty nor a backlog."""

SENT_AT_ONCE = 16
"""One after the other, it is the sender whose rate would be seen."""


@dataclass(frozen=True)
class Stores:
    """Where the ledger is, and its servers. name: how it is called in the tables."""

    name: str
    url: str
    servers: Sequence[ValkeyServer]

    async def taken(self) -> Taken:
        """By all servers together; the commands by which it is asked are in it."""
        found = NOTHING
        for server in self.servers:
            async with Redis.from_url(server.url) as client:
                found += await taken_by(client)
        return found


@contextmanager
def stores(folder: Path, masters: int) -> Iterator[Stores]:
    """masters: 0 for one server without a cluster."""
    if not masters:
        with ValkeyServer(folder / "one") as server:
            yield Stores("one server", server.url, [server])
    else:
        with Cluster(folder / f"of{masters}", masters) as cluster:
            yield Stores(f"{masters} master{'s' * (masters > 1)}", cluster.url, cluster.masters)


async def by_calls(there: Stores, size: int) -> dict[str, Taken]:
    """What each phase took of a ticket."""
    store = open_store(there.url, "deskhand:")
    try:
        course = Course(store)
        for ids in ([f"w{n}" for n in range(WARM)], [f"t{n}" for n in range(size)]):
            found = {name: await course.phase(step, ids, there.taken) for name, step in course.steps.items()}
        return {name: one.each(size) for name, one in found.items()}
    finally:
        await store.aclose()


class Worker(CeleryWorker):
    """Of a ledger that may be over a cluster. home: where the local model is, which the first one trains."""

    ready_seconds = 600.0

    def __init__(self, folder: Path, there: Stores, broker: str, home: Path) -> None:
        settings = {"BROKER_URL": broker, "MODEL": "local", "HOME": str(home)}
        super().__init__(folder, there.url, settings, concurrency=64)
        self.there = there

    def is_ready(self) -> bool:
        return any(f":{self.pid}:" in name for server in self.there.servers for name in _workers(server))


def _workers(server: ValkeyServer) -> list[str]:
    found = list[str]()
    for home in ("", "{home}:"):
        with server.client() as client, suppressed():
            found += _keys_of(client, f"deskhand:{home}{keys.WORKERS}")
    return found


def _keys_of(client: Client, name: str) -> list[str]:
    found: list[str] = client.hkeys(name)  # type: ignore[assignment]  # synchronous
    return found


@contextmanager
def suppressed() -> Iterator[None]:
    """A key of another node is not here."""
    try:
        yield
    except RedisError:
        return


@dataclass(frozen=True)
class Worked:
    """Of real workers. idle_*: seconds of CPU a second. server, worker: of a ticket, seconds of CPU, idle included."""

    name: str
    idle_server: float
    idle_worker: float
    server: float
    worker: float
    rate: float

    @property
    def server_less_idle(self) -> float:
        return self.server - self.idle_server / self.rate

    @property
    def worker_less_idle(self) -> float:
        return self.worker - self.idle_worker / self.rate


def by_workers(home: Path, masters: int, size: int, workers: int) -> Worked:
    """The same tickets through real workers. home: of all of them, every time."""
    texts = [row["body"] for row in sample.rows("test")]
    with ExitStack() as stage:
        folder = Path(stage.enter_context(tempfile.TemporaryDirectory()))
        there = stage.enter_context(stores(folder, masters))
        broker = stage.enter_context(ValkeyServer(folder / "broker"))
        started = [stage.enter_context(Worker(folder / f"w{n}", there, broker.url, home)) for n in range(workers)]
        return asyncio.run(_worked(there, broker.url, started, [texts[n % len(texts)] for n in range(size)]))


async def _worked(there: Stores, broker: str, workers: Sequence[Worker], texts: Sequence[str]) -> Worked:
    parts = make_parts(Settings(redis_url=there.url, broker_url=broker, home=Path(workers[0].settings["HOME"])))
    states = [keys.in_state(state) for state in (State.SUGGESTED, State.HANDED_OFF)]

    async def resting() -> int:
        return sum(await parts.store.sizes(states))

    async def send(name: str, bodies: Sequence[str]) -> None:
        before = await resting()
        found = [
            Ticket.model_validate({"id": f"{name}{number}", "source": "bench", "subject": "", "body": body})
            for number, body in enumerate(bodies)
        ]
        for sent in range(0, len(found), SENT_AT_ONCE):
            lot = found[sent : sent + SENT_AT_ONCE]
            await asyncio.gather(*(parts.ledger.accept(one, life.LIMITS, max_wait_seconds=3600) for one in lot))
            await parts.publisher.publish([("triage", str(one.id)) for one in lot])
            await _until(resting, before + sent - AHEAD)
        await _until(resting, before + len(bodies))

    async def used() -> tuple[float, float]:
        return (await there.taken()).cpu / 1e6, sum(cpu_seconds(worker.pid) for worker in workers)

    try:
        await send("w", texts[:WARM])
        idle = await used()
        await asyncio.to_thread(threading.Event().wait, IDLE_SECONDS)
        before, began = await used(), monotonic()
        await send("t", texts)
        seconds, after = monotonic() - began, await used()
        base = [(b - a) / IDLE_SECONDS for a, b in zip(idle, before, strict=True)]
        each = [(b - a) / len(texts) for a, b in zip(before, after, strict=True)]
        return Worked(there.name, *base, *each, rate=len(texts) / seconds)
    finally:
        await parts.store.aclose()
        parts.app.close()


async def _until(resting: Callable[[], Awaitable[int]], count: int) -> None:
    deadline = monotonic() + 600
    while await resting() < count and monotonic() < deadline:  # noqa: ASYNC110 - other processes
        await asyncio.sleep(0.2)


def phase_table(found: dict[str, list[dict[str, Taken]]]) -> str:
    """µs of server CPU and of the calling process by phase; found: of each kind of store, every round."""
    middles = {
        name: {step: median([one[step] for one in rounds]) for step in rounds[0]} for name, rounds in found.items()
    }
    for steps in middles.values():
        steps["**all**"] = total(steps)
    head = "| phase | " + " | ".join(f"{name}: server, caller" for name in middles) + " |"
    rows = [
        f"| {step} | "
        + " | ".join(f"{steps[step].cpu:.0f}, {steps[step].client:.0f}" for steps in middles.values())
        + " |"
        for step in next(iter(middles.values()))
    ]
    return "\n".join([head, "|---" * (len(middles) + 1) + "|", *rows])


def worked_table(found: dict[str, list[Worked]]) -> str:
    """Medians, and what the servers cost against the first."""
    head = (
        "| ledger | tickets/s | servers idle, ms/s | servers, µs a ticket | less idle | against one server, less idle "
        "| workers idle, ms/s | workers, ms a ticket | less idle |"
    )
    rows, first = [head, "|---" * 9 + "|"], next(iter(found.values()))
    for name, rounds in found.items():
        one = {
            field: middle(getattr(each, field) for each in rounds)
            for field in (
                "rate",
                "idle_server",
                "server",
                "server_less_idle",
                "idle_worker",
                "worker",
                "worker_less_idle",
            )
        }
        pairs = list(zip(rounds, first, strict=True))
        against = [
            f"{middle(getattr(each, field) / getattr(base, field) for each, base in pairs):.2f}"
            for field in ("server", "server_less_idle")
        ]
        rows.append(
            f"| {name} | {one['rate']:.0f} | {one['idle_server'] * 1e3:.1f} | {one['server'] * 1e6:.0f} | "
            f"{one['server_less_idle'] * 1e6:.0f} | {against[0]}, {against[1]} | {one['idle_worker'] * 1e3:.0f} | "
            f"{one['worker'] * 1e3:.2f} | {one['worker_less_idle'] * 1e3:.2f} |"
        )
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cluster", description=__doc__)
    parser.add_argument("--tickets", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--masters", type=int, nargs="*", default=[0, 1, 2, 3], help="0: one server")
    parser.add_argument("--only", choices=("calls", "workers"))
    given = parser.parse_args()
    calls, worked = dict[str, list[dict[str, Taken]]](), dict[str, list[Worked]]()
    print(f"load average: {os.getloadavg()}")
    with tempfile.TemporaryDirectory() as home:
        for masters in given.masters * given.rounds:
            if given.only != "workers":
                with tempfile.TemporaryDirectory() as name, stores(Path(name), masters) as there:
                    calls.setdefault(there.name, []).append(asyncio.run(by_calls(there, given.tickets)))
            if given.only != "calls":
                found = by_workers(Path(home), masters, given.tickets, given.workers)
                worked.setdefault(found.name, []).append(found)
                print(found, flush=True)
    if calls:
        print(phase_table(calls))
    if worked:
        print(worked_table(worked))


if __name__ == "__main__":
    main()
