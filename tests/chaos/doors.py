"""Where a campaign's raw messages go in: the lists of a Redis broker, or the queues of a RabbitMQ."""

import contextlib
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from amqp import Connection as AmqpConnection
from amqp import Message as AmqpMessage
from amqp.exceptions import AMQPError
from kombu import Connection
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.worker.queue.test_celery_gate import SAME_AS_GOOD, UNSAYABLE, as_amqp
from worker.clients.celery_queue import queue

Answer = TypeVar("Answer")

QUEUES = ("tickets", "handoff", "intake")
REFUSALS = (RedisError, AMQPError, OSError)
"""The door did not take the message: its sender sends it again."""

REPLICA_MS = 500


class Door(Protocol):
    """unsayable: names of bad envelopes that this broker cannot carry or understands."""

    unsayable: tuple[str, ...]

    def push(self, name: str, raw: bytes, *, first: bool) -> None:
        """first: ahead of what waits, where the broker can. Raises one of REFUSALS."""

    def waiting(self) -> int:
        """Messages on their way. Raises one of REFUSALS."""


class TooFewReplicas(RedisError):
    """The message may be lost with its server: its sender sends it again."""


class RedisDoor:
    """A connection made anew after every refusal. url: of the server that serves now.

    It takes a message that a replica has: kombu's senders do not wait for one, and a failover may lose what they sent.
    """

    unsayable: tuple[str, ...] = ()

    def __init__(self, url: Callable[[], str]) -> None:
        self._url = url
        self._redis: Redis | None = None

    def push(self, name: str, raw: bytes, *, first: bool) -> None:
        def push(redis: Redis) -> None:
            (redis.rpush if first else redis.lpush)(name, raw)
            if not redis.wait(1, REPLICA_MS):
                raise TooFewReplicas

        self._asked(push)

    def waiting(self) -> int:
        def count(redis: Redis) -> int:
            held = sum(int(redis.hlen(key)) for key in ("deskhand:unacked", "deskhand:intake:held"))
            return held + sum(int(redis.llen(key)) for key in (*QUEUES, "deskhand:poison"))

        return self._asked(count)

    def _asked(self, question: Callable[[Redis], Answer]) -> Answer:
        try:
            if self._redis is None:
                self._redis = Redis.from_url(
                    self._url(), socket_timeout=3, retry=Retry(NoBackoff(), 0), single_connection_client=True
                )
            return question(self._redis)
        except REFUSALS:
            broken, self._redis = self._redis, None
            if broken is not None:
                broken.close()
            raise


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
