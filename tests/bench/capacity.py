"""What one Redis or Valkey can carry: measured constants and the arithmetic on them, as docker/SCALING.md has it.

`python -m tests.bench.capacity` measures the ledger by whole lives of tickets (tests/bench/life.py), a real worker with
store and broker apart, and `appendfsync always`, and prints every table; `--fill docker/SCALING.md` puts them into the
page. CPU is the server's own count, so it holds on a busy machine; rates by the clock are marked as such.
"""

import argparse
import asyncio
import os
import re
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from fallbacks.history.sqlite.history import SqliteHistory
from fallbacks.store.redis_store import RedisStore
from tasks.ticket import Ticket
from tests.bench import life
from tests.bench.life import Lives, Taken, taken, total
from tests.bench.meter import cpu_seconds
from tests.fallbacks.scene import TRIAGE
from tests.services.celery_worker import CeleryWorker
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from worker import sample
from worker.config.settings import Settings
from worker.service.web import make_parts

WARM = 2000
IDLE_SECONDS = 20.0
BUSY = 0.7
"""Share of a core, of memory and of a network line that a server may use on average: bursts and forks need the rest."""

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Constants:
    """Of one ticket. *_cpu: microseconds of the main thread. live_bytes: memory. log_bytes: written. *_net: sent."""

    store_cpu: float
    broker_cpu: float
    live_bytes: float
    store_net: float
    broker_net: float
    log_bytes: float


@dataclass(frozen=True, slots=True)
class Instance:
    """One server. gigabytes: memory. gigabits: its network, a second. log_megabytes: what its disk writes, a second."""

    gigabytes: float = 16.0
    gigabits: float = 1.0
    log_megabytes: float = 100.0


def limits(c: Constants, server: Instance, *, apart: bool, days_here: float) -> dict[str, float]:
    """Tickets a day until each thing ends. apart: whether the broker has a server of its own.
    days_here: how long a ticket lives in the store: until it is decided, its outcome delivered and its undo over."""
    cpu = c.store_cpu + (0 if apart else c.broker_cpu)
    net = c.store_net + (0 if apart else c.broker_net)
    memory = BUSY * server.gigabytes * 1e9
    return {
        "one core": BUSY * DAY * 1e6 / cpu,
        "memory": memory / (c.live_bytes * days_here),
        "network": BUSY * DAY * server.gigabits * 1e9 / 8 / net,
        "disk (append-only file)": BUSY * DAY * server.log_megabytes * 1e6 / c.log_bytes,
    }


@dataclass(frozen=True, slots=True)
class Deployment:
    """Of one ticket through a real worker. *_connections: of one worker process, at its busiest."""

    store: Taken
    broker: Taken
    worker_cpu: float
    store_connections: int
    broker_connections: int
    idle: Taken


async def lives(url: str, size: int, folder: Path) -> tuple[dict[str, Taken], float, Taken]:
    """What the phases took each, bytes of a ticket in memory when it is decided, and what its leaving took."""
    store, history = RedisStore(url), SqliteHistory(folder / "history.sqlite", TRIAGE)
    try:
        course = Lives(store)
        await course.live([f"w{number}" for number in range(WARM)])
        before = await taken(store)
        phases = await course.live([f"t{number}" for number in range(size)])
        held = (await taken(store) - before).memory / size
        left = (await course.leave(history)).each(size + WARM)
        return {name: one.each(size) for name, one in phases.items()}, held, left
    finally:
        await history.aclose()
        await store.aclose()


def phase_table(phases: dict[str, Taken]) -> str:
    head = (
        "| phase | server CPU, µs | commands | trips | received, B | sent, B | log, B |\n|---|---|---|---|---|---|---|"
    )
    rows = [
        f"| {name} | {took.cpu:.0f} | {took.commands:.1f} | {took.trips:.1f} | "
        f"{took.received:,.0f} | {took.sent:,.0f} | {took.log:,.0f} |"
        for name, took in {**phases, "**all**": total(phases)}.items()
    ]
    return "\n".join([head, *rows])


