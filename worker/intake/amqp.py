"""Queue `intake` over AMQP: each message body is one JSON ticket, of any content type, with no Celery at the producer.

On Redis the same queue is a plain list, which `redis_intake.py` reads.
"""

import logging
from collections.abc import Callable
from typing import Any

from celery import bootsteps
from kombu.entity import Queue
from kombu.messaging import Consumer

from fallbacks.errors import StoreUnreachable

log = logging.getLogger(__name__)

PREFETCH = 50

Take = Callable[[bytes, str, bool], None]
"""(body, the producer's message id or "", whether it was delivered before): accept it and publish a hint; or raises."""


def intake_step(take: Take, queue: Queue, serves: Callable[[], bool]) -> type[bootsteps.ConsumerStep]:
    """A bootstep for `app.steps["consumer"]`. serves: whether this worker serves the queue, known once it is set up."""

    class Intake(bootsteps.ConsumerStep):
        """Consumes beside Celery's own consumer, on a channel of its own."""

        requires = ("celery.worker.consumer.tasks:Tasks",)

        def start(self, c: Any) -> None:
            if serves():
                super().start(c)

        def get_consumers(self, channel: Any) -> list[Any]:
            return [Consumer(channel, queues=[queue], on_message=_received, prefetch_count=PREFETCH)]

    def _received(message: Any) -> None:
        body = message.body
        raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else bytes(body or b"")
        try:
            take(raw, str(message.properties.get("message_id") or ""), bool(message.delivery_info.get("redelivered")))
        except StoreUnreachable as error:  # unacknowledged, it is the broker's: it comes back with the next connection
            log.warning("the broker keeps a message of intake, the store is unreachable: %s", error)
        else:
            message.ack()

    return Intake
