"""A worker that was killed: the one that comes after it on this machine goes on with its tickets at once."""

from pathlib import Path

from tests.chaos.fleet import Fleet, FleetLedger, ticket
from tests.services.waiting import PATIENCE_SECONDS, wait_for
from worker.simulator import run_in_thread


def test_leases_of_a_killed_worker_are_not_waited_for(valkey_url: str, tmp_path: Path) -> None:
    never = str(PATIENCE_SECONDS * 10)
    with (
        run_in_thread() as simulator,
        Fleet(tmp_path, valkey_url, ANTHROPIC_BASE_URL=simulator.url, DESKHAND_LEASE_SECONDS=never) as fleet,
        FleetLedger(fleet) as ledger,
    ):
        killed = fleet.start(slots=1, CRASH_AT="during:model")
        ledger.accept(*map(ticket, range(3)))
        wait_for(lambda: not killed.alive(), message="the first worker to be killed in its first call")
        (cut,) = ledger.ids("running")
        fleet.start(slots=1)
        ledger.wait_rest(3)
        kinds = [event["type"] for event in ledger.journal(cut)]
        assert kinds.count("lease_expired") == kinds.count("call_lost") == 1
        assert ledger.audit().problems == ()