def deployed(folder: Path, size: int) -> Deployment:
    """Real tickets through a real worker on the local model, store and broker apart."""
    texts = [row["body"] for row in sample.rows("test")][:size]
    with ValkeyServer(folder / "store") as store, ValkeyServer(folder / "broker") as broker:
        settings = {"BROKER_URL": broker.url, "MODEL": "local"}
        worker = CeleryWorker(folder / "home", store.url, settings, concurrency=64)
        worker.ready_seconds = 600.0  # it trains the local model first
        with worker:
            return asyncio.run(_through(worker, store, broker, texts))


async def _through(worker: CeleryWorker, store: ValkeyServer, broker: ValkeyServer, texts: Sequence[str]) -> Deployment:
    parts = make_parts(Settings(redis_url=store.url, broker_url=broker.url, home=worker.folder))
    there, queues = RedisStore(store.url), RedisStore(broker.url)

    async def send(ids: Sequence[str]) -> None:
        for ticket_id, body in zip(ids, texts, strict=False):
            found = Ticket.model_validate({"id": ticket_id, "source": "bench", "subject": "", "body": body})
            await parts.ledger.accept(found, life.LIMITS, max_wait_seconds=3600)
            await parts.publisher.publish([("triage", ticket_id)])

    async def at_rest(count: int) -> None:
        def resting() -> bool:
            there_now = [int(client.zcard(f"{there.prefix}s:{state}")) for state in ("suggested", "handed_off")]
            return sum(there_now) >= count

        with store.client() as client:
            await asyncio.to_thread(wait_for, resting, 600, f"{count} tickets at rest", 0.1)

    try:
        warm = [f"w{number}" for number in range(100)]
        await send(warm)
        await at_rest(len(warm))
        before = await taken(there), await taken(queues), cpu_seconds(worker.pid)
        await send([f"t{number}" for number in range(len(texts))])
        await at_rest(len(warm) + len(texts))
        after = await taken(there), await taken(queues), cpu_seconds(worker.pid)
        connections = [len(await store.redis.client_list()) for store in (there, queues)]
        idle = await taken(there)
        await asyncio.to_thread(threading.Event().wait, IDLE_SECONDS)
        idle = (await taken(there) - idle).each(int(IDLE_SECONDS))
        ours = [1 + 1, 1 + 1]  # this meter's and this sender's
        size = len(texts)
        return Deployment(
            (after[0] - before[0]).each(size),
            (after[1] - before[1]).each(size),
            (after[2] - before[2]) / size,
            connections[0] - ours[0],
            connections[1] - ours[1],
            idle,
        )
    finally:
        for store in (there, queues, parts.store):
            await store.aclose()
        parts.app.close()


async def by_the_clock(url: str, size: int, at_once: int) -> float:
    """Tickets a second through the phases, this process's own work included."""
    store = RedisStore(url)
    try:
        course = Lives(store, at_once=at_once)
        await course.live([f"w-{at_once}"])
        began = perf_counter()
        await course.live([f"{at_once}-{number}" for number in range(size)])
        return size / (perf_counter() - began)
    finally:
        await store.aclose()


def limit_table(c: Constants) -> str:
    server = Instance()
    shown = ("one core", "network", "disk (append-only file)")
    rows = [f"| {server.gigabits:g} Gbit/s | {' | '.join(shown)} |", "|---|---|---|---|"]
    for name, apart in (("store and broker", False), ("broker apart", True)):
        found = limits(c, server, apart=apart, days_here=1)
        rows.append(f"| {name} | {' | '.join(f'{_rounded(found[each]):,.0f}' for each in shown)} |")
    return "\n".join(rows)


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")


