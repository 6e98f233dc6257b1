"""A gate before Celery: what it would drop is kept first and acknowledged second."""

import base64
import json
import logging
from collections.abc import Callable, Collection
from typing import Any

from celery import bootsteps

from fallbacks.errors import StoreUnreachable
from worker.queue.envelope import body_fault, carried, headers_fault

log = logging.getLogger(__name__)

Keep = Callable[[bytes, str, str], None]
"""(raw, error, origin): put an unreadable message into the ledger; raises `StoreUnreachable`."""


def gate_step(keep: Keep, task_names: Collection[str], *, checked_before: bool) -> type[bootsteps.StartStopStep]:
    """A bootstep for `app.steps["consumer"]` that stands in for the ways by which Celery discards a message.

    checked_before: whether the transport has looked for faults already.
    """

    class Gate(bootsteps.StartStopStep):
        """Celery 5.7's consumer looks these methods up on itself; tests/worker/queue/test_celery_gate.py holds that."""

        def __init__(self, consumer: Any, **options: Any) -> None:
            super().__init__(consumer, **options)
            make_handler = consumer.create_task_handler

            def create_task_handler(*args: Any, **kwargs: Any) -> Callable[[Any], Any]:
                handle = make_handler(*args, **kwargs)

                def checked(message: Any) -> Any:
                    if fault := _fault(message, task_names):
                        return _kept(message, fault, keep)
                    message.headers = carried(message.headers)
                    return handle(message)

                return checked

            if not checked_before:
                consumer.create_task_handler = create_task_handler
            consumer.on_decode_error = lambda message, error: _kept(message, f"undecodable: {error}", keep)
            consumer.on_unknown_message = lambda _, message: _kept(message, "it is not a task message", keep)
            consumer.on_unknown_task = lambda _, message, error: _kept(message, f"there is no task {error}", keep)
            consumer.on_invalid_task = lambda _, message, error: _kept(message, f"invalid: {error}", keep)

    return Gate


def _fault(message: Any, task_names: Collection[str]) -> str | None:
    if fault := headers_fault(message.headers, task_names):
        return fault
    return body_fault(_body(message), message.content_type, message.content_encoding)


def _kept(message: Any, fault: str, keep: Keep) -> None:
    """Keep, then acknowledge. While the store is away the message stays unacknowledged, and so the broker's."""
    queue = str(message.delivery_info.get("routing_key", ""))
    log.error("keeping an unreadable message from %s: %s", queue, fault)
    try:
        keep(_whole(message), fault, f"queue {queue}")
    except StoreUnreachable as error:
        log.warning("the broker keeps the message, the store is unreachable: %s", error)
    else:
        message.ack()


def _body(message: Any) -> bytes:
    body = message.body
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else bytes(body or b"")


def _whole(message: Any) -> bytes:
    """Headers, properties and body, as kombu's Redis transport would write them."""
    envelope = {
        "body": base64.b64encode(_body(message)).decode(),
        "content-type": message.content_type,
        "content-encoding": message.content_encoding,
        "headers": message.headers,
        "properties": {**message.properties, "body_encoding": "base64", "delivery_tag": str(message.delivery_tag)},
    }
    return json.dumps(envelope, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
