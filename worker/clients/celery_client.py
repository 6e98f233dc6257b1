"""`tasks.triage` over the broker. Celery itself comes with the extra `deskhand-client[celery]`."""

from types import TracebackType
from typing import Self
from uuid import uuid4

from .errors import ClientError
from .tickets import AnyTicket, checked, fields_of

TASK = "tasks.triage"


class CeleryClient:
    """Sends `tasks.triage` from any Python that reaches the broker; the HTTP side is not needed. queue: as the workers.

    A message is safe only once a worker has read it; over HTTP a ticket is safe on return.
    """

    def __init__(self, broker_url: str, queue: str = "tickets") -> None:
        try:  # 0.3 s of import that HTTP clients need not pay
            from celery import Celery

            from .celery_queue import broker_tls, is_amqp
            from .celery_queue import queue as declared
        except ModuleNotFoundError as error:
            raise ClientError(f"CeleryClient needs `pip install 'deskhand-client[celery]'`: {error}") from error
        amqp = is_amqp(broker_url)
        self._queue = declared(queue, amqp=amqp)
        self._app = Celery("deskhand-client", broker=broker_url, set_as_current=False)
        self._app.conf.update(
            task_queues=[self._queue],
            task_default_queue=queue,
            task_serializer="json",
            broker_transport_options={"confirm_publish": True} if amqp else {"priority_steps": [0]},
            **broker_tls(broker_url),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._app.close()

    def accept(self, ticket: AnyTicket) -> str:
        """Publish a ticket; returns its id, made here when it has none, so that sending it again accepts it once.

        Raises `NotATicket` before anything is sent, and the broker's `OperationalError`. What is a ticket in shape and
        out of bounds (a body too long, an unknown priority) waits for people as `rejected`.
        """
        fields = fields_of(ticket)
        ticket_id = fields["id"] = str(fields.get("id") or f"tkt_{uuid4().hex}")
        self._app.send_task(TASK, kwargs={"ticket": checked(fields)}, queue=self._queue, ignore_result=True)
        return ticket_id
