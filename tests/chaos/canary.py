"""Raw producers and workers killed between taking a message and recording it: kombu's own transport must lose here.

It proves that the harness sees loss. The same kills with our channel lose nothing.
"""

import json
import random
from pathlib import Path

from redis import Redis

from tests.chaos.fleet import Fleet, FleetLedger, WorkerProcess
from tests.depth import cases
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from tests.worker.queue.poison import envelope
from worker.simulator import run_in_thread

TICKETS = 60
KILLS = cases(3, 6)


def lost_messages(folder: Path, seed: int, *, stock: bool) -> int:
    """How many of 60 tickets are in no ledger after such kills and a healthy worker's turn."""
    rng = random.Random(seed)
    transport = {"CRASH_STOCK": "1"} if stock else {}
    with (
        ValkeyServer(folder / "valkey") as server,
        run_in_thread() as simulator,
        Fleet(folder, server.url, ANTHROPIC_BASE_URL=simulator.url, DESKHAND_LEASE_SECONDS="1", **transport) as fleet,
        FleetLedger(fleet) as ledger,
        Redis.from_url(server.url) as redis,
    ):
        names = [f"raw{number}" for number in range(TICKETS)]
        for name in names:
            body = {"id": name, "source": "raw", "subject": name, "body": "My card has not arrived."}
            redis.lpush(
                "tickets",
                json.dumps(envelope("tasks.triage", "tickets", body=json.dumps([[], {"ticket": body}, None]))),
            )
        for _ in range(KILLS):
            hit = str(rng.randint(1, 8))
            dying: WorkerProcess = fleet.start(slots=2, CRASH_AT="before:record", CRASH_HIT=hit)
            wait_for(lambda dying=dying: not dying.alive(), message="a worker to die as it takes a message")  # type: ignore[misc]
        fleet.start(slots=4)

        def quiet() -> bool:
            keys = ("deskhand:unacked", "unacked")
            on_the_way = redis.llen("tickets") + sum(redis.hlen(key) for key in keys)
            return not on_the_way and not set(ledger.states()) & {"queued", "running", "parked"}

        wait_for(quiet, message="everything at rest")
        return TICKETS - sum(ledger.states().values())
