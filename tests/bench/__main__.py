"""`make bench`: ours against plain Celery with the official SDK, alternating in one run, same tickets and servers.

Three model calls and two tool calls a ticket. Prints a table and writes JSON and a plot to tests/artifacts/.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from redis import Redis

from tests.bench.meter import cpu_seconds, pss_bytes
from tests.bench.rivals import Deskhand, Naive, Rival
from tests.services.process import ServerProcess
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for

ARTIFACTS = Path(__file__).parents[1] / "artifacts"
BODY = "My new card has not arrived after two weeks, when will it come?"
WARM_UP = 50


class ModelServer(ServerProcess):
    """The simulator as a process of its own, answering from a script of three turns."""

    def __init__(self, folder: Path, latency: str) -> None:
        super().__init__(folder)
        self.latency = latency

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "worker.simulator", "--port", str(self.port), "--latency", self.latency]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}

    def is_ready(self) -> bool:
        try:
            self.call("/_sim/calls")
        except OSError:
            return False
        return True

    def call(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"content-type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer)

    def script(self) -> None:
        """Two turns with a tool each, then the decision."""
        search = {"type": "tool_use", "id": "toolu_1", "name": "search_knowledge_base", "input": {"query": "card"}}
        similar = {"type": "tool_use", "id": "toolu_2", "name": "find_similar_tickets", "input": {}}
        decision = {
            "label": "card_arrival",
            "priority": "normal",
            "summary": "A new card has not arrived.",
            "rationale": "It asks when the card will come.",
            "evidence": ["My new card has not arrived"],
            "confidence": 0.95,
        }
        submit = {"type": "tool_use", "id": "toolu_3", "name": "submit_decision", "input": decision}
        self.call("/_sim/faults", {"fault": "script", "script": [[search], [similar], [submit]]})


@dataclass(frozen=True)
class Measure:
    """One rival, one round. CPU in ms a ticket; tickets_per_second over the whole round."""

    rival: str
    tickets: int
    seconds: float
    tickets_per_second: float
    worker_ms: float
    store_ms: float
    total_ms: float
    pss_mib: float


def tickets(count: int, stamp: str) -> list[dict[str, Any]]:
    return [{"id": f"{stamp}-{i}", "source": "bench", "subject": "", "body": BODY} for i in range(count)]


def measure(rival: Rival, store: ValkeyServer, count: int, stamp: str) -> Measure:
    """Give it tickets and account for every CPU second until the last is done."""
    warm = tickets(WARM_UP, f"{stamp}-warm")
    start = rival.done()
    rival.send(warm)
    wait_for(lambda: rival.done() >= start + WARM_UP, 120, "the warm-up")
    worker, books = cpu_seconds(rival.worker.pid), cpu_seconds(store.pid)
    before, began = rival.done(), monotonic()
    rival.send(tickets(count, stamp))
    peak = 0

    def finished() -> bool:
        nonlocal peak
        peak = max(peak, pss_bytes(rival.worker.pid))
        return rival.done() >= before + count

    wait_for(finished, 600, f"{count} tickets", interval=0.25)
    seconds = monotonic() - began
    worker_ms = (cpu_seconds(rival.worker.pid) - worker) / count * 1000
    store_ms = (cpu_seconds(store.pid) - books) / count * 1000
    return Measure(
        rival.name,
        count,
        round(seconds, 2),
        round(count / seconds, 1),
        round(worker_ms, 2),
        round(store_ms, 2),
        round(worker_ms + store_ms, 2),
        round(peak / 2**20, 1),
    )


def rounds(count: int, repeats: int, latency: str, concurrency: int) -> list[Measure]:
    """Alternate the two, each on a fresh worker and empty books."""
    found: list[Measure] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with ValkeyServer(home / "valkey") as store, ModelServer(home / "model", latency) as model:
            model.script()
            for repeat in range(repeats):
                for kind in (Naive, Deskhand):
                    Redis.from_url(store.url).flushall()
                    rival = kind(home / f"{kind.__name__}-{repeat}", store.url, model.url, concurrency)
                    with rival.worker:
                        found.append(measure(rival, store, count, f"r{repeat}"))
                        print(found[-1], flush=True)
    return found


def summary(found: list[Measure]) -> dict[str, dict[str, float]]:
    """Medians by rival."""
    fields = ("tickets_per_second", "worker_ms", "store_ms", "total_ms", "pss_mib")
    return {
        name: {
            field: round(statistics.median(getattr(m, field) for m in found if m.rival == name), 2) for field in fields
        }
        for name in dict.fromkeys(m.rival for m in found)
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--tickets", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--waiting", type=int, default=2000, help="tickets in the in-flight part; 0 leaves it out")
    options = parser.parse_args()
    print(f"load average before: {os.getloadavg()}", flush=True)
    cpu = rounds(options.tickets, options.repeats, "none", 32)
    report: dict[str, Any] = {
        "load_average": os.getloadavg(),
        "cpu": {"rounds": [asdict(m) for m in cpu], "median": summary(cpu)},
    }
    medians = report["cpu"]["median"]
    report["cpu"]["ratio"] = round(medians["deskhand"]["total_ms"] / medians["naive celery"]["total_ms"], 3)
    if options.waiting:
        waiting = rounds(options.waiting, 1, "2", 1000)
        report["in_flight"] = {"rounds": [asdict(m) for m in waiting], "median": summary(waiting)}
    ARTIFACTS.mkdir(exist_ok=True)
    (ARTIFACTS / "bench.json").write_text(json.dumps(report, indent=1))
    print(json.dumps({name: part for name, part in report.items() if name != "rounds"}, indent=1))


if __name__ == "__main__":
    main()
