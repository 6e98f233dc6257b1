"""A source floods while another sends a hundred: how long the other's tickets wait, alone and beside the flood.

`python -m tests.bench.fair`; part of `make bench`. One worker, one model call a ticket, that takes a fifth of a second.
"""

import argparse
import sys
from statistics import median, quantiles
from time import monotonic, sleep
from typing import Any

from redis import Redis

from tests.bench.model_server import ONE_STEP
from tests.bench.rivals import Deskhand
from tests.bench.rounds import Bench, bench
from tests.services.waiting import wait_for

FLOOD, OTHERS, SLOTS, LATENCY = 10_000, 100, 8, 0.2
BODY = "My new card has not arrived after two weeks, when will it come?"
EVERY_SECONDS = 0.1
"""Between two tickets of a stream: a quarter of what the worker could do."""


def tickets(source: str, count: int, name: str, **fields: str) -> list[dict[str, Any]]:
    return [{"id": f"{name}-{n}", "source": source, "subject": "", "body": BODY, **fields} for n in range(count)]


class Waits:
    """What the rows say of when tickets were accepted and claimed, ms of the store."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    def of(self, names: list[str]) -> list[int]:
        """Of each, from its acceptance to its first claim; waits until all have one."""
        found = wait_for(lambda: self._claimed(names), 600, "all of them to be claimed", interval=0.5)
        return [claimed - accepted for accepted, claimed in found]

    def before(self, name: str, others: list[str]) -> int:
        """How many of the others were claimed while it waited."""
        ((accepted, claimed),) = self._claimed([name])
        return sum(accepted < at < claimed for _, at in self._claimed(others, all_of_them=False))

    def _claimed(self, names: list[str], *, all_of_them: bool = True) -> list[tuple[int, int]]:
        with self.redis.pipeline(transaction=False) as asked:
            for name in names:
                asked.hmget(f"deskhand:t:{name}", "accepted", "first_claimed")
            rows = asked.execute()
        known = [(int(accepted), int(claimed)) for accepted, claimed in rows if claimed]
        return known if len(known) == len(names) or not all_of_them else []


def stream(rival: Deskhand, sent: list[dict[str, Any]]) -> None:
    """One at a time."""
    began = monotonic()
    for n, one in enumerate(sent):
        sleep(max(0.0, began + n * EVERY_SECONDS - monotonic()))
        rival.send([one])


def measure(servers: Bench, flood: int, others: int) -> dict[str, dict[str, float]]:
    """Waits (ms) of the other's tickets by how they were sent, and the claims that an urgent one waited for."""
    rival = Deskhand(servers.home / "fair", servers.store.url, servers.model.url, SLOTS, 1)
    found: dict[str, dict[str, float]] = {}
    with rival.started(), Redis.from_url(servers.store.url) as redis:
        waits = Waits(redis)
        rival.send(tickets("flood", 50, "warm"))
        waits.of([f"warm-{n}" for n in range(50)])
        for when in ("alone", "beside the flood"):
            if when != "alone":
                rival.send(tickets("flood", flood, "flood"))
                wait_for(lambda: rival.running() >= SLOTS, 60, "the flood to be worked")
            for how, send in (("stream", stream), ("burst", Deskhand.send)):
                name = f"{how}-{when.split()[0]}"
                send(rival, tickets("other", others, name))
                found[f"{how}, {when}"] = summary(waits.of([f"{name}-{n}" for n in range(others)]))
        behind = []
        for n in range(10):
            rival.send(tickets("flood", 1, f"urgent-{n}", priority="urgent"))
            waits.of([f"urgent-{n}-0"])
            behind.append(waits.before(f"urgent-{n}-0", [f"flood-{i}" for i in range(flood)]))
        found["claims before an urgent one"] = {"p50": median(behind), "p95": max(behind), "max": max(behind)}
        left = int(redis.zcard("deskhand:s:queued"))
    found["flood left at the end"] = {"p50": left, "p95": left, "max": left}
    return found


def summary(waits: list[int]) -> dict[str, float]:
    return {"p50": median(waits), "p95": round(quantiles(waits, n=20)[-1]), "max": max(waits)}


def fair_part(flood: int = FLOOD, others: int = OTHERS) -> dict[str, dict[str, float]]:
    """Measure and print."""
    with bench(str(LATENCY), ONE_STEP) as servers:
        found = measure(servers, flood, others)
    lines = [f"\nFair: {flood} of one source, {others} of another, {SLOTS} slots, {LATENCY} s a call; ms"]
    lines += [
        f"{name:32}" + "".join(f"{kind} {value:>8g}  " for kind, value in row.items()) for name, row in found.items()
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fair", description=__doc__)
    parser.add_argument("--flood", type=int, default=FLOOD)
    parser.add_argument("--others", type=int, default=OTHERS)
    options = parser.parse_args()
    fair_part(options.flood, options.others)
