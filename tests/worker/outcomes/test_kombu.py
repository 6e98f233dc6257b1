"""Outcomes on a queue: the same body as the webhook's, at least once, on both brokers."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from kombu import Connection
from redis import Redis

from fallbacks.delivery.outbox import DISABLED, OutboxAdmin, Receipt, Sent
from tasks.run.limits import Limits
from tasks.ticket import Ticket
from tests.services.http_sink import Answer, HttpSink
from tests.services.process import free_port
from worker.config.settings import Settings
from worker.service.celery_factory import sender_app
from worker.wiring import Parts

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@asynccontextmanager
async def opened(redis_url: str, **settings: Any) -> AsyncIterator[Parts]:
    chosen = {"redis_url": redis_url, "outcomes_queue": True, **settings}
    found = Settings(**chosen)
    parts = Parts(found, sender_app(found, redis_url), redis_url)
    try:
        yield parts
    finally:
        await parts.store.aclose()
        parts.app.close()


async def cancelled(parts: Parts, *ids: str) -> None:
    for ticket_id in ids:
        await parts.ledger.accept(Ticket(id=ticket_id, source="test", subject="Card", body="Where is it?"), Limits())
        await parts.inbox.cancel(ticket_id, "anna")


async def sent(parts: Parts) -> list[Sent]:
    assert parts.delivery_loop.outbox
    return await parts.delivery_loop.outbox.send_due()


def receive(url: str, queue: str, count: int) -> dict[str, Any]:
    """What any kombu consumer gets, by webhook-id."""
    found: dict[str, Any] = {}
    with Connection(url) as connection:
        channel = connection.channel()
        while (message := channel.basic_get(queue, no_ack=True)) is not None:
            found[message.headers["webhook-id"]] = message
    assert len(found) == count
    return found


@pytest.mark.parametrize("broker", ["redis", "amqp"])
def test_an_outcome_is_on_the_queue_and_at_the_webhook_with_one_id_and_one_body(
    valkey_url: str, http_sink: HttpSink, broker: str, request: pytest.FixtureRequest
) -> None:
    url = valkey_url if broker == "redis" else request.getfixturevalue("rabbitmq_url")
    namespace = f"out-{time.monotonic_ns()}"

    async def story() -> None:
        webhook = {"webhook_url": http_sink.url, "webhook_secret": SECRET, "webhook_allow_private": True}
        async with opened(valkey_url, broker_url=url, namespace=namespace, **webhook) as parts:
            await cancelled(parts, "t1", "t2")
            receipts = [one.receipt for one in await sent(parts)]
            assert receipts == [Receipt.DELIVERED] * 4
            assert await sent(parts) == []
            assert (await parts.views.ticket("t1")).delivery == "delivered"

    asyncio.run(story())
    over_http = {request.headers["webhook-id"]: request.body for request in http_sink.received}
    messages = receive(url, f"{namespace}.outcomes", 2)
    assert {
        name: message.body.encode() if isinstance(message.body, str) else message.body
        for name, message in messages.items()
    } == over_http
    for message in messages.values():
        told = json.loads(message.body)
        assert (told["type"], told["data"]["state"], told["sequence"]) == ("ticket.cancelled", "cancelled", 1)
        assert (message.headers["sequence"], message.content_type) == (1, "application/json")


def test_the_queue_alone_needs_no_webhook_and_tells_the_tickets_delivery(valkey_url: str) -> None:
    async def story() -> None:
        async with opened(valkey_url) as parts:
            await cancelled(parts, "t1")
            await sent(parts)
            assert (await parts.views.ticket("t1")).delivery == "delivered"

    asyncio.run(story())
    with Redis.from_url(valkey_url) as redis:
        assert redis.llen("outcomes") == 1


def test_a_broker_that_is_down_costs_a_try_and_no_message(valkey_url: str) -> None:
    async def story() -> None:
        async with opened(valkey_url, broker_url=f"redis://127.0.0.1:{free_port()}/0") as parts:
            await cancelled(parts, "t1")
            (failed,) = await sent(parts)
            assert (failed.receipt, failed.ended) == (Receipt.FAILED, False)
            waiting = failed.message
        async with opened(valkey_url) as parts:
            await OutboxAdmin(parts.store).redeliver(waiting.id)
            (again,) = await sent(parts)
            assert (again.receipt, again.message.id) == (Receipt.DELIVERED, waiting.id)

    asyncio.run(story())


def test_a_webhook_that_is_gone_holds_up_the_queue_of_nobody_else(valkey_url: str, http_sink: HttpSink) -> None:
    async def story() -> None:
        webhook = {"webhook_url": http_sink.url, "webhook_secret": SECRET, "webhook_allow_private": True}
        async with opened(valkey_url, **webhook) as parts:
            http_sink.answer = Answer(410)
            await cancelled(parts, "t1")
            await sent(parts)
            assert DISABLED in await parts.store.fields("control")
            await cancelled(parts, "t2")
            assert [(one.message.to, one.message.ticket_id) for one in await sent(parts)] == [("queue", "t2")]
            entries = await OutboxAdmin(parts.store).entries()
            assert [(entry.ticket_id, entry.attempts) for entry in entries if entry.ticket_id == "t2"] == [("t2", 0)]
            assert (await parts.views.ticket("t2")).delivery == "pending"

    asyncio.run(story())
