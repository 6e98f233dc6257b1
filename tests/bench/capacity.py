"""What one Redis or Valkey can carry: measured constants and the arithmetic on them, as docker/SCALING.md has it.

`python -m tests.bench.capacity` measures the books by whole lives of tickets (tests/bench/life.py), a real worker on
books and broker apart, `appendfsync always`, and shards, and prints every table. CPU is the server's own count, so it
holds on a busy machine; rates by the clock are marked as such.
"""

import argparse
import asyncio
import os
import tempfile
import threading
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from fallbacks.history.sqlite.history import SqliteHistory
from fallbacks.store.redis_store import RedisStore
from tasks.ticket import Ticket
from tests.bench import life
from tests.bench.life import NOTHING, Lives, Taken, taken, total
from tests.bench.meter import cpu_seconds
from tests.fallbacks.scene import TRIAGE
from tests.services.celery_worker import CeleryWorker
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from worker import sample
from worker.clients import shard_of
from worker.config.settings import Settings
from worker.service.web import make_parts

WARM = 2000
IDLE_SECONDS = 20.0
BUSY = 0.7
"""Share of a core, of memory and of a network line that a server may use on average: bursts and forks need the rest."""

DAY = 86_400
LIVES_FOR = {"a minute": 1 / 1440, "an hour": 1 / 24, "a day": 1.0}


@dataclass(frozen=True, slots=True)
class Constants:
    """Of one ticket, unless said otherwise. cpu: microseconds of the server's main thread. *_bytes: memory, or sent.

    decision_bytes: kept for ever where a person decided. idle_cpu: microseconds a second for one worker process.
    """

    store_cpu: float
    broker_cpu: float
    live_bytes: float
    decision_bytes: float
    store_net: float
    broker_net: float
    log_bytes: float
    idle_cpu: float


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


async def lives(url: str, size: int, folder: Path) -> tuple[dict[str, Taken], float, float]:
    """What the phases took each, bytes of a ticket in memory when it is decided, and bytes of its decision."""
    store, history = RedisStore(url), SqliteHistory(folder / "history.sqlite", TRIAGE)
    try:
        course = Lives(store)
        await course.live([f"w{number}" for number in range(WARM)])
        before = await taken(store)
        phases = await course.live([f"t{number}" for number in range(size)])
        held = (await taken(store) - before).memory / size
        decisions = await store.redis.memory_usage(f"{store.prefix}examples", samples=0)
        left = await course.leave(history)
        written = on_disk(folder)
        took = left.each(size + WARM)
        print(f"history: {took.cpu:.0f} µs of the server, {took.client:.0f} µs of the worker a ticket")
        print(f"{written / (size + WARM):,.0f} bytes on disk a ticket; freed: {-took.memory:,.0f} of {held:,.0f} bytes")
        return {name: one.each(size) for name, one in phases.items()}, held, (decisions or 0) / (size + WARM)
    finally:
        await history.aclose()
        await store.aclose()


def on_disk(folder: Path) -> int:
    """Bytes of history there."""
    return sum(path.stat().st_size for path in folder.glob("history.sqlite*"))


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
    """Real tickets through a real worker on the local model, books and broker apart."""
    texts = [row["body"] for row in sample.rows("test")][:size]
    with ValkeyServer(folder / "books") as store, ValkeyServer(folder / "broker") as broker:
        settings = {"BROKER_URL": broker.url, "MODEL": "local"}
        with CeleryWorker(folder / "home", store.url, settings, concurrency=64) as worker:
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


async def sharded(urls: Sequence[str], size: int) -> list[tuple[int, Taken]]:
    """For each shard: how many of the tickets are its own, and what its server took for them."""
    found = []
    groups = defaultdict[str, list[str]](list)
    for number in range(size):
        groups[shard_of(f"t{number}", urls)].append(f"t{number}")
    for url in urls:
        store = RedisStore(url)
        try:
            course = Lives(store)
            await course.live([f"w{number}" for number in range(100)])
            found.append((len(groups[url]), total(await course.live(groups[url]))))
        finally:
            await store.aclose()
    return found


def shard_table(folder: Path, size: int) -> str:
    head = "| shards | tickets of each | server CPU of each, µs by ticket of all | together |\n|---|---|---|---|"
    rows = []
    for count in (1, 2, 3):
        with ExitStack() as stage:
            servers = [stage.enter_context(ValkeyServer(folder / f"{count}-{n}")) for n in range(count)]
            found = asyncio.run(sharded([server.url for server in servers], size))
        each = ", ".join(f"{took.each(size).cpu:.0f}" for _, took in found)
        whole = sum((took for _, took in found), NOTHING).each(size).cpu
        rows.append(f"| {count} | {', '.join(str(own) for own, _ in found)} | {each} | {whole:.0f} |")
    return "\n".join([head, *rows])


def limit_table(c: Constants) -> str:
    server = Instance()
    head = f"| {server.gigabytes:g} GB, {server.gigabits:g} Gbit/s | a ticket lives here for | " + " | ".join(
        limits(c, server, apart=True, days_here=1)
    )
    rows = [
        f"| {'broker apart' if apart else 'store and broker'} | {lives} | "
        + " | ".join(
            f"{float(f'{value:.2g}'):,.0f}" for value in limits(c, server, apart=apart, days_here=days).values()
        )
        + " |"
        for apart in (False, True)
        for lives, days in LIVES_FOR.items()
    ]
    return "\n".join([f"{head} |", "|---|---|---|---|---|---|", *rows])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.capacity", description=__doc__)
    parser.add_argument("--tickets", type=int, default=3000)
    size = parser.parse_args().tickets
    print(f"load average: {os.getloadavg()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ValkeyServer(folder / "lives", auto_aof_rewrite_percentage=0) as server:
            phases, live_bytes, decision_bytes = asyncio.run(lives(server.url, size, folder))
        print(phase_table(phases))
        real = deployed(folder / "deployed", min(size, 1000))
        for part, took in (
            ("store", real.store),
            ("broker", real.broker),
            ("store, one idle worker a second", real.idle),
        ):
            print(f"{part}: {took}")
        print(f"worker: {real.worker_cpu * 1000:.1f} ms of CPU a ticket", end="; ")
        print(f"connections of one worker: {real.store_connections} store, {real.broker_connections} broker")
        whole = total(phases)
        constants = Constants(
            store_cpu=whole.cpu,
            broker_cpu=real.broker.cpu,
            live_bytes=live_bytes,
            decision_bytes=decision_bytes,
            store_net=whole.received + whole.sent,
            broker_net=real.broker.received + real.broker.sent,
            log_bytes=whole.log,
            idle_cpu=real.idle.cpu,
        )
        print(f"{constants}\n{limit_table(constants)}")
        for policy in ("everysec", "always"):
            with ValkeyServer(folder / policy, appendfsync=policy) as server:
                rates = [asyncio.run(by_the_clock(server.url, size // 5, at_once)) for at_once in (1, 32, 128)]
            print(f"appendfsync {policy}: {', '.join(f'{rate:.0f}' for rate in rates)} tickets/s at 1, 32, 128 at once")
        print(shard_table(folder / "shards", size))


if __name__ == "__main__":
    main()
