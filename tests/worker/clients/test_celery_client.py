"""Tickets as Celery messages from a client that knows the broker and nothing else."""

import time
from pathlib import Path

import pytest
from redis import Redis

from tests.chaos.fleet import Fleet, FleetLedger
from worker.client import CeleryClient, NotATicket
from worker.simulator import run_in_thread

TICKET = {"source": "shop", "subject": "Card", "body": "My card has not arrived, it was ordered two weeks ago."}


@pytest.mark.parametrize("broker", ["redis", "amqp"])
def test_a_celery_message_ends_as_a_suggestion(
    tmp_path: Path, valkey_url: str, broker: str, request: pytest.FixtureRequest
) -> None:
    url = valkey_url if broker == "redis" else request.getfixturevalue("rabbitmq_url")
    namespace = f"client-{time.monotonic_ns()}"
    with (
        run_in_thread() as simulator,
        Fleet(tmp_path, valkey_url, url, DESKHAND_NAMESPACE=namespace, ANTHROPIC_BASE_URL=simulator.url) as fleet,
        FleetLedger(fleet) as ledger,
        CeleryClient(url, f"{namespace}.tickets") as client,
    ):
        fleet.start(queues=f"{namespace}.tickets,{namespace}.handoff")
        named = client.accept({**TICKET, "id": "t1"})
        nameless = client.accept(TICKET)
        ledger.wait_rest(2)
        assert named == "t1"
        assert sorted(ledger.ids("suggested")) == sorted([named, nameless])


def test_a_ticket_that_is_none_never_reaches_the_broker(valkey_url: str) -> None:
    with CeleryClient(valkey_url) as client, pytest.raises(NotATicket):
        client.accept({"source": "shop"})
    with Redis.from_url(valkey_url) as redis:
        assert redis.llen("tickets") == 0
