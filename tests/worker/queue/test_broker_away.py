"""RabbitMQ is away, or takes nothing: the sweep goes on meanwhile and afterwards, and no sender hangs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.fleet import Fleet, FleetLedger, ticket
from tests.services.rabbitmq import RabbitMQServer
from tests.services.waiting import PATIENCE_SECONDS, wait_for
from worker.simulator import run_in_thread


@pytest.fixture(scope="module")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQServer]:
    """A node of this file's own, which its tests stop and start."""
    with RabbitMQServer(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.mark.long
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
        wait_for(lambda: ledger.loop.run(depth("tickets")) is not None, message="the broker to answer", interval=0.2)
        ledger.accept(ticket(3))
        ledger.wait_rest(3)
        assert ledger.states() == {"suggested": 3}
        assert worker.alive()
        assert "Traceback" not in worker.said()
        assert "'NoneType'" not in worker.said()


@pytest.mark.long
def test_a_broker_that_blocks_its_senders_holds_up_no_command(
    tmp_path: Path, valkey_url: str, rabbitmq: RabbitMQServer
) -> None:
    """RabbitMQ's memory alarm: what is published then is taken, and confirmed when it is over."""
    node = rabbitmq.shared("/")
    node.ctl("set_vm_memory_high_watermark", "absolute", "1")
    with Fleet(tmp_path, valkey_url, rabbitmq.url) as fleet, FleetLedger(fleet) as ledger:
        done = subprocess.run(
            [sys.executable, "-m", "worker.cli", "enqueue", "-"], input=json.dumps(ticket(1)), env=fleet.environment,
            capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
        assert "the tickets are stored" in done.stderr
        assert ledger.states() == {"queued": 1}
    node.ctl("set_vm_memory_high_watermark", "0.6")
