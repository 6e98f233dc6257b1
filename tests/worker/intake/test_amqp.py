"""Queue intake: plain JSON tickets from producers that know neither Celery nor kombu, on both brokers."""

import base64
import gzip
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from amqp import Message as AmqpMessage
from kombu import Connection
from redis import Redis

from tests.chaos.fleet import Fleet, FleetLedger
from tests.services.rabbitmq import amqp
from tests.services.waiting import wait_for
from worker.intake.raw_ticket import MAX_BYTES, UnreadableError, read_raw
from worker.simulator import Simulator, run_in_thread

TICKET = {"source": "raw", "subject": "Card", "body": "My card has not arrived, it was ordered two weeks ago."}
GOOD = [
    json.dumps({**TICKET, "id": "raw-1"}).encode(),
    json.dumps({**TICKET, "subject": "ünïcode 🃏"}, ensure_ascii=False).encode(),
    json.dumps(TICKET).encode(),
    gzip.compress(json.dumps(TICKET).encode(), mtime=0),
    b"\xef\xbb\xbf" + json.dumps({**TICKET, "id": "raw-bom"}).encode(),
]
BAD = [
    b"",
    b"not json",
    b"null",
    b"[]",
    b'{"source": "raw"}',
    json.dumps(TICKET).encode("utf-16"),
    json.dumps({**TICKET, "subject": "caf\u00e9"}, ensure_ascii=False).encode("latin-1"),
    gzip.compress(json.dumps(TICKET).encode(), mtime=0)[:-9],
    json.dumps({**TICKET, "body": "x" * MAX_BYTES}).encode(),
    json.dumps({**TICKET, "version": 2}).encode(),
    b"[" * 100_000,
    b'{"source": "raw", "subject": NaN, "body": "x"}',
]
ONES = GOOD + BAD


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with run_in_thread() as simulator:
        yield simulator


def check(ledger: FleetLedger, bad: list[bytes], good: int) -> None:
    ledger.wait_rest(good + len(bad))
    assert ledger.states() == {"suggested": good, "rejected": len(bad)}
    kept = [ledger.view(ticket_id) for ticket_id in ledger.ids("rejected")]
    assert sorted(base64.b64decode(view.raw or "") for view in kept) == sorted(bad)
    assert all(view.detail and view.source == "intake" for view in kept)
    assert ledger.audit().problems == ()


@pytest.mark.parametrize("raw", BAD)
def test_the_reader_names_the_fault(raw: bytes) -> None:
    if raw in (BAD[4], BAD[9]):
        assert read_raw(raw)  # an object, which the ticket's own schema refuses
    else:
        with pytest.raises(UnreadableError, match="the message"):
            read_raw(raw)


def test_raw_items_of_a_redis_list_are_tickets(tmp_path: Path, valkey_url: str, simulator: Simulator) -> None:
    with (
        Fleet(tmp_path, valkey_url, ANTHROPIC_BASE_URL=simulator.url) as fleet,
        Redis.from_url(valkey_url) as redis,
        Connection(valkey_url) as connection,
        FleetLedger(fleet) as ledger,
    ):
        fleet.start(queues="tickets,handoff,intake")
        bad = [raw for raw in BAD if raw]  # a list has no empty message to speak of, but takes one
        redis.lpush("intake", *GOOD, *bad)
        connection.SimpleQueue("intake").put({**TICKET, "id": "from-kombu"})
        check(ledger, bad, len(GOOD) + 1)
        wait_for(lambda: redis.llen("intake") == redis.hlen("deskhand:intake:held") == 0, message="nothing is held")
        assert read_raw(GOOD[0])["id"] == "raw-1"
        assert ledger.view("raw-1").source == "raw"


def test_what_a_killed_worker_held_of_intake_is_taken_over_once(
    tmp_path: Path, valkey_url: str, simulator: Simulator
) -> None:
    with (
        Fleet(tmp_path, valkey_url, ANTHROPIC_BASE_URL=simulator.url) as fleet,
        Redis.from_url(valkey_url) as redis,
        FleetLedger(fleet) as ledger,
    ):
        redis.lpush("intake", *[json.dumps({**TICKET, "subject": f"no id {number}"}) for number in range(20)])
        first = fleet.start(queues="intake,tickets,handoff", CRASH_AT="before:accept", CRASH_HIT="5")
        second = fleet.start(queues="intake,tickets,handoff", CRASH_AT="after:accept", CRASH_HIT="5")
        wait_for(lambda: not first.alive() or not second.alive(), message="a worker to die at its failpoint")
        fleet.start(queues="intake,tickets,handoff")
        ledger.wait_rest(20)
        assert ledger.states() == {"suggested": 20}
        wait_for(lambda: redis.hlen("deskhand:intake:held") == 0, message="what the dead held to be taken over")
        assert ledger.states() == {"suggested": 20}
        assert ledger.audit().problems == ()


def publish(url: str, queue: str, *bodies: bytes, **properties: Any) -> None:
    """Confirmed: a busy broker drops what a closing connection sent last."""
    with amqp(url) as connection:
        channel = connection.channel()
        for number, body in enumerate(bodies):
            types = ("text/plain", "application/json", "application/x-whatever")
            message = AmqpMessage(body, content_type=types[number % 3], delivery_mode=2, **properties)
            channel.basic_publish_confirm(message, exchange="", routing_key=queue)


def test_plain_amqp_messages_are_tickets(
    tmp_path: Path, valkey_url: str, rabbitmq_url: str, simulator: Simulator
) -> None:
    namespace = f"intake-{uuid.uuid4().hex[:8]}"
    environment = {"DESKHAND_NAMESPACE": namespace, "ANTHROPIC_BASE_URL": simulator.url}
    with Fleet(tmp_path, valkey_url, rabbitmq_url, **environment) as fleet, FleetLedger(fleet) as ledger:
        queues = ",".join(f"{namespace}.{kind}" for kind in ("tickets", "handoff", "intake"))
        worker = fleet.start(queues=queues)
        fleet.ready(worker)
        publish(rabbitmq_url, f"{namespace}.intake", *ONES)
        publish(rabbitmq_url, f"{namespace}.intake", GOOD[2])  # equal bytes, another ticket
        check(ledger, BAD, len(GOOD) + 1)
