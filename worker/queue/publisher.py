"""Putting ids on the Celery queues. A message is a hint: losing one delays a ticket, nothing more."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from celery import Celery

TRIAGE = "tasks.triage"
HAND_OFF = "tasks.hand_off"


class Publisher:
    """Sends hints over one Celery app.

    queues: names by kind ("tickets", "handoff", "intake"). headers: of a message sent now, such as the trace it is of.
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
        """Messages ready on a queue, by kind; 0 where it does not exist yet."""
        return await asyncio.to_thread(self._depth, self.queues[queue])

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
        with self._app.connection_or_acquire() as connection, connection.channel() as channel:
            try:
                declared: Any = channel.queue_declare(queue, passive=True)
            except connection.channel_errors:
                return 0
            return int(declared.message_count)
