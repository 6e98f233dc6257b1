"""What one more ticket costs when so many were there before: `python -m tests.bench.history`. A table and two plots.

Every ticket lives its whole life by the real calls (tests/bench/life.py). With history on, ended tickets leave for it
after every thousand, in SQLite. The cost is the server's own
CPU time. A busy machine makes that dearer too, so lots alternate with lots on books that hold the first level only: the
ratio is what history costs. What stays when a ticket has left: people's decisions (told apart), and each
delivered outcome, for a week.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from time import perf_counter, process_time

from fallbacks.autonomy.standing import AutonomyJudge, Terms
from fallbacks.history.port import History as EndedTickets
from fallbacks.history.sqlite.history import SqliteHistory
from fallbacks.ledger.past.history import LedgerHistory
from fallbacks.store.redis_store import RedisStore
from tests.bench.life import NOTHING, Lives, Taken, median, taken, total
from tests.bench.plot import chart, png
from tests.fallbacks.scene import TRIAGE
from tests.services.valkey import ValkeyServer
from worker.lookups.similar_index import SimilarTickets
from worker.lookups.tickets import History

FIGURES = Path(__file__).parent / "figures"
LEVELS = (1_000, 3_000, 10_000, 30_000, 100_000)
LOT = 1_000
SAMPLE, SAMPLES = 200, 5
"""Tickets of a lot, and lots, measured at each level; the median is told: a server rewrites its file at times."""

REQUESTERS = 200
"""Few enough that from the first level on a person has as many earlier tickets as the agent reads."""


@dataclass(frozen=True, slots=True)
class Point:
    """At one level. server, worker: microseconds of CPU of one more ticket; server_small, worker_small: the same at the
    same time on books that hold the first level only. bytes_each: of all, by ticket ever.

    decisions_each: the part of them that is people's decisions, what the agent's standing is made of. join_seconds: CPU
    of a new worker until it knows them.
    """

    before: int
    server: float
    server_small: float
    worker: float
    worker_small: float
    commands: float
    megabytes: float
    bytes_each: float
    decisions_each: float
    join_seconds: float


@dataclass(slots=True)
class Course:
    """One books growing from level to level."""

    lives: Lives
    ended: EndedTickets | None
    numbers: Iterator[int]

    async def lot(self, size: int) -> Taken:
        """So many whole lives; their way to history belongs to them where there is one."""
        ids = [f"t{number}" for number in islice(self.numbers, size)]
        took = total(await self.lives.live(ids))
        return took + (await self.lives.leave(self.ended) if self.ended else NOTHING)

    async def grow(self, there: int, level: int) -> None:
        while there < level:
            size = min(LOT, level - there)
            await self.lot(size)
            there += size

    async def point(self, before: int, empty: Taken, small: "Course") -> Point:
        pairs = [
            ((await self.lot(SAMPLE)).each(SAMPLE), (await small.lot(SAMPLE)).each(SAMPLE)) for _ in range(SAMPLES)
        ]
        took, beside = (median(side) for side in zip(*pairs, strict=True))
        store, ever = self.lives.store, before + SAMPLES * SAMPLE
        held = (await taken(store)).memory - empty.memory
        decisions = await store.redis.memory_usage(f"{store.prefix}examples", samples=0) or 0
        joined = await join_seconds(store)
        each = (held / ever, decisions / ever)
        cpu = (took.cpu, beside.cpu, took.client, beside.client)
        return Point(before, *cpu, took.commands, held / 1e6, *each, joined)


async def join_seconds(store: RedisStore) -> float:
    """CPU of reading what people decided, as a worker does before its first ticket."""
    began = process_time()
    await AutonomyJudge(store, TRIAGE, Terms()).standings()
    await History(LedgerHistory(store, TRIAGE), SimilarTickets).similar("my card is lost", 3)
    return process_time() - began


@asynccontextmanager
async def opened(url: str, ended: EndedTickets | None) -> AsyncIterator[Course]:
    store = RedisStore(url)
    try:
        yield Course(Lives(store, REQUESTERS), ended, count())
    finally:
        await store.aclose()


async def measure(url: str, small_url: str, levels: Sequence[int], ended: EndedTickets | None) -> list[Point]:
    """One point for each level; the tickets measured at one are part of the history of the next."""
    points, there = list[Point](), 0
    async with opened(url, ended) as course, opened(small_url, ended) as small:
        await course.lot(100)  # scripts loaded, connections open
        await course.lives.store.redis.flushdb()
        empty = await taken(course.lives.store)
        for level in levels:
            began = perf_counter()
            await course.grow(there, level)
            await small.lives.store.redis.flushdb()
            await small.grow(0, levels[0])
            points.append(await course.point(level, empty, small))
            there = level + SAMPLES * SAMPLE
            print(f"{points[-1]} after {perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    return points


def table(found: dict[str, list[Point]]) -> str:
    head = (
        "| history | tickets before | server CPU, µs | on a small store then | worker's part, µs "
        "| on a small store then | commands | store, MB | bytes by ticket ever | of it decisions "
        "| a new worker reads, CPU s |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|"
    )
    rows = [
        f"| {name} | {p.before:,} | {p.server:,.0f} | {p.server_small:,.0f} | {p.worker:,.0f} "
        f"| {p.worker_small:,.0f} | {p.commands:.0f} | {p.megabytes:,.1f} | {p.bytes_each:,.0f} "
        f"| {p.decisions_each:,.0f} | {p.join_seconds:.2f} |"
        for name, points in found.items()
        for p in points
    ]
    return "\n".join([head, *rows])


def draw(found: dict[str, list[Point]]) -> None:
    """Both figures, into the folder of figures."""
    said = "tickets in the store before it (logarithmic)"
    ratio = {f"history {name}": [(p.before, p.server / p.server_small) for p in ps] for name, ps in found.items()}
    held = {f"history {name}": [(p.before, p.megabytes) for p in ps] for name, ps in found.items()}
    cost = f"server CPU of a ticket, {LEVELS[0]:,} before it = 1"
    png(chart("What one more ticket costs the server", said, cost, ratio, log_x=True), FIGURES / "history-cpu.png")
    png(chart("What the store holds", said, "memory, MB", held, log_x=True), FIGURES / "history-memory.png")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.history", description=__doc__)
    parser.add_argument("--most", type=int, default=LEVELS[-1], help="the largest history")
    levels = [level for level in LEVELS if level <= parser.parse_args().most]
    found = {}
    for name in ("off", "on"):
        with (
            tempfile.TemporaryDirectory() as folder,
            ValkeyServer(Path(folder) / "books") as grown,
            ValkeyServer(Path(folder) / "small") as small,
        ):
            ended = SqliteHistory(Path(folder) / "history.sqlite", TRIAGE) if name == "on" else None
            found[name] = asyncio.run(measure(grown.url, small.url, levels, ended))
    draw(found)
    print(f"load average: {os.getloadavg()}\n{table(found)}")


if __name__ == "__main__":
    main()
