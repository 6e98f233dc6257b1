"""A small typed client for upstream systems, sync: `DeskhandClient` over HTTP, `CeleryClient` over the broker.

with DeskhandClient("http://127.0.0.1:8080", api_key) as deskhand:
    accepted = deskhand.accept({"source": "shop", "subject": "", "body": "My card has not arrived"})
    print(deskhand.wait(accepted.id, 60).decision)
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote
from uuid import uuid4

import httpx

from fallbacks.ledger.states import SETTLED
from tasks.ticket import Ticket
from worker.clients.errors import ClientError, ProblemError, Unreachable
from worker.http.documents import AcceptedDocument, EventDocument, TicketDocument

AGAIN = frozenset({429, 502, 503, 504})
"""Answers that say nothing about the request itself."""

BATCH = 100
LONG_POLL_SECONDS = 20.0
FIRST_PAUSE_SECONDS = 0.5

AnyTicket = Ticket | Mapping[str, Any]
Result = AcceptedDocument | ProblemError


class DeskhandClient:
    """`/v1` over HTTP. Every call may be repeated safely, and is: on 429, 502-504 and lost connections, `tries` in all.

    Raises `ProblemError` and its kinds, `Unreachable`. longest_pause_seconds: a `Retry-After` beyond it is not waited
    for but raised.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        timeout_seconds: float = 10.0,
        tries: int = 5,
        longest_pause_seconds: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self._http = httpx.Client(base_url=base_url, headers=headers, timeout=timeout_seconds)
        self._timeout = timeout_seconds
        self._tries = tries
        self._longest = longest_pause_seconds
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def accept(self, ticket: AnyTicket, *, idempotency_key: str | None = None) -> AcceptedDocument:
        """Put a ticket on the queue: it is in the books when this returns. The same key and body accept it once."""
        headers = {"idempotency-key": idempotency_key or uuid4().hex}
        answer = self._call("POST", "/v1/tickets", json=fields_of(ticket), headers=headers)
        return AcceptedDocument.model_validate_json(answer.content)

    def accept_many(self, tickets: Iterable[AnyTicket], *, idempotency_key: str | None = None) -> list[Result]:
        """Put many on the queue. A result for each, in order: accepted, or the problem it was refused with."""
        key, results = idempotency_key or uuid4().hex, []
        for number, group in enumerate(_groups(tickets)):
            results += self._accept_batch([fields_of(ticket) for ticket in group], f"{key}.{number}")
        return results

    def get(self, ticket_id: str) -> TicketDocument:
        """A ticket as it is now."""
        return TicketDocument.model_validate_json(self._call("GET", _path(ticket_id)).content)

    def wait(self, ticket_id: str, within_seconds: float | None = None) -> TicketDocument:
        """The ticket once the agent is done with it: decided, cancelled, or waiting for a person. None: no bound.

        After `within_seconds` it returns the ticket as it is: look at `state`.
        """
        until = None if within_seconds is None else time.monotonic() + within_seconds
        while True:
            left = LONG_POLL_SECONDS if until is None else max(0.0, min(LONG_POLL_SECONDS, until - time.monotonic()))
            timeout = httpx.Timeout(self._timeout, read=self._timeout + left)
            answer = self._call("GET", _path(ticket_id), params={"wait": round(left, 1)}, timeout=timeout)
            ticket = TicketDocument.model_validate_json(answer.content)
            if ticket.state in SETTLED or (until is not None and time.monotonic() >= until):
                return ticket

    def events(self, ticket_id: str, after: int = -1) -> Iterator[EventDocument]:
        """What happened to a ticket so far, oldest first. after: the last `seq` already known."""
        following: int | None = after
        while following is not None:
            page = self._call("GET", f"{_path(ticket_id)}/events", params={"after": following}).json()
            yield from (EventDocument.model_validate(event) for event in page["events"])
            following = page["next"]

    def cancel(self, ticket_id: str) -> TicketDocument:
        """Withdraw a ticket that has not ended. Twice changes nothing."""
        return TicketDocument.model_validate_json(self._call("POST", f"{_path(ticket_id)}/cancel").content)

    def _accept_batch(self, group: Sequence[Mapping[str, Any]], key: str) -> list[Result]:
        """The whole batch again while an item was refused for a while; under one key the others stay as they are."""
        for attempt in range(1, self._tries + 1):
            answer = self._call("POST", "/v1/tickets/batch", json=group, headers={"idempotency-key": key})
            results = [_result(told) for told in answer.json()["results"]]
            if attempt == self._tries or not any(_for_a_while(result) for result in results):
                break
            self._sleep(_backoff(attempt, self._longest))
        return results

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        for attempt in range(1, self._tries + 1):
            wait = _backoff(attempt, self._longest)
            try:
                answer = self._http.request(method, path, **options)
            except httpx.TransportError as error:
                if attempt == self._tries:
                    raise Unreachable(f"{self._http.base_url}: {type(error).__name__}: {error}") from error
            else:
                if answer.is_success:
                    return answer
                asked = _retry_after(answer)
                if answer.status_code not in AGAIN or attempt == self._tries or (asked or 0) > self._longest:
                    raise ProblemError.of(answer.status_code, _document(answer), asked)
                wait = wait if asked is None else asked
            self._sleep(wait)
        raise ClientError("a client needs at least one try")


