"""Where a campaign's raw messages go in: the lists of a Redis broker, or the queues of a RabbitMQ."""

import contextlib
from typing import Any, Protocol

from amqp import Connection as AmqpConnection
from amqp import Message as AmqpMessage
from amqp.exceptions import AMQPError
from kombu import Connection
from redis import Redis, RedisError

from tests.worker.queue.test_celery_gate import SAME_AS_GOOD, UNSAYABLE, as_amqp
from worker.clients.celery_queue import queue

QUEUES = ("tickets", "handoff", "intake")
REFUSALS = (RedisError, AMQPError, OSError)
"""The door did not take the message: its sender sends it again."""


class Door(Protocol):
    """unsayable: names of bad envelopes that this broker cannot carry or understands."""

    unsayable: tuple[str, ...]

    def push(self, name: str, raw: bytes, *, first: bool) -> None:
        """first: ahead of what waits, where the broker can. Raises one of REFUSALS."""

    def waiting(self) -> int:
        """Messages on their way. Raises one of REFUSALS."""


class RedisDoor:
    unsayable: tuple[str, ...] = ()

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def push(self, name: str, raw: bytes, *, first: bool) -> None:
        (self._redis.rpush if first else self._redis.lpush)(name, raw)

    def waiting(self) -> int:
        held = sum(int(self._redis.hlen(key)) for key in ("deskhand:unacked", "deskhand:intake:held"))
        return held + sum(int(self._redis.llen(key)) for key in (*QUEUES, "deskhand:poison"))


class AmqpDoor:
    """One connection with confirms, made anew after every refusal. Declares the queues as a worker would."""

    unsayable = (*UNSAYABLE, *SAME_AS_GOOD)

    def __init__(self, url: str) -> None:
        self._port = int(url.rsplit(":", 1)[1].split("/")[0])
        self._connection: Any = None
        with Connection(url) as connection, connection.channel() as channel:
            for name in QUEUES:
                queue(name, amqp=True)(channel).declare()

    def push(self, name: str, raw: bytes, *, first: bool) -> None:
        message = AmqpMessage(raw, content_type="application/json", delivery_mode=2) if name == "intake" else as_amqp(raw)  # fmt: skip # noqa: E501
        self._asked(lambda channel: channel.basic_publish_confirm(message, exchange="", routing_key=name))

    def waiting(self) -> int:
        return sum(
            self._asked(lambda channel, name=name: channel.queue_declare(name, passive=True)).message_count
            for name in QUEUES
        )

    def _asked(self, question: Any) -> Any:
        try:
            if self._connection is None:
                opened = AmqpConnection(f"127.0.0.1:{self._port}", confirm_publish=True, connect_timeout=3, read_timeout=10)  # fmt: skip # noqa: E501
                opened.connect()
                self._connection = opened
            return question(self._connection.channel(1))
        except REFUSALS:
            broken, self._connection = self._connection, None
            with contextlib.suppress(Exception):
                broken.collect()
            raise
