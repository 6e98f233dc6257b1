"""Outcomes onto the kombu queue `outcomes`: the webhook's JSON body as a plain message."""

import asyncio
import json

from celery import Celery
from kombu.connection import Connection
from kombu.messaging import Producer

from fallbacks.delivery.outbox import Message, Receipt
from worker.clients.celery_queue import is_amqp, queue
from worker.queue.kombu_calls import BrokerCalls

QUEUE = "queue"
"""The receiver's name in the outbox."""

TIMEOUT_SECONDS = 5.0


class KombuOutcomes:
    """An `OutcomeSender`. At least once: a consumer knows repeats by the header `webhook-id`, order by `sequence`.

    Nothing is removed from the queue but by its consumers: set it only where somebody reads it.
    """

    def __init__(self, app: Celery, namespace: str) -> None:
        self._calls = BrokerCalls(app)
        name = "outcomes" if namespace == "deskhand" else f"{namespace}.outcomes"  # none of those a worker serves
        self._queue = queue(name, amqp=is_amqp(str(app.conf.broker_url)))

    async def send(self, message: Message) -> tuple[Receipt, str]:
        """Publish it once, persistent, and confirmed where the broker confirms."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self._calls.run(lambda connection: self._publish(connection, message))
        except Exception as error:  # the broker's errors differ by transport
            return Receipt.FAILED, f"{type(error).__name__}: {error}"
        return Receipt.DELIVERED, f"queue {self._queue.name}"

    def _publish(self, connection: Connection, message: Message) -> None:
        headers = {
            "webhook-id": message.webhook_id,
            "sequence": json.loads(message.body)["sequence"],
            "event": message.event,
        }
        Producer(connection.default_channel).publish(
            message.body,
            exchange=self._queue.exchange,
            routing_key=self._queue.routing_key,
            declare=[self._queue],
            headers=headers,
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=2,
            retry=False,  # the outbox tries again
            timeout=TIMEOUT_SECONDS,
            confirm_timeout=TIMEOUT_SECONDS,
        )
