"""Real workers come and go under load: work spreads to those that join; none is lost, none paid twice, as they go."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.fleet import Fleet, FleetLedger, WorkerProcess
from tests.services.waiting import wait_for
from worker import sample
from worker.simulator.server import Simulator, run_in_thread

TICKETS = 120
SLOTS = 4
STEADY = {"DESKHAND_LEASE_SECONDS": "10", "DESKHAND_DRAIN_SECONDS": "10"}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with run_in_thread(latency="0.4") as simulator:
        yield simulator


def started(fleet: Fleet, count: int) -> list[WorkerProcess]:
    workers = [fleet.start(slots=SLOTS) for _ in range(count)]
    fleet.ready(*workers)
    return workers


def tickets() -> list[dict[str, Any]]:
    return [dict(row["ticket"]) for row in sample.sample_tickets("test", TICKETS)]  # type: ignore[call-overload]


def ended(ledger: FleetLedger) -> int:
    now = ledger.states()
    return sum(now.values()) - sum(now.get(state, 0) for state in ("queued", "running", "parked"))


def running(ledger: FleetLedger, pid: int) -> int:
    """How many tickets a worker holds now."""
    rows = ledger.loop.run(ledger.parts.store.rows(ledger.ids("running"), ["owner"]))
    return sum(f":{pid}:" in (owner or "") for (owner,) in rows)


def claims(ledger: FleetLedger, ids: list[str]) -> Counter[str]:
    """Tickets by the worker that claimed them, each time they were."""
    return Counter(event["owner"] for each in ids for event in ledger.journal(each) if event["type"] == "claimed")


def assert_kept(ledger: FleetLedger, ids: list[str], simulator: Simulator) -> None:
    """0 lost, 0 paid twice, no worker missed, and the books balance."""
    report = ledger.audit()
    assert report.balanced, report.problems
    assert report.accepted == len(ids) == sum(report.states.values())
    events = [event for each in ids for event in ledger.journal(each)]
    kinds = Counter(event["type"] for event in events)
    assert (kinds["call_lost"], kinds["lease_expired"]) == (0, 0)
    told = httpx.get(f"{simulator.url}/_sim/calls").json()
    assert told["repeated"] == []
    assert told["total"]["finished"] == kinds["model_replied"] == kinds["step_started"]
    paid = sum(event["cost_nanodollars"] for event in events if event["type"] == "model_replied")
    assert paid == report.spent > 0


@pytest.mark.long
def test_four_workers_share_what_one_had_and_one_goes_on_alone(
    valkey_url: str, tmp_path: Path, simulator: Simulator
) -> None:
    with Fleet(tmp_path, valkey_url, ANTHROPIC_BASE_URL=simulator.url, **STEADY) as fleet, FleetLedger(fleet) as ledger:
        started(fleet, 1)
        ids = ledger.accept(*tickets())
        wait_for(lambda: ended(ledger) >= 8, message="the first worker alone")
        joined = started(fleet, 3)
        wait_for(lambda: len(claims(ledger, ids)) == 4, message="all four to work", interval=0.2)
        wait_for(lambda: ended(ledger) >= TICKETS // 2, message="half of the tickets")
        for worker in joined:
            worker.stop()
        ledger.wait_rest(TICKETS)
        share = claims(ledger, ids)
        assert len(share) == 4
        assert min(share.values()) >= SLOTS, share
        assert_kept(ledger, ids, simulator)


@pytest.mark.long
def test_a_rolling_restart_under_load_loses_nothing_and_pays_nothing_twice(
    valkey_url: str, tmp_path: Path, simulator: Simulator
) -> None:
    with Fleet(tmp_path, valkey_url, ANTHROPIC_BASE_URL=simulator.url, **STEADY) as fleet, FleetLedger(fleet) as ledger:
        old, waiting, ids = started(fleet, 2), tickets(), list[str]()
        for worker in old:
            started(fleet, 1)
            ids += ledger.accept(*(waiting.pop() for _ in range(TICKETS // 2)))
            wait_for(lambda pid=worker.pid: running(ledger, pid) > 0, message="work in the one to go")  # type: ignore[misc]
            worker.stop()
            assert ledger.states().get("queued", 0) > 0, "it left after the load was over"
        ledger.wait_rest(TICKETS)
        assert len(claims(ledger, ids)) == 2 * len(old)
        assert_kept(ledger, ids, simulator)
