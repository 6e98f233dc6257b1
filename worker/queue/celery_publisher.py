"""Putting ids on the Celery queues. A message is a hint: losing one delays a ticket, nothing more."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from typing import Any
from uuid import uuid4

from celery import Celery
from kombu.connection import Connection

from fallbacks.ledger.states import Hint, HintKind
from worker.clients.celery_queue import expired_of, is_amqp
from worker.queue.kombu_calls import BrokerCalls
from worker.queue.names import AHEAD

log = logging.getLogger(__name__)

ANSWER_SECONDS = 3.0

TRIAGE = "tasks.triage"
HAND_OFF = "tasks.hand_off"

_PLACES = {HintKind.TRIAGE: (TRIAGE, "tickets"), HintKind.HAND_OFF: (HAND_OFF, "handoff")}
"""The task of a hint, and its queue by kind."""

_NOTHING_FOLLOWS = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


class Publisher:
    """Sends hints over one Celery app.

    queues: names by kind ("tickets", "handoff", "intake", "unreadable"). headers: of a message sent now, such as the
    trace it is of.
    """

    def __init__(self, app: Celery, queues: dict[str, str], headers: Callable[[], Mapping[str, str]] = dict) -> None:
        self._app = app
        self.queues = queues
        self._headers = headers
        self._calls = BrokerCalls(app)

    async def publish(self, work: Sequence[Hint], ahead: Collection[str] = ()) -> None:
        """Publish hints. ahead: tickets that were begun already; theirs go before what waits, where the broker is a
        Redis. RabbitMQ has given back by itself what a dead worker had, at its old place.
        """
        if work:
            first = [hint for hint in reversed(work) if hint[1] in ahead]  # each goes before those that were before
            rest = [hint for hint in work if hint[1] not in ahead]
            await self._calls.run(lambda connection: self._publish(connection, first, rest))

    async def depth(self, queue: str) -> int:
        """Messages ready on a queue, by kind, of every priority; 0 where there is none yet."""
        return await self._calls.run(lambda connection: self._depth(connection, self.queues[queue]))

    async def depths(self) -> dict[str, int | None]:
        """Of every queue, by kind; None as for `known_depth`."""
        found = await asyncio.gather(*(self.known_depth(queue) for queue in self.queues))
        return dict(zip(self.queues, found, strict=True))

    async def known_depth(self, queue: str) -> int | None:
        """The depth; None where the broker does not answer in time."""
        try:
            return await asyncio.wait_for(self.depth(queue), ANSWER_SECONDS)
        except Exception as error:  # kombu's transports raise errors of many libraries
            log.warning("the depth of %s is unknown: %s", queue, error or type(error).__name__)
            return None

    def _publish(self, connection: Connection, first: Sequence[Hint], rest: Sequence[Hint]) -> None:
        """Messages of Celery's protocol, written here: `send_task` takes three times as long for the same."""
        headers = dict(self._headers())
        producer = self._app.amqp.Producer(connection.default_channel, auto_declare=False)
        declared = set[str]()
        with producer.batch() if len(first) + len(rest) > 1 else nullcontext():  # many are one trip to a Redis
            for index, (kind, ticket_id) in enumerate((*first, *rest)):
                name, queue = _PLACES[kind]
                place = {AHEAD: 1} if index < len(first) else {}
                message_id = str(uuid4())
                producer.publish(
                    ((), {"ticket_id": ticket_id}, _NOTHING_FOLLOWS),
                    routing_key=self.queues[queue],
                    declare=[] if queue in declared else [self._app.amqp.queues[self.queues[queue]]],
                    headers={"lang": "py", "task": name, "id": message_id, "root_id": message_id, **headers, **place},
                    correlation_id=message_id,
                    serializer="json",
                    retry=False,
                    timeout=ANSWER_SECONDS,
                    confirm_timeout=ANSWER_SECONDS,
                )
                declared.add(queue)

    def _depth(self, connection: Connection, queue: str) -> int:
        if not is_amqp(str(self._app.conf.broker_url)):
            return _ready(connection, connection.default_channel, queue)
        found = 0
        for name in (queue, expired_of(queue)):
            with connection.channel() as channel:  # RabbitMQ closes it where there is no such queue
                found += _ready(connection, channel, name)
        return found


def _ready(connection: Connection, channel: Any, name: str) -> int:
    try:
        return int(channel.queue_declare(name, passive=True).message_count)
    except connection.channel_errors as error:
        if "NOT_FOUND" in str(error):
            return 0
        raise
