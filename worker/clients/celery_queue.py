"""A queue of Deskhand, declared alike by workers and senders: RabbitMQ refuses a second declaration that differs."""

from typing import Any
from urllib.parse import urlsplit

from kombu.entity import Exchange, Queue


def is_amqp(broker_url: str) -> bool:
    """Whether the broker is RabbitMQ."""
    return broker_url.startswith(("amqp", "pyamqp"))


def broker_tls(broker_url: str) -> dict[str, Any]:
    """Celery's setting for a broker with TLS: its certificate must be of the host in the URL, too.

    Left alone, the library takes a certificate of any name whose authority it knows.
    """
    if not broker_url.startswith("amqps:"):
        return {}
    host = None if ";" in broker_url else urlsplit(broker_url).hostname  # None: whichever of several is tried
    return {"broker_use_ssl": {"server_hostname": host}}


def queue(name: str, *, amqp: bool) -> Queue:
    """The queue of this name.

    An exchange each: with the default one, a message for either queue would reach both.
    """
    exchange = Exchange(name, type="direct")
    if not amqp:
        return Queue(name, exchange, routing_key=name)
    return _AmqpQueue(name, exchange, routing_key=name, queue_arguments={"x-queue-type": "quorum"})


def expired_of(name: str) -> str:
    """Where an operator's policy puts what RabbitMQ would drop: stock clients turn `expires` into a message's TTL."""
    return f"{name}.expired"


class _AmqpQueue(Queue):
    """A quorum queue, unless there is one of this name already.

    A stock client that sends before the first worker starts makes a classic one, and RabbitMQ refuses every declaration
    that differs: such a worker tried again for ever.
    """

    def queue_declare(self, nowait: bool = False, passive: bool = False, channel: Any = None) -> Any:
        """As kombu's, asking on a channel of its own first: RabbitMQ closes the one on which it refuses."""
        channel = channel or self.channel
        with channel.connection.channel() as asking:
            try:
                return asking.queue_declare(queue=self.name, passive=True)
            except channel.connection.channel_errors as error:
                if "NOT_FOUND" not in str(error):
                    raise
        return super().queue_declare(nowait=nowait, passive=passive, channel=channel)
