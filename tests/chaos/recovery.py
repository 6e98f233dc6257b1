"""How long until the work of a killed worker goes on, by the store's clock; and what its death cost. A small table."""

import signal
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.fleet import Fleet, FleetLedger, WorkerProcess, ticket
from tests.chaos.verdict import REST
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from worker.simulator import Simulator, run_in_thread

SWEEP_SECONDS = 1.0
CALL_SECONDS = 2.0
SLACK_SECONDS = 1.0
"""Beyond lease + sweep: a message's way to a worker, on a machine that others use too."""


@dataclass(frozen=True)
class Case:
    """kill: how many of `workers` die at once. restarted: whether each is replaced at once."""

    name: str
    lease_seconds: float
    workers: int
    slots: int
    tickets: int
    kill: int
    restarted: bool
    trials: int


CASES = (
    Case("the only worker, restarted", 5, 1, 4, 4, kill=1, restarted=True, trials=5),
    Case("one of three, not restarted", 5, 3, 8, 12, kill=1, restarted=False, trials=3),
    Case("all four, 40 running, restarted", 3, 4, 10, 40, kill=4, restarted=True, trials=3),
)


@dataclass(frozen=True)
class Trial:
    """seconds: from the kill until each interrupted ticket ran again. paid_again: calls that the
    provider finished more than once. calls_lost: those cut in flight, which the books charge at their worst case."""

    seconds: tuple[float, ...]
    in_flight: int
    paid_again: int
    calls_lost: int
    lost: int


def recovery(folder: Path, tell: Callable[[str], object]) -> int:
    """Print the table; 0 where nothing was lost, paid again beyond what was in flight, or later than it should."""
    tell("recovery after kill -9 (seconds until a ticket runs again; sweep 1 s)")
    counts = "in flight  charged in full  paid twice  tickets lost"
    tell(f"{'killed':<32} lease  trials  median  all again  {counts}")
    held = True
    for number, case in enumerate(CASES):
        trials = [_trial(folder / f"recovery-{number}-{trial}", case) for trial in range(case.trials)]
        typical = statistics.median(seconds for trial in trials for seconds in trial.seconds)
        slowest = max(max(trial.seconds) for trial in trials)
        in_flight, again = sum(t.in_flight for t in trials), sum(t.paid_again for t in trials)
        charged, lost = sum(trial.calls_lost for trial in trials), sum(trial.lost for trial in trials)
        tell(
            f"{case.name:<32} {case.lease_seconds:>4g}s {case.trials:>7} {typical:>7.1f} {slowest:>10.1f}"
            f" {in_flight:>10} {charged:>16} {again:>11} {lost:>13}"
        )
        if slowest > case.lease_seconds + SWEEP_SECONDS:
            tell(f"  later than lease + sweep by {slowest - case.lease_seconds - SWEEP_SECONDS:.1f} s")
        held = held and not lost and all(t.paid_again <= t.in_flight and t.calls_lost <= t.in_flight for t in trials)
        held = held and slowest <= case.lease_seconds + SWEEP_SECONDS + SLACK_SECONDS
    return 0 if held else 1


def _trial(folder: Path, case: Case) -> Trial:
    with _stage(folder, case) as (fleet, ledger, simulator):
        workers = [fleet.start(slots=case.slots) for _ in range(case.workers)]
        fleet.ready(*workers)
        ids = ledger.accept(*[ticket(number) for number in range(case.tickets)])
        wait_for(lambda: simulator.calls.in_flight == case.tickets, message=f"{case.tickets} calls in flight")
        dying = _busiest(ledger, workers)[: case.kill]
        owners = _owners(ledger, dying)
        hit = {name for name in ids if _owner(ledger, name) in owners} if case.kill < case.workers else set(ids)
        killed_ms = ledger.loop.run(ledger.parts.store.now_ms())
        for worker in dying:
            worker.send(signal.SIGKILL)
        if case.restarted:
            for _ in dying:
                fleet.start(slots=case.slots)
        ledger.wait_rest(case.tickets)
        journals = {name: ledger.journal(name) for name in ids}
        again = tuple(
            (next(e["at"] for e in journals[name] if e["type"] == "claimed" and e["at"] > killed_ms) - killed_ms) / 1000
            for name in hit
        )
        report = simulator.calls.report()
        lost_calls = sum(e["type"] == "call_lost" for journal in journals.values() for e in journal)
        states = ledger.states()
        lost = case.tickets - sum(states.get(state, 0) for state in REST) + len(ledger.audit().problems)
        repeated = sum(int(found["finished"]) - 1 for found in report["repeated"])
        return Trial(again, len(hit), repeated, lost_calls, lost)


@contextmanager
def _stage(folder: Path, case: Case) -> Iterator[tuple[Fleet, FleetLedger, Simulator]]:
    with (
        ValkeyServer(folder / "valkey") as server,
        run_in_thread(latency=str(CALL_SECONDS)) as simulator,
        Fleet(
            folder / "fleet",
            server.url,
            ANTHROPIC_BASE_URL=simulator.url,
            DESKHAND_LEASE_SECONDS=f"{case.lease_seconds:g}",
            DESKHAND_SWEEP_SECONDS=f"{SWEEP_SECONDS:g}",
        ) as fleet,
        FleetLedger(fleet) as ledger,
    ):
        yield fleet, ledger, simulator


def _owners(ledger: FleetLedger, workers: list[WorkerProcess]) -> set[str]:
    pids = {f":{worker.pid}:" for worker in workers}
    owners = ledger.loop.run(ledger.parts.store.fields("workers"))
    return {owner for owner in owners if any(pid in owner for pid in pids)}


def _owner(ledger: FleetLedger, ticket_id: str) -> str:
    return ledger.loop.run(ledger.parts.store.row(ticket_id)).get("owner", "")


def _busiest(ledger: FleetLedger, workers: list[WorkerProcess]) -> list[WorkerProcess]:
    """First who holds most tickets: one that holds none would show nothing."""
    rows = [_owner(ledger, name) for name in ledger.ids("running")]
    return sorted(workers, key=lambda worker: -sum(f":{worker.pid}:" in owner for owner in rows))
