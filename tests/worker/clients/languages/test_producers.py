"""Producers in other languages, for real: Node, redis-cli and curl each put a ticket on, and a worker ends it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.fleet import Fleet, FleetLedger
from tests.services.process import program
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from tests.worker.http.served import Served
from worker.simulator import Simulator, run_in_thread

HERE = Path(__file__).parent
BODY = "My card has not arrived, ordered two weeks ago."
QUEUES = "tickets,handoff,intake"
AMQP_NAMESPACE = "languages"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scripts and, from the locked list, the npm packages they use."""
    folder = tmp_path_factory.mktemp("node")
    for file in (*HERE.glob("*.js"), *HERE.glob("package*.json")):
        shutil.copy(file, folder)
    npm = [program("npm", package="npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    done = subprocess.run(npm, cwd=folder, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with run_in_thread() as simulator:
        yield simulator


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, valkey_server: ValkeyServer, simulator: Simulator) -> Iterator[Fleet]:  # fmt: skip # noqa: E501
    """A worker whose store and broker are one Valkey."""
    valkey_server.flush()
    with Fleet(tmp_path_factory.mktemp("fleet"), valkey_server.url, ANTHROPIC_BASE_URL=simulator.url) as fleet:
        fleet.ready(fleet.start(queues=QUEUES))
        yield fleet


@pytest.fixture(scope="module")
def ledger(fleet: Fleet) -> Iterator[FleetLedger]:
    with FleetLedger(fleet) as ledger:
        yield ledger


def run(command: list[str], stdin: str = "") -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, env={**os.environ})
    assert done.returncode == 0, done.stderr
    return done.stdout


def ended(ledger: FleetLedger, ticket_id: str) -> str:
    """The label that waits for a person's approval."""
    wait_for(lambda: ticket_id in ledger.ids("suggested"), message=f"{ticket_id} at rest: {ledger.states()}")
    view = ledger.view(ticket_id)
    assert view.ticket
    assert view.ticket.body == BODY
    assert view.decision
    return str(view.decision["label"])


def test_celery_node_sends_a_task(node: Path, fleet: Fleet, ledger: FleetLedger) -> None:
    run([program("node", package="nodejs"), str(node / "celery_task.js"), fleet.redis_url])
    assert ended(ledger, "node-celery")


def test_node_pushes_plain_json_onto_a_redis_list(node: Path, fleet: Fleet, ledger: FleetLedger) -> None:
    run([program("node", package="nodejs"), str(node / "redis_list.js"), fleet.redis_url])
    assert ended(ledger, "node-redis")


def test_redis_cli_pushes_plain_json_onto_a_redis_list(fleet: Fleet, ledger: FleetLedger) -> None:
    ticket = json.dumps({"id": "redis-cli", "source": "shell", "subject": "", "body": BODY})
    cli = [program("redis-cli", package="redis-tools"), "-u", fleet.redis_url]
    run([*cli, "-x", "LPUSH", "intake"], stdin=ticket)
    assert ended(ledger, "redis-cli")


def test_curl_posts_a_ticket_and_waits_for_its_end(fleet: Fleet, ledger: FleetLedger) -> None:
    ticket = json.dumps({"id": "curl", "source": "shell", "subject": "", "body": BODY})
    with Served(fleet.redis_url) as web:
        curl = [program("curl", package="curl"), "--silent", "--show-error", "--fail-with-body", "--noproxy", "*"]
        key = ["-H", f"Authorization: Bearer {web.key()}"]
        posted = run([*curl, *key, "--json", "@-", f"{web.url}/v1/tickets"], stdin=ticket)
        answer = run([*curl, *key, f"{web.url}/v1/tickets/curl?wait=20"])
    assert json.loads(posted)["id"] == "curl"
    assert json.loads(answer)["state"] == "suggested"
    assert ended(ledger, "curl") == json.loads(answer)["decision"]["label"]


def test_node_publishes_plain_json_over_amqp(
    tmp_path: Path, node: Path, valkey_server: ValkeyServer, rabbitmq_url: str, simulator: Simulator
) -> None:
    settings = {"ANTHROPIC_BASE_URL": simulator.url, "DESKHAND_NAMESPACE": AMQP_NAMESPACE}
    queues = ",".join(f"{AMQP_NAMESPACE}.{kind}" for kind in QUEUES.split(","))
    with Fleet(tmp_path, valkey_server.url, rabbitmq_url, **settings) as fleet, FleetLedger(fleet) as ledger:
        fleet.ready(fleet.start(queues=queues))
        script = [program("node", package="nodejs"), str(node / "amqp_publish.js")]
        run([*script, rabbitmq_url, f"{AMQP_NAMESPACE}.intake"])
        assert ended(ledger, "node-amqp")
        assert ledger.audit().problems == ()
