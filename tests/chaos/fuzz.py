"""Malformed messages by the thousand: `python -m tests.chaos.fuzz [--messages 10000]`.

Each must end as one `rejected` item, with the worker alive, the next good ticket worked and the books balanced.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path
from time import monotonic

from redis import Redis

from fallbacks.ledger.sums.audit import audit
from fallbacks.ledger.views import Views
from fallbacks.store.redis_store import RedisStore
from tests.services.celery_worker import CeleryWorker
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from worker.simulator import run_in_thread

GOOD = {"id": "good", "source": "fuzz", "subject": "", "body": "My card has not arrived"}


def garbage(dice: random.Random, number: int) -> bytes:
    """One message that is no ticket: bytes, broken JSON, JSON of the wrong shape, or a ticket with broken fields."""
    kind = number % 5
    if kind == 0:
        return b"\xff" + dice.randbytes(dice.randint(1, 200))
    if kind == 1:
        return json.dumps(GOOD)[: dice.randint(1, 40)].encode() + str(number).encode()
    if kind == 2:
        return json.dumps(dice.choice([None, [number], number, "text", True]) or {"n": number}).encode()
    if kind == 3:
        broken = {"source": number, "subject": "", "body": "x", f"extra{number}": dice.random()}
        return json.dumps(broken).encode()
    return json.dumps({"source": "s" * 65, "subject": "", "body": f"body {number}"}).encode()


def fuzz(messages: int, seed: int) -> dict[str, float]:
    """Half on `tickets`, half on `intake`. Returns what came of it; raises AssertionError if anything broke."""
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, run_in_thread() as simulator:
        home = Path(folder)
        environ = {"ANTHROPIC_API_KEY": "fuzz", "ANTHROPIC_BASE_URL": simulator.url}
        settings = {"MODEL": "claude-haiku-5-5"}
        with ValkeyServer(home / "valkey") as store:
            queues = ("tickets", "handoff", "intake")
            with CeleryWorker(home / "worker", store.url, settings, environ, queues) as worker:
                redis, began = Redis.from_url(store.url), monotonic()
                for number in range(messages):
                    redis.lpush("intake" if number % 2 else "tickets", garbage(dice, number))
                redis.lpush("intake", json.dumps(GOOD))
                rejected = "deskhand:s:rejected"
                wait_for(lambda: redis.zcard(rejected) >= messages, 300, "every message kept as rejected", interval=0.5)
                wait_for(
                    lambda: redis.zcard("deskhand:s:suggested") == 1, message="the good ticket worked", interval=0.2
                )
                seconds, alive = monotonic() - began, worker.is_ready()
                found = {"messages": messages, "rejected": int(redis.zcard(rejected)), "seconds": round(seconds, 1)}
            problems = asyncio.run(_problems(store.url))
    assert alive
    assert found["rejected"] == messages, found
    assert problems == (), problems
    return found


async def _problems(url: str) -> tuple[tuple[str, str], ...]:
    store = RedisStore(url)
    try:
        assert (await Views(store).stats()).counters["accepted"] > 0
        return (await audit(store)).problems
    finally:
        await store.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.fuzz", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(json.dumps(fuzz(options.messages, options.seed)))


if __name__ == "__main__":
    sys.exit(main())
