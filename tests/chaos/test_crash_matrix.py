"""A worker dies at every named point of a run; another finishes it. Both brokers."""

import contextlib
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.fleet import Fleet, FleetLedger, WorkerProcess, ticket
from tests.chaos.receiver import SECRET, Receiver
from tests.depth import DEEP
from tests.services.waiting import wait_for
from worker.simulator import Simulator, run_in_thread

TEXT = "My card has not arrived yet, it was ordered two weeks ago."
SUBMITTED = {
    "label": "card_arrival", "priority": "normal", "summary": "The card has not arrived.", "rationale": "It says so.",
    "evidence": ["My card has not arrived yet"], "confidence": 0.9,
}  # fmt: skip
SCRIPT: list[Any] = [
    [{"type": "tool_use", "name": "notify_team", "input": {"urgency": "now", "note": "A card is late."}}],
    [{"type": "tool_use", "name": "submit_decision", "input": SUBMITTED}],
]
"""Two model calls with an effect between them."""

POINTS = [
    *(f"{when}:{what}" for what in ("claim", "begin_step", "model", "end_step") for when in ("before", "after")),
    "during:model",
    *(f"{when}:{what}" for what in ("begin_effect", "effect", "end_effect") for when in ("before", "after")),
    *(f"{when}:{what}" for what in ("move", "ack", "publish") for when in ("before", "after")),
]
SECOND = ["before:begin_step", "after:begin_step", "during:model", "after:model", "before:end_step", "after:end_step"]
"""The same once more around the second call of the run."""

Matrix = list[tuple[str, int]]
MATRIX: Matrix = [(point, 1) for point in POINTS] + [(point, 2) for point in SECOND]
OF_THE_MESSAGE: Matrix = [
    (point, 1) for point in POINTS if point.endswith((":claim", ":move", ":ack", ":publish", ":effect", "during:model"))
]
"""Where the broker holds something else than before, and one point between any two of those: what lies between them is
the ledger's alone, which is the same beside every broker."""


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with run_in_thread(latency="0.3") as simulator:
        yield simulator


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@contextlib.contextmanager
def played(folder: Path, redis_url: str, simulator: Simulator, receiver: Receiver, broker: str | None = None) -> Iterator[tuple[Fleet, FleetLedger, str]]:  # fmt: skip # noqa: E501
    namespace = f"matrix-{uuid.uuid4().hex[:8]}"
    simulator.fault("script", script=SCRIPT)
    environment = {
        "DESKHAND_NAMESPACE": namespace,
        "DESKHAND_TOOLS": "notify_team",
        "DESKHAND_NOTIFY_URL": f"{receiver.url}/duty",
        "DESKHAND_NOTIFY_SECRET": SECRET,
        "DESKHAND_LEASE_SECONDS": "3",
        "DESKHAND_MAX_WORKER_LOSSES": "1000",  # every worker but the last dies, with whatever it holds
        "DESKHAND_MAX_STEPS": "1000",  # a ticket that a death interrupted goes first, to the next that dies
        "DESKHAND_MAX_COST_USD": "none",
        "ANTHROPIC_BASE_URL": simulator.url,
    }
    with Fleet(folder, redis_url, broker, **environment) as fleet, FleetLedger(fleet) as ledger:
        yield fleet, ledger, namespace


def start(fleet: Fleet, namespace: str, point: str, hit: int, ticket_id: str, slots: int = 4) -> WorkerProcess:
    queues = f"{namespace}.tickets,{namespace}.handoff"
    return fleet.start(queues, slots, CRASH_AT=point, CRASH_HIT=str(hit), CRASH_TICKET=ticket_id)


def run_matrix(fleet: Fleet, ledger: FleetLedger, namespace: str, matrix: Matrix) -> list[str]:
    """Each point kills one worker, which serves all tickets; several at a time. Returns the points that struck."""
    ids = ledger.accept(*[ticket(number, TEXT) for number in range(len(matrix))])
    struck: list[str] = []
    waiting = list(matrix)
    running: dict[WorkerProcess, str] = {}
    more = len(ids)
    while waiting or running:
        while waiting and len(running) < 4:
            point, hit = waiting.pop(0)
            running[start(fleet, namespace, point, hit, "")] = f"{point}#{hit}"
            more += 2
            ledger.accept(*[ticket(number, TEXT) for number in range(more - 2, more)])

        def one_died() -> bool:
            nonlocal more
            publishes = any(point.endswith(":publish#1") for point in running.values())
            if publishes and not {"queued", "running"} & set(ledger.states()):  # only a hint that is lost is published
                more += 1
                ledger.accept(ticket(more - 1, TEXT), publish=False)
            return any(not worker.alive() for worker in running)

        wait_for(one_died, message=f"a worker to die at one of {sorted(running.values())}: {ledger.states()}")
        for worker in [worker for worker in running if not worker.alive()]:
            struck.append(running.pop(worker))
            if running or waiting:  # something is left for the others to do
                more += 2
                ledger.accept(*[ticket(number, TEXT) for number in range(more - 2, more)])
    fleet.start(f"{namespace}.tickets,{namespace}.handoff", 16)
    ledger.wait_rest(more)
    return struck


def check(ledger: FleetLedger, simulator: Simulator, receiver: Receiver) -> None:
    states = ledger.states()
    assert set(states) == {"suggested"}, states
    told = receiver.acted()
    report = ledger.audit()
    assert report.problems == ()
    assert report.reserved == 0
    finished = {(row["ticket"], row["messages"]): row["finished"] for row in simulator.calls.report()["histories"]}
    for ticket_id in ledger.ids("suggested"):
        assert told[ticket_id] == 1, f"{ticket_id}: the team was told under {told[ticket_id]} keys"
        journal = ledger.journal(ticket_id)
        kinds = [event["type"] for event in journal]
        assert kinds.count("suggested") == 1
        assert kinds.count("effect_ended") == 1
        replied, lost = kinds.count("model_replied"), kinds.count("call_lost")
        assert replied == 2, f"{ticket_id}: {kinds}"
        paid = sum(times for (name, _), times in finished.items() if name == ticket_id)
        assert paid <= replied + lost, f"{ticket_id}: paid {paid}, {replied} replies kept, {lost} calls lost"


def run_and_check(
    fleet: Fleet, ledger: FleetLedger, namespace: str, simulator: Simulator, receiver: Receiver, matrix: Matrix
) -> None:
    struck = run_matrix(fleet, ledger, namespace, matrix)
    assert sorted(struck) == sorted(f"{point}#{hit}" for point, hit in matrix)
    check(ledger, simulator, receiver)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_every_point_on_valkey(tmp_path: Path, valkey_url: str, simulator: Simulator, receiver: Receiver) -> None:
    with played(tmp_path, valkey_url, simulator, receiver) as (fleet, ledger, namespace):
        run_and_check(fleet, ledger, namespace, simulator, receiver, MATRIX)


@pytest.mark.timeout(300)
def test_every_point_of_the_message_on_rabbitmq(
    tmp_path: Path, valkey_url: str, rabbitmq_url: str, simulator: Simulator, receiver: Receiver
) -> None:
    with played(tmp_path, valkey_url, simulator, receiver, rabbitmq_url) as (fleet, ledger, namespace):
        run_and_check(fleet, ledger, namespace, simulator, receiver, MATRIX if DEEP else OF_THE_MESSAGE)


def test_points_named_here_exist_in_the_app() -> None:
    assert len(set(MATRIX)) == len(MATRIX)
    assert json.dumps(SCRIPT)
