"""How long commands take to start: `python -m tests.bench.start`. Prints a table: medians of five, CPU and wall.

CPU is user and system time of the process and its children, so it holds on a busy machine; wall is what a person
waits. A worker counts as started when it says that it is ready and the books list it.
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

from tests.bench.meter import cpu_seconds
from tests.services.celery_worker import CeleryWorker
from tests.services.valkey import ValkeyServer

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


def median(repeats: int, start: Callable[[], Start]) -> Start:
    found = [start() for _ in range(repeats)]
    return Start(statistics.median(one.cpu for one in found), statistics.median(one.wall for one in found))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.start", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as name, ValkeyServer(Path(name) / "valkey") as store:
        local, remote = Path(name) / "local", Path(name) / "remote"
        starts: dict[str, Callable[[], Start]] = {
            "deskhand --help": lambda: command("--help"),
            "deskhand inbox --help": lambda: command("inbox", "--help"),
            "deskhand plan": lambda: command("plan"),
            "deskhand worker, local model cached": lambda: worker(local, store.url, {}),
            "deskhand worker, remote model": lambda: worker(remote, store.url, REMOTE),
        }
        first = worker(local, store.url, {})  # trains, and leaves the weights in its folder
        print(f"load average: {os.getloadavg()}\n{'start':<38} {'CPU s':>7} {'wall s':>7}")
        for what, start in starts.items():
            found = median(repeats, start)
            print(f"{what:<38} {found.cpu:>7.2f} {found.wall:>7.2f}", flush=True)
        print(f"{'deskhand worker, trains first (once)':<38} {first.cpu:>7.2f} {first.wall:>7.2f}")


if __name__ == "__main__":
    main()
