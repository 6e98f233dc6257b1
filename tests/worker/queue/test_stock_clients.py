"""Whatever a stock Celery client sets on a message, its ticket ends in a state: on Redis, Valkey and RabbitMQ."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from kombu import Connection, Queue
from redis import Redis

from tests.chaos.fleet import Fleet, FleetLedger
from tests.services.rabbitmq import SharedRabbitMQ
from tests.services.waiting import wait_for
from worker.queue.compression import LONGEST_BYTES
from worker.simulator import Simulator, run_in_thread

LATER = datetime.now(UTC) + timedelta(hours=2)
SET: dict[str, dict[str, Any]] = {
    **{f"priority-{number}": {"priority": number} for number in range(10)},
    "gzip": {"compression": "gzip"},
    "bzip2": {"compression": "bzip2"},
    "lzma": {"compression": "lzma"},
    "expires-later": {"expires": 600},
    "time-limits": {"time_limit": 0.001, "soft_time_limit": 0.001},
    "stamped": {"stamped_headers": ["customer"], "customer": "acme"},
    "grouped": {"group_id": "g", "group_index": 3},
    "again": {"retries": 7},
    "shadowed": {"shadow": "another name"},
    "headers": {"headers": {"x-tenant": "acme", "deskhand_eta": "junk"}},
}
"""name -> options of `send_task`: the ticket is worked as any other."""


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with run_in_thread() as simulator:
        yield simulator


class Client:
    """A stock Celery producer beside a worker of ours."""

    def __init__(self, broker: str, namespace: str, ledger: FleetLedger) -> None:
        self.ledger = ledger
        self.queue = f"{namespace}.tickets"
        self.app = Celery(broker=broker, set_as_current=False)
        if broker.startswith("amqp"):
            quorum = {"x-queue-type": "quorum"}
            self.app.conf.task_queues = [Queue(self.queue, queue_arguments=quorum, routing_key=self.queue)]

    def send(self, name: str, *args: Any, **options: Any) -> None:
        kwargs = {} if args else {"ticket": ticket(name)}
        self.app.send_task("tasks.triage", args, kwargs, queue=self.queue, **options)


def ticket(name: str) -> dict[str, str]:
    return {"id": name, "source": "shop", "subject": "Card", "body": "My card has not arrived yet, please help."}


@pytest.fixture(params=["valkey_url", "redis_server_url", "rabbitmq_url"])
def client(request: pytest.FixtureRequest, tmp_path: Path, valkey_url: str, simulator: Simulator) -> Iterator[Client]:
    broker = request.getfixturevalue(request.param)
    namespace = f"stock-{uuid.uuid4().hex[:8]}"
    environment = {"DESKHAND_NAMESPACE": namespace, "ANTHROPIC_BASE_URL": simulator.url}
    with Fleet(tmp_path, valkey_url, broker, **environment) as fleet, FleetLedger(fleet) as ledger:
        fleet.ready(fleet.start(f"{namespace}.tickets,{namespace}.handoff"))
        made = Client(broker, namespace, ledger)
        yield made
        made.app.close()


def test_whatever_is_set_the_ticket_is_worked(client: Client) -> None:
    for name, options in SET.items():
        client.send(name, **options)
    client.send("positional", ticket("positional"))
    client.ledger.wait_rest(len(SET) + 1)
    assert client.ledger.states() == {"suggested": len(SET) + 1}
    assert client.ledger.audit().problems == ()


def test_what_has_expired_goes_to_people(client: Client) -> None:
    client.send("expired", expires=datetime.now(UTC) - timedelta(seconds=1))
    client.ledger.wait_rest(1)
    view = client.ledger.view("expired")
    assert (view.state, view.reason) == ("handed_off", "deadline_passed")


def test_what_is_to_come_is_parked_until_then_whatever_becomes_of_its_worker(client: Client) -> None:
    client.send("tomorrow", eta=LATER)
    wait_for(lambda: client.ledger.states() == {"parked": 1}, message="the ticket to be parked")
    assert client.ledger.loop.run(client.ledger.parts.publisher.depth("tickets")) == 0
    client.send("soon", countdown=5)
    wait_for(lambda: client.ledger.states() == {"parked": 1, "suggested": 1}, message="the sooner one to be worked")
    assert client.ledger.journal("soon")[1]["type"] == "parked"


def test_what_is_no_ticket_is_kept_as_rejected_and_one_for_another_task_is_worked(client: Client) -> None:
    too_long = {**ticket("bomb"), "body": "x" * LONGEST_BYTES}
    client.send("bomb", too_long, compression="gzip")
    for kind in ("nope", "uuid", []):  # kombu's JSON would raise for them, and Celery acknowledge the message
        client.send("typed", {**ticket("typed"), "metadata": {"x": {"__type__": kind, "__value__": "zz"}}})
    client.app.send_task("tasks.hand_off", (), {"neither": 1}, queue=client.queue)
    client.app.send_task("tasks.hand_off", (), {"ticket": ticket("elsewhere")}, queue=client.queue)
    client.send("good")
    client.ledger.wait_rest(7)
    assert client.ledger.states() == {"rejected": 5, "suggested": 2}


def test_lists_of_every_separator_are_read_and_counted(tmp_path: Path, valkey_url: str, simulator: Simulator) -> None:
    with (
        Fleet(tmp_path, valkey_url, ANTHROPIC_BASE_URL=simulator.url) as fleet,
        Redis.from_url(valkey_url) as redis,
        FleetLedger(fleet) as ledger,
    ):
        for separator in ("\x06\x16", ":"):
            app = Celery(broker=valkey_url, set_as_current=False)
            app.conf.broker_transport_options = {"priority_steps": list(range(10)), "sep": separator}
            for number in range(10):
                named = {"ticket": ticket(f"{ord(separator[0])}-{number}")}
                app.send_task("tasks.triage", (), named, queue="tickets", priority=number)
            app.close()
        redis.lpush("intake\x06\x163", json.dumps(ticket("plain-3")))
        redis.lpush("intake:9", json.dumps(ticket("plain-9")))
        assert ledger.loop.run(ledger.parts.publisher.depth("tickets")) == 20
        assert ledger.loop.run(ledger.parts.publisher.depth("intake")) == 2
        fleet.start("tickets,handoff,intake")
        ledger.wait_rest(22)
        assert ledger.states() == {"suggested": 22}
        assert ledger.loop.run(ledger.parts.publisher.depth("tickets")) == 0


def test_a_queue_that_a_stock_client_made_first_is_used_as_it_is(
    tmp_path: Path, valkey_url: str, rabbitmq_url: str, simulator: Simulator
) -> None:
    namespace = f"classic-{uuid.uuid4().hex[:8]}"
    environment = {"DESKHAND_NAMESPACE": namespace, "ANTHROPIC_BASE_URL": simulator.url}
    with Fleet(tmp_path, valkey_url, rabbitmq_url, **environment) as fleet, FleetLedger(fleet) as ledger:
        app = Celery(broker=rabbitmq_url, set_as_current=False)
        app.send_task("tasks.triage", (), {"ticket": ticket("before")}, queue=f"{namespace}.tickets")
        fleet.ready(fleet.start(f"{namespace}.tickets,{namespace}.handoff"))
        app.send_task("tasks.triage", (), {"ticket": ticket("after")}, queue=f"{namespace}.tickets")
        app.close()
        ledger.accept({**ticket("ours"), "subject": "By our own sender"})
        ledger.wait_rest(3)
        assert ledger.states() == {"suggested": 3}


def test_what_rabbitmq_lets_expire_comes_back_by_policy_and_goes_to_people(
    tmp_path: Path, valkey_url: str, rabbitmq_server: SharedRabbitMQ, simulator: Simulator
) -> None:
    namespace = f"expiring-{uuid.uuid4().hex[:8]}"
    environment = {"DESKHAND_NAMESPACE": namespace, "ANTHROPIC_BASE_URL": simulator.url}
    queue = f"{namespace}.tickets"
    with Fleet(tmp_path, valkey_url, rabbitmq_server.url, **environment) as fleet, FleetLedger(fleet) as ledger:
        worker = fleet.start(f"{queue},{namespace}.handoff")
        fleet.ready(worker)  # every queue has been declared
        worker.stop()
        policy = {"dead-letter-exchange": "", "dead-letter-routing-key": f"{queue}.expired"}
        rabbitmq_server.ctl("set_policy", namespace, f"^{queue}$", json.dumps(policy), "--apply-to", "queues")
        client = Client(rabbitmq_server.url, namespace, ledger)
        client.send("late", expires=1)
        depth = ledger.parts.publisher.depth
        with Connection(rabbitmq_server.url) as connection, connection.channel() as channel:
            expired = partial(channel.queue_declare, f"{queue}.expired", passive=True)
            wait_for(lambda: expired().message_count == 1, message="the message to expire")
        assert ledger.loop.run(depth("tickets")) == 1
        fleet.start(f"{queue},{namespace}.handoff")
        ledger.wait_rest(1)
        assert ledger.view("late").reason == "deadline_passed"
        client.app.close()
