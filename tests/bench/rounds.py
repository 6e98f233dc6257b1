"""One round: a fresh worker, empty books, so many tickets; every CPU second, byte and trip until the last is done."""

import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from redis import Redis

from tests.bench.meter import cpu_seconds
from tests.bench.model_server import THREE_STEPS, ModelServer
from tests.bench.rivals import Rival
from tests.bench.tickets import tickets
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for

CHARS = 600
WARM_UP = 50
LOOK_SECONDS = 0.25

Kind = Callable[[Path, str, str, int, int], Rival]
"""Folder, store, model server, slots, worker processes."""


@dataclass(frozen=True)
class Measure:
    """One rival, one round. chars: of a ticket's body.

    tickets_per_second: over the middle half of the tickets. *_ms: CPU of a process group, ms a ticket; store holds the
    queue and, for ours, the books; total is worker and store. pss_mib: of the workers at their fullest, in_flight:
    tickets they had then. store_trips: reads by the store, store_bytes: in and out, store_grows: memory, each a ticket.
    """

    rival: str
    tickets: int
    chars: int
    slots: int
    processes: int
    seconds: float
    tickets_per_second: float
    worker_ms: float
    store_ms: float
    total_ms: float
    model_ms: float
    idle_pss_mib: float
    pss_mib: float
    in_flight: int
    in_flight_per_gib: float
    store_trips: float
    store_bytes: int
    store_grows: int


@dataclass(frozen=True)
class Bench:
    """The servers of a run."""

    home: Path
    store: ValkeyServer
    model: ModelServer

    def round(self, kind: Kind, count: int, slots: int, stamp: str, processes: int = 1, chars: int = CHARS) -> Measure:
        """Alone on the machine but for the two servers."""
        Redis.from_url(self.store.url).flushall()
        rival = kind(self.home / stamp, self.store.url, self.model.url, slots, processes)
        with rival.started():
            return self._measure(rival, count, slots, stamp, chars)

    def _measure(self, rival: Rival, count: int, slots: int, stamp: str, chars: int) -> Measure:
        rival.send(tickets(WARM_UP, f"{stamp}-warm", chars))
        wait_for(lambda: rival.done() >= WARM_UP, message="the warm-up")
        idle = rival.pss_bytes()
        kept, served = self._kept_bytes(), self._served()
        cpu, began = self._cpu(rival), monotonic()
        rival.send(tickets(count, stamp, chars))
        watch = _Watch(rival, WARM_UP, count)
        wait_for(watch.finished, 900, f"{count} tickets", interval=LOOK_SECONDS)
        seconds = monotonic() - began
        worker, store, model = ((now - then) / count * 1000 for then, now in zip(cpu, self._cpu(rival), strict=True))
        trips, moved = ((now - then) / count for then, now in zip(served, self._served(), strict=True))
        memory = (self._kept_bytes() - kept) / count
        return Measure(
            rival=rival.name,
            tickets=count,
            chars=chars,
            slots=slots,
            processes=len(rival.workers),
            seconds=round(seconds, 2),
            tickets_per_second=round(watch.rate(), 1),
            worker_ms=round(worker, 2),
            store_ms=round(store, 2),
            total_ms=round(worker + store, 2),
            model_ms=round(model, 2),
            idle_pss_mib=round(idle / 2**20, 1),
            pss_mib=round(watch.pss / 2**20, 1),
            in_flight=watch.in_flight,
            in_flight_per_gib=round(watch.in_flight / (watch.pss / 2**30)),
            store_trips=round(trips, 2),
            store_bytes=round(moved),
            store_grows=round(memory),
        )

    def _cpu(self, rival: Rival) -> tuple[float, float, float]:
        return rival.cpu_seconds(), cpu_seconds(self.store.pid), cpu_seconds(self.model.pid)

    def _served(self) -> tuple[int, int]:
        with Redis.from_url(self.store.url) as redis:
            stats = redis.info("stats")
        return stats["total_reads_processed"], stats["total_net_input_bytes"] + stats["total_net_output_bytes"]

    def _kept_bytes(self) -> int:
        """Of all keys and values. The server's own figure moves with its clients' buffers, by more than a ticket."""
        with Redis.from_url(self.store.url) as redis, redis.pipeline(transaction=False) as asked:
            for key in redis.scan_iter(count=1000):
                asked.memory_usage(key, samples=0)
            return sum(found or 0 for found in asked.execute())


@contextmanager
def bench(latency: str, script: list[list[dict[str, Any]]] = THREE_STEPS) -> Iterator[Bench]:
    """Store and model server. latency: of each model call, seconds or "none"."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with ValkeyServer(home / "valkey") as store, ModelServer(home / "model", latency) as model:
            model.say(script)
            yield Bench(home, store, model)


class _Watch:
    """Looks at a round four times a second."""

    def __init__(self, rival: Rival, before: int, count: int) -> None:
        self._rival, self._before, self._count = rival, before, count
        self._marks: list[tuple[float, int]] = []
        self.pss = self.in_flight = 0

    def finished(self) -> bool:
        self._marks.append((monotonic(), self._rival.done() - self._before))
        self.in_flight = max(self.in_flight, self._rival.running())
        self.pss = max(self.pss, self._rival.pss_bytes())
        return self._marks[-1][1] >= self._count

    def rate(self) -> float:
        """Tickets a second from a quarter to three quarters of them, or over all where that was one look."""
        middle = [mark for mark in self._marks if 0.25 <= mark[1] / self._count <= 0.75]
        (first, few), (last, many) = (middle[0], middle[-1]) if len(middle) > 1 else (self._marks[0], self._marks[-1])
        return (many - few) / (last - first) if last > first else 0.0


def medians(found: Sequence[Measure]) -> dict[str, dict[str, float]]:
    """Of every number, by rival."""
    numbers = [name for name, value in asdict(found[0]).items() if not isinstance(value, str)]
    return {
        rival: {
            name: round(statistics.median(getattr(m, name) for m in found if m.rival == rival), 2) for name in numbers
        }
        for rival in dict.fromkeys(m.rival for m in found)
    }