def deployed_table(real: Deployment) -> str:
    rows = ["| of a ticket | server CPU, µs | commands | trips | network, B |", "|---|---|---|---|---|"]
    for name, took in (("store", real.store), ("broker", real.broker)):
        sums = f"{took.cpu:.0f} | {took.commands:.1f} | {took.trips:.1f} | {took.received + took.sent:,.0f}"
        rows.append(f"| {name} | {sums} |")
    said = (
        f"Its worker used {real.worker_cpu * 1000:.1f} ms of CPU a ticket, and held {real.store_connections}"
        f" connections to the store and {real.broker_connections} to the broker. An idle worker costs the store"
        f" {real.idle.cpu / 1000:.1f} ms of CPU a second, the server's ticking included."
    )
    return "\n".join([*rows, "", said])


def constant_table(c: Constants, left: Taken) -> str:
    rows = (
        ("store, CPU", f"{c.store_cpu:.0f} µs", "of the one thread that runs scripts, until it is reported"),
        ("leaving for history", f"{left.cpu:.0f} µs", "of the same thread, later"),
        ("broker, CPU", f"{c.broker_cpu:.0f} µs", "a Redis broker"),
        (
            "memory",
            f"{c.live_bytes:,.0f} B",
            "decided, with journal, decision and outcome; all of it goes when it leaves",
        ),
        ("network", f"{c.store_net / 1e3:.1f} KB and {c.broker_net / 1e3:.1f} KB", "store and broker, both ways"),
        ("append-only file", f"{c.log_bytes / 1e3:.1f} KB", "before rewriting"),
    )
    return "\n".join(["| constant | of a ticket | |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)])


def fsync_table(folder: Path, size: int) -> str:
    rows = ["| tickets/s by the clock | 1 at a time | 32 at once | 128 at once |", "|---|---|---|---|"]
    for policy in ("everysec", "always"):
        with ValkeyServer(folder / policy, appendfsync=policy) as server:
            rates = [asyncio.run(by_the_clock(server.url, size, at_once)) for at_once in (1, 32, 128)]
        rows.append(f"| `{policy}` | {' | '.join(f'{rate:.0f}' for rate in rates)} |")
    return "\n".join(rows)


def measured(folder: Path, size: int) -> dict[str, str]:
    """By the name of their place in the page."""
    loads = " ".join(f"{load:.1f}" for load in os.getloadavg())
    found = {"when": f"{datetime.now(UTC):%Y-%m-%d}, load average {loads}:"}
    with ValkeyServer(folder / "lives", auto_aof_rewrite_percentage=0) as server:
        phases, live_bytes, left = asyncio.run(lives(server.url, size, folder))
    real, whole = deployed(folder / "deployed", min(size, 1000)), total(phases)
    constants = Constants(
        store_cpu=whole.cpu,
        broker_cpu=real.broker.cpu,
        live_bytes=live_bytes,
        store_net=whole.received + whole.sent,
        broker_net=real.broker.received + real.broker.sent,
        log_bytes=whole.log,
    )
    found |= {"phases": phase_table(phases), "deployed": deployed_table(real)}
    found |= {"constants": constant_table(constants, left), "limits": limit_table(constants)}
    return found | {"fsync": fsync_table(folder, size // 5)}


def filled(page: str, found: Mapping[str, str]) -> str:
    """The page with what was found in its places: behind `<!-- name -->`, up to the next `<!-- end -->`."""
    for name, text in found.items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- end -->)", re.DOTALL)
        page, times = place.subn(lambda match, text=text: f"{match[1]}{text}{match[2]}", page)
        if times != 1:
            raise ValueError(f"the page has {times} places for {name}")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.capacity", description=__doc__)
    parser.add_argument("--tickets", type=int, default=3000)
    parser.add_argument("--fill", type=Path, help="the page to put the tables into")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = measured(Path(name), options.tickets)
    sys.stdout.write("\n\n".join(f"{name}:\n{text}" for name, text in found.items()) + "\n")
    if options.fill:
        options.fill.write_text(filled(options.fill.read_text(), found))


if __name__ == "__main__":
    main()
