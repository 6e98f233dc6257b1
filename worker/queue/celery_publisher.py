"""Putting ids on the Celery queues. A message is a hint: losing one delays a ticket, nothing more."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from celery import Celery

from worker.clients.celery_queue import expired_of, is_amqp

log = logging.getLogger(__name__)

ANSWER_SECONDS = 3.0

TRIAGE = "tasks.triage"
HAND_OFF = "tasks.hand_off"


class Publisher:
    """Sends hints over one Celery app.

    queues: names by kind ("tickets", "handoff", "intake", "unreadable"). headers: of a message sent now, such as the
    trace it is of.
    """

    def __init__(self, app: Celery, queues: dict[str, str], headers: Callable[[], Mapping[str, str]] = dict) -> None:
        self._app = app
        self.queues = queues
        self._headers = headers

    async def publish(self, work: Sequence[tuple[str, str]]) -> None:
        """Publish (kind, ticket id) pairs, kind being triage or hand_off."""
        if work:
            await asyncio.to_thread(self._publish, work)

    async def depth(self, queue: str) -> int:
        """Messages ready on a queue, by kind, of every priority; 0 where there is none yet."""
        return await asyncio.to_thread(self._depth, self.queues[queue])

    async def depths(self) -> dict[str, int | None]:
        """Of every queue, by kind; None where the broker does not answer in time."""
        found = await asyncio.gather(*(self._known_depth(queue) for queue in self.queues))
        return dict(zip(self.queues, found, strict=True))

    async def _known_depth(self, queue: str) -> int | None:
        try:
            return await asyncio.wait_for(self.depth(queue), ANSWER_SECONDS)
        except Exception as error:  # kombu's transports raise errors of many libraries
            log.warning("the depth of %s is unknown: %s", queue, error or type(error).__name__)
            return None

    def _publish(self, work: Sequence[tuple[str, str]]) -> None:
        headers = dict(self._headers()) or None
        with self._app.producer_or_acquire() as producer:
            for kind, ticket_id in work:
                name, queue = (TRIAGE, "tickets") if kind == "triage" else (HAND_OFF, "handoff")
                self._app.send_task(
                    name,
                    kwargs={"ticket_id": ticket_id},
                    queue=self.queues[queue],
                    producer=producer,
                    headers=headers,
                    ignore_result=True,
                )

    def _depth(self, queue: str) -> int:
        with self._app.connection_or_acquire() as connection:
            names = (queue, expired_of(queue)) if is_amqp(str(self._app.conf.broker_url)) else (queue,)
            return sum(_ready(connection, name) for name in names)


def _ready(connection: Any, name: str) -> int:
    with connection.channel() as channel:
        try:
            return int(channel.queue_declare(name, passive=True).message_count)
        except connection.channel_errors as error:
            if "NOT_FOUND" in str(error):
                return 0
            raise
