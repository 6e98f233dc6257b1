"""What decided tickets cost a worker: `python -m tests.bench.decided [--decided 100000]`. Two tables.

History in SQLite holds so many decisions of people. First: CPU of this process until it knows them, and until 32 runs
that ask at once do. Then: a real worker on that history and on an empty one, in alternating rounds: seconds and CPU
until it is ready, and CPU a ticket of one model call, for the first lot and for another.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from time import monotonic, process_time

from redis import Redis

from fallbacks.autonomy.standing import AutonomyJudge, Terms
from fallbacks.history.sqlite.history import SqliteHistory
from fallbacks.ledger.past.history import LedgerHistory
from fallbacks.store import keys
from fallbacks.store.redis_store import RedisStore
from tests.bench.meter import cpu_seconds
from tests.bench.model_server import ONE_STEP, ModelServer
from tests.bench.restart import BODY
from tests.bench.rivals import Deskhand
from tests.bench.start import DeskhandWorker
from tests.fallbacks.scene import TRIAGE
from tests.services.celery_worker import CeleryWorker
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from worker import sample
from worker.lookups.similar_index import SimilarTickets
from worker.lookups.tickets import History

AT_ONCE, LOT, SLOTS = 32, 200, 32


@dataclass(frozen=True, slots=True)
class Worker:
    """Seconds; *_ms: CPU a ticket."""

    ready: float
    cpu: float
    first_ms: float
    next_ms: float


async def fill(history: SqliteHistory, count: int) -> None:
    """Decisions of people on the sample's texts, each once approved and a few changed."""
    rows = sample.rows()
    for start in range(0, count, 1000):
        await history.add_examples(start, [_example(rows[n % len(rows)], n) for n in range(start, start + 1000)])


def _example(row: sample.Row, number: int) -> str:
    label, team = row["label"], row["team"]
    shown = {"label": label, "team": team, "priority": "normal"}
    agent = {**shown, "tier": "claude-haiku-5-5", "version": "v1", "blind": number % 20 == 0}
    said = {"id": f"t{number}", "text": f"{row['body']} {number}", **shown, "proposed": label, "by": "ann"}
    return json.dumps({**said, "action": "approve", "agent": agent, "at": 1_767_225_600_000 + number})


async def join(url: str, history: SqliteHistory, decided: int) -> list[tuple[str, float, float]]:
    """(what, CPU seconds of one, of those at once)."""
    store = RedisStore(url)
    await store.put(keys.COUNTERS, {"examples_left": str(decided)})

    def judge(reads: str = "") -> Callable[[], Awaitable[object]]:
        return AutonomyJudge(store, TRIAGE, Terms(), history=history, reads=reads).standings

    def kept() -> Callable[[], Awaitable[object]]:
        return judge("as here")

    def similar() -> Callable[[], Awaitable[object]]:
        index = History(LedgerHistory(store, TRIAGE, history), SimilarTickets)

        async def look() -> None:
            await index.similar("a card", 3)
            await index.caught_up()

        return look

    try:
        found = list[tuple[str, float, float]]()
        await kept()()  # another process, that has folded all
        sides = (("what is earned", judge), ("the same, as another has kept it", kept), ("similar tickets", similar))
        for what, make in sides:
            took = list[float]()
            for together in (1, AT_ONCE):
                look, began = make(), process_time()
                await asyncio.gather(*(look() for _ in range(together)))
                took.append(process_time() - began)
            found.append((what, took[0], took[1]))
        return found
    finally:
        await store.aclose()


def worker_on(folder: Path, url: str, model: ModelServer, history: Path, decided: int) -> Worker:
    """A fresh worker with an empty store."""
    with Redis.from_url(url) as redis:
        redis.flushall()
        redis.hset("deskhand:n", "examples_left", decided)
    rival = Deskhand(folder, url, model.url, SLOTS, 1)
    shipped = rival.workers[0]
    assert isinstance(shipped, CeleryWorker)
    settings = {**shipped.settings, "HISTORY_URL": f"sqlite://{history}"}
    worker = DeskhandWorker(folder, url, settings, shipped.environ, concurrency=SLOTS)
    rival.workers, began = [worker], monotonic()
    with rival.started():
        ready, cpu = monotonic() - began, cpu_seconds(worker.pid)
        lots, before = list[float](), cpu
        for lot in range(2):
            tickets = [{"id": f"l{lot}-{n}", "source": "bench", "subject": "", "body": BODY} for n in range(LOT)]
            rival.send(tickets)
            wait_for(lambda lot=lot: rival.done() >= LOT * (lot + 1), message="a lot of tickets")  # type: ignore[misc]
            after = cpu_seconds(worker.pid)
            lots.append((after - before) / LOT * 1000)
            before = after
        return Worker(ready, cpu, *lots)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.decided", description=__doc__)
    parser.add_argument("--decided", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        full = SqliteHistory(folder / "full.sqlite", TRIAGE)
        asyncio.run(fill(full, given.decided))
        with ValkeyServer(folder / "valkey") as store, ModelServer(folder / "model", "none") as model:
            model.say(ONE_STEP)
            print(f"| {given.decided:,} decided | CPU s of one that asks | of {AT_ONCE} at once |\n|---|---|---|")
            for what, one, many in asyncio.run(join(store.url, full, given.decided)):
                print(f"| {what} | {one:.2f} | {many:.2f} |", flush=True)
            asyncio.run(full.aclose())
            sides = {
                "an empty history": (folder / "empty.sqlite", 0),
                f"{given.decided:,} decided": (folder / "full.sqlite", given.decided),
            }
            rounds: dict[str, list[Worker]] = {what: [] for what in sides}
            for number in range(given.rounds):
                for what, (file, decided) in sides.items():
                    home = folder / f"{number}-{file.stem}"
                    rounds[what].append(worker_on(home, store.url, model, file, decided))
            print("\n| a worker on | ready, s | CPU until then, s | CPU a ticket, first lot, ms | another lot, ms |")
            print("|---|---|---|---|---|")
            for what, found in rounds.items():
                medians = [statistics.median(values) for values in zip(*map(astuple, found), strict=True)]
                print(f"| {what} | {' | '.join(f'{each:.2f}' for each in medians)} |")
    print(f"load average: {os.getloadavg()}")


if __name__ == "__main__":
    main()
