"""Over AMQP: what Celery would drop or die of is kept whole first; the next good message is worked."""

import base64
import inspect
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from amqp import Message as AmqpMessage
from celery.worker.consumer.consumer import Consumer

from tests.chaos.fleet import Fleet, FleetLedger
from tests.services.rabbitmq import amqp
from tests.worker.queue.poison import bad_envelopes, good_envelopes
from worker.simulator import run_in_thread

UNSAYABLE = ("not-json", "not-utf-8", "json-list", "json-null", "deep-envelope", "bad-base64")
"""Faults of a kombu envelope on a Redis list, which AMQP frames rule out."""

SAME_AS_GOOD = ("no-properties", "no-delivery-tag", "no-delivery-info")
"""What AMQP itself provides."""


@pytest.mark.parametrize(
    ("name", "signature"),
    {
        "create_task_handler": "(self, promise=<class 'vine.promises.promise'>)",
        "on_decode_error": "(self, message, exc)",
        "on_unknown_message": "(self, body, message)",
        "on_unknown_task": "(self, body, message, exc)",
        "on_invalid_task": "(self, body, message, exc)",
    }.items(),
)
def test_celery_has_the_methods_the_gate_stands_in_for(name: str, signature: str) -> None:
    assert str(inspect.signature(getattr(Consumer, name))) == signature


def test_celery_looks_them_up_on_its_consumer() -> None:
    source = inspect.getsource(Consumer.create_task_handler)
    for name in ("on_unknown_message", "on_unknown_task", "on_invalid_task", "on_decode_error"):
        assert f"self.{name}" in source


def as_amqp(raw: bytes | str) -> AmqpMessage:
    envelope: dict[str, Any] = json.loads(raw)
    properties = {"content_type": envelope.get("content-type"), "content_encoding": envelope.get("content-encoding")}
    headers = envelope["headers"]
    return AmqpMessage(
        base64.b64decode(envelope["body"]), application_headers=headers or {}, delivery_mode=2, **properties
    )


def test_every_bad_message_is_kept_and_the_next_good_one_is_worked(
    tmp_path: Path, valkey_url: str, rabbitmq_url: str
) -> None:
    namespace = f"gate-{uuid.uuid4().hex[:8]}"
    tickets = f"{namespace}.tickets"
    bad = {
        name: raw
        for name, raw in bad_envelopes("tasks.triage", tickets).items()
        if name not in (*UNSAYABLE, *SAME_AS_GOOD)
    }
    good = list(good_envelopes("tasks.triage", tickets).values())
    with (
        run_in_thread() as simulator,
        Fleet(
            tmp_path, valkey_url, rabbitmq_url, DESKHAND_NAMESPACE=namespace, ANTHROPIC_BASE_URL=simulator.url
        ) as fleet,
        FleetLedger(fleet) as ledger,
    ):
        worker = fleet.start(queues=f"{tickets},{namespace}.handoff")
        fleet.ready(worker)
        with amqp(rabbitmq_url) as connection:
            channel = connection.channel()
            for raw in [*bad.values(), *good]:
                channel.basic_publish_confirm(as_amqp(raw), exchange="", routing_key=tickets)
        ledger.wait_rest(len(bad) + len(good))
        assert ledger.states() == {"rejected": len(bad), "suggested": len(good)}
        assert worker.alive()
        views = [ledger.view(ticket_id) for ticket_id in ledger.ids("rejected")]
        bodies = [json.loads(base64.b64decode(view.raw or "")) for view in views]
        assert {json.loads(raw)["body"] for name, raw in bad.items() if name != "bad-args"} <= {
            found.get("body") for found in bodies
        }
        assert ledger.audit().problems == ()
