"""How soon work goes on after kill -9: `python -m tests.bench.restart`. A table: a line a round, and the medians.

200 tickets of 615 characters with a requester, three calls of .5 s and two tools each. One worker of 32 slots is killed
when 60 are done, and its command given again at once. Seconds are from then on, CPU is of the worker until it is ready.
Its slots are in step, so that most of what is cut then has just begun; `--later .75` kills in the middle of a round.
"""

import argparse
import os
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from time import monotonic, sleep

from redis import Redis

from tests.bench.meter import cpu_seconds
from tests.bench.model_server import THREE_STEPS, ModelServer
from tests.bench.rivals import Deskhand
from tests.bench.start import DeskhandWorker
from tests.services.celery_worker import CeleryWorker
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for

TICKETS, SLOTS, DONE_BEFORE = 200, 32, 60
BODY = ("My new card has not arrived after two weeks, when will it come? " * 10)[:615]
SETTINGS = {
    "as shipped (lease 30 s, sweep 5 s)": {},
    "lease 3 s, sweep 1 s": {"LEASE_SECONDS": "3", "SWEEP_SECONDS": "1"},
}


@dataclass(frozen=True, slots=True)
class Back:
    """first, last: when the first ticket that was cut was done, and the last of all. cut: how many were."""

    cut: int
    ready: float
    cpu: float
    first: float
    last: float


def tickets(stamp: str) -> list[dict[str, object]]:
    who = {"id": "c-1", "email": "ann@example.com", "name": "Ann"}
    return [
        {"id": f"{stamp}-{n}", "source": "bench", "subject": "A card", "body": BODY, "requester": who}
        for n in range(TICKETS)
    ]


def round_of(
    folder: Path, store: ValkeyServer, model: ModelServer, stamp: str, given: Mapping[str, str], later: float = 0
) -> Back:
    """One kill and what came after it. later: seconds after 60 were done."""
    with Redis.from_url(store.url) as redis:
        redis.flushall()
        rival = Deskhand(folder / stamp, store.url, model.url, SLOTS, 1)
        shipped = rival.workers[0]
        assert isinstance(shipped, CeleryWorker)
        worker = DeskhandWorker(
            folder / stamp, store.url, {**shipped.settings, **given}, shipped.environ, concurrency=SLOTS
        )
        rival.workers = [worker]
        with rival.started():
            rival.send(tickets(stamp))
            wait_for(lambda: rival.done() >= DONE_BEFORE and rival.running() > SLOTS * 3 // 4, interval=0.005)
            sleep(later)
            worker.kill9()
            cut = set(redis.zrange("deskhand:s:running", 0, -1))
            worker.log.unlink()
            began = monotonic()
            worker.launch()
            return _watched(redis, worker, cut, began)


def _watched(redis: Redis, worker: DeskhandWorker, cut: set[bytes], began: float) -> Back:
    ready = cpu = first = 0.0
    while True:
        now = monotonic() - began
        if not ready and worker.log.exists() and " ready." in worker.log.read_text(errors="replace"):
            ready, cpu = now, cpu_seconds(worker.pid)
        done = set(redis.zrange("deskhand:s:suggested", 0, -1))
        if not first and done & cut:
            first = now
        if len(done) == TICKETS:
            return Back(len(cut), ready, cpu, first, now)
        if now > 120:
            raise RuntimeError(f"{len(done)} of {TICKETS} are done after two minutes")
        sleep(0.01)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.restart", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--later", type=float, default=0.0, help="seconds from 60 tickets done to the kill")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ValkeyServer(folder / "valkey") as store, ModelServer(folder / "model", "0.5") as model:
            model.say(THREE_STEPS)
            print("| settings | cut | ready, s | CPU until then, s | first that was cut, s | all, s |")
            print("|---|---|---|---|---|---|")
            found: dict[str, list[Back]] = {said: [] for said in SETTINGS}
            for number in range(options.rounds):
                for said, given in SETTINGS.items():
                    stamp = f"r{number}-{len(given)}"
                    found[said].append(round_of(folder, store, model, stamp, given, options.later))
                    print(_line(said, astuple(found[said][-1])), flush=True)
            for said, all_of_them in found.items():
                medians = [statistics.median(values) for values in zip(*map(astuple, all_of_them), strict=True)]
                print(_line(f"**{said}**, median", medians))
    print(f"load average: {os.getloadavg()}")


def _line(said: str, values: Sequence[float]) -> str:
    cut, *rest = values
    return f"| {said} | {cut:.0f} | {' | '.join(f'{each:.2f}' for each in rest)} |"


if __name__ == "__main__":
    main()
