"""How long commands take to start: `python -m tests.bench.start`. Prints a table: medians of five, CPU and wall.

CPU is user and system time of the process and its children, so it holds on a busy machine; wall is what a person
waits. A worker counts as started when it says that it is ready and the ledger lists it. "First ticket" is from the
command, on an empty state folder and with a ticket waiting, until that one is done by a model that answers at once.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from redis import Redis

from tests.bench.meter import cpu_seconds
from tests.bench.model_server import ONE_STEP, ModelServer
from tests.bench.rivals import Deskhand, Naive, Rival
from tests.bench.tickets import tickets
from tests.services.celery_worker import CeleryWorker
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for

DESKHAND = [sys.executable, "-m", "worker.cli"]
REMOTE = {"ANTHROPIC_API_KEY": "sk-none", "DESKHAND_MODEL": "claude-haiku-5-5"}


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds of one start."""

    cpu: float
    wall: float


class DeskhandWorker(CeleryWorker):
    """`deskhand worker`, as a user starts it."""

    def command(self) -> list[str]:
        return [*DESKHAND, "worker", "--queues", ",".join(self.queues), "-c", str(self.concurrency)]

    def is_ready(self) -> bool:
        return " ready." in self.log.read_text(errors="replace") and super().is_ready()


class ByCommand(Deskhand):
    """Ours by `deskhand worker`, and not by Celery's own command."""

    def __init__(self, folder: Path, redis_url: str, model_url: str, slots: int, processes: int) -> None:
        super().__init__(folder, redis_url, model_url, slots, processes)
        (plain,) = self.workers
        assert isinstance(plain, CeleryWorker)
        self.workers = [DeskhandWorker(plain.folder, redis_url, plain.settings, plain.environ, concurrency=slots)]


def command(*arguments: str) -> Start:
    """A command that ends by itself."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), monotonic()
    subprocess.run([*DESKHAND, *arguments], check=True, stdout=subprocess.DEVNULL)
    wall, after = monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Start(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall)


def worker(folder: Path, redis_url: str, environ: Mapping[str, str]) -> Start:
    """A worker until it is ready. The folder keeps what was trained from one start to the next."""
    (folder / "output.log").unlink(missing_ok=True)
    began = monotonic()
    with DeskhandWorker(folder, redis_url, environ=environ) as started:
        return Start(cpu_seconds(started.pid), monotonic() - began)


def first_ticket(kind: type[Rival], folder: Path, store: ValkeyServer, model: ModelServer) -> Start:
    """A worker until the ticket that waited for it is done."""
    with Redis.from_url(store.url) as redis, tempfile.TemporaryDirectory(dir=folder) as empty:
        redis.flushall()
        rival = kind(Path(empty), store.url, model.url, 32, 1)
        (started,) = rival.workers
        rival.send(tickets(1, "first", 600))
        began = monotonic()
        try:
            started.launch()
            wait_for(lambda: rival.done() == 1, interval=0.005)
            return Start(cpu_seconds(started.pid), monotonic() - began)
        finally:
            started.stop()
            rival.close()


def median(repeats: int, start: Callable[[], Start]) -> Start:
    found = [start() for _ in range(repeats)]
    return Start(statistics.median(one.cpu for one in found), statistics.median(one.wall for one in found))


def first_tickets(folder: Path, store: ValkeyServer, repeats: int) -> None:
    """By turns, since only what follows each other compares on a busy machine."""
    kinds: dict[str, type[Rival]] = {
        "first ticket, plain Celery": Naive,
        "first ticket, celery -A worker.celery_app": Deskhand,
        "first ticket, deskhand worker": ByCommand,
    }
    with ModelServer(folder / "model", "none") as model:
        model.say(ONE_STEP)
        rounds = [[first_ticket(kind, folder, store, model) for kind in kinds.values()] for _ in range(repeats)]
    print(f"load average: {os.getloadavg()}\n{'start':<42} {'CPU s':>7} {'wall s':>7}")
    for what, found in zip(kinds, zip(*rounds, strict=True), strict=True):
        middle = median(repeats, iter(found).__next__)
        print(f"{what:<42} {middle.cpu:>7.2f} {middle.wall:>7.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.start", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--first", action="store_true", help="only the first ticket, beside plain Celery's")
    given = parser.parse_args()
    repeats = given.repeats
    with tempfile.TemporaryDirectory() as name, ValkeyServer(Path(name) / "valkey") as store:
        first_tickets(Path(name), store, repeats)
        if given.first:
            return
        local, remote = Path(name) / "local", Path(name) / "remote"
        starts: dict[str, Callable[[], Start]] = {
            "deskhand --help": lambda: command("--help"),
            "deskhand inbox --help": lambda: command("inbox", "--help"),
            "deskhand plan": lambda: command("plan"),
            "deskhand worker, local model cached": lambda: worker(local, store.url, {}),
            "deskhand worker, remote model": lambda: worker(remote, store.url, REMOTE),
        }
        first = worker(local, store.url, {})  # trains, and leaves the weights in its folder
        print(f"load average: {os.getloadavg()}\n{'start':<42} {'CPU s':>7} {'wall s':>7}")
        for what, start in starts.items():
            found = median(repeats, start)
            print(f"{what:<42} {found.cpu:>7.2f} {found.wall:>7.2f}", flush=True)
        print(f"{'deskhand worker, trains first (once)':<42} {first.cpu:>7.2f} {first.wall:>7.2f}")


if __name__ == "__main__":
    main()
