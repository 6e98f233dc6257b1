"""A queue of Deskhand, declared alike by workers and senders: RabbitMQ refuses a second declaration that differs."""

from kombu.entity import Exchange, Queue


def is_amqp(broker_url: str) -> bool:
    """Whether the broker is RabbitMQ."""
    return broker_url.startswith(("amqp", "pyamqp"))


def queue(name: str, *, amqp: bool) -> Queue:
    """The queue of this name.

    An exchange each: with the default one, a message for either queue would reach both.
    """
    arguments = {"x-queue-type": "quorum"} if amqp else None
    return Queue(name, Exchange(name, type="direct"), routing_key=name, queue_arguments=arguments)
