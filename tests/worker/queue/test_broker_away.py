"""RabbitMQ restarts under a worker: the sweep goes on meanwhile, and on the broker's new connections afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.fleet import Fleet, FleetLedger, ticket
from tests.services.rabbitmq import RabbitMQServer
from tests.services.waiting import wait_for
from worker.simulator import run_in_thread


@pytest.fixture
def rabbitmq(tmp_path: Path) -> Iterator[RabbitMQServer]:
    with RabbitMQServer(tmp_path / "rabbitmq") as server:
        yield server


def test_what_comes_while_the_broker_is_away_is_worked_and_so_is_what_comes_after(
    tmp_path: Path, valkey_url: str, rabbitmq: RabbitMQServer
) -> None:
    with (
        run_in_thread() as simulator,
        Fleet(tmp_path, valkey_url, rabbitmq.url, ANTHROPIC_BASE_URL=simulator.url) as fleet,
        FleetLedger(fleet) as ledger,
    ):
        worker, node = fleet.start(), rabbitmq.shared("/")
        ledger.accept(ticket(1))
        ledger.wait_rest(1)
        node.ctl("stop_app")
        ledger.accept(ticket(2), publish=False)
        ledger.wait_rest(2)
        node.ctl("start_app")
        depth = ledger.parts.publisher.known_depth
        wait_for(lambda: ledger.loop.run(depth("tickets")) is not None, 30, "the broker to answer", 0.2)
        ledger.accept(ticket(3))
        ledger.wait_rest(3)
        assert ledger.states() == {"suggested": 3}
        assert worker.alive()
        assert "Traceback" not in worker.said()
        assert "'NoneType'" not in worker.said()