class CeleryClient:
    """Sends `tasks.triage` from any Python that reaches the broker; the HTTP side is not needed. queue: as the workers.

    A message is safe only once a worker has read it into the books; over HTTP a ticket is safe on return.
    """

    def __init__(self, broker_url: str, queue: str = "tickets") -> None:
        from celery import Celery  # 0.3 s of import that HTTP clients need not pay

        from worker.queue.celery_settings import is_amqp
        from worker.queue.celery_settings import queue as declared

        amqp = is_amqp(broker_url)
        self._queue = declared(queue, amqp=amqp)
        self._app = Celery("deskhand-client", broker=broker_url, set_as_current=False)
        self._app.conf.update(
            task_queues=[self._queue],
            task_default_queue=queue,
            task_serializer="json",
            broker_transport_options={"confirm_publish": True} if amqp else {"priority_steps": [0]},
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

        Raises `pydantic.ValidationError` before anything is sent, and the broker's `OperationalError`.
        """
        fields = fields_of(ticket)
        checked = Ticket.model_validate({"id": f"tkt_{uuid4().hex}", **fields})
        kwargs = {"ticket": checked.model_dump(mode="json", exclude_none=True)}
        self._app.send_task("tasks.triage", kwargs=kwargs, queue=self._queue, ignore_result=True)
        return str(checked.id)


def fields_of(ticket: AnyTicket) -> dict[str, Any]:
    """A ticket as it is sent."""
    return ticket.model_dump(mode="json", exclude_none=True) if isinstance(ticket, Ticket) else dict(ticket)


def _groups(tickets: Iterable[AnyTicket]) -> Iterator[list[AnyTicket]]:
    items = iter(tickets)
    while group := list(islice(items, BATCH)):
        yield group


def _path(ticket_id: str) -> str:
    return f"/v1/tickets/{quote(ticket_id, safe='')}"


def _result(told: Mapping[str, Any]) -> Result:
    if told["status"] < 300:
        return AcceptedDocument.model_validate(told)
    return ProblemError.of(told["status"], told.get("problem") or {})


def _for_a_while(result: Result) -> bool:
    return isinstance(result, ProblemError) and result.status in AGAIN


def _document(answer: httpx.Response) -> dict[str, Any]:
    """The problem document, or nothing where a proxy or another server answered."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _retry_after(answer: httpx.Response) -> float | None:
    """Seconds, from either form RFC 9110 allows."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isdigit():
        return float(said)
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _backoff(attempt: int, longest: float) -> float:
    """Doubling, with half of it left to chance, so that many clients do not come back together."""
    whole = min(longest, FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1))
    return whole * (0.5 + random.random() / 2)  # noqa: S311 - no secret
