"""`/v1` over HTTP."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote
from uuid import uuid4

from . import documents
from .documents import (
    IN_WORK,
    AcceptedDocument,
    AddedDocument,
    EventDocument,
    FoundTicket,
    ReceiptDocument,
    TicketDocument,
)
from .errors import ProblemError
from .http_calls import AGAIN, Calls
from .tickets import AnyTicket, fields_of

BATCH = 100
LONG_POLL_SECONDS = 20.0
ERASING_SECONDS = 600.0
"""Every ticket that may quote an erased one is read."""

Result = AcceptedDocument | ProblemError


class DeskhandClient:
    """`/v1` over HTTP. Every call may be repeated safely, and is: on 429, 502-504 and lost connections, `tries` in all.

    Raises `ProblemError` and its kinds, `Unreachable`. longest_pause_seconds: a `Retry-After` beyond it is not waited
    for but raised. headers: of every request, such as the `traceparent` of the trace that it belongs to.
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
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._calls = Calls(
            base_url,
            api_key,
            timeout_seconds=timeout_seconds,
            tries=tries,
            longest_pause_seconds=longest_pause_seconds,
            sleep=sleep,
            headers=headers,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._calls.close()

    def accept(self, ticket: AnyTicket, *, idempotency_key: str | None = None) -> AcceptedDocument:
        """Put a ticket on the queue: it is safe when this returns. The same key and body accept it once."""
        headers = {"idempotency-key": idempotency_key or uuid4().hex}
        return documents.accepted(self._calls.json("POST", "/v1/tickets", json=fields_of(ticket), headers=headers))

    def accept_many(self, tickets: Iterable[AnyTicket], *, idempotency_key: str | None = None) -> list[Result]:
        """Put many on the queue. A result for each, in order: accepted, or the problem it was refused with."""
        key, results = idempotency_key or uuid4().hex, list[Result]()
        for number, group in enumerate(_groups(tickets)):
            results += self._accept_batch([fields_of(ticket) for ticket in group], f"{key}.{number}")
        return results

    def get(self, ticket_id: str) -> TicketDocument:
        """A ticket as it is now."""
        return documents.ticket(self._calls.json("GET", _path(ticket_id)))

    def wait(self, ticket_id: str, within_seconds: float | None = None) -> TicketDocument:
        """The ticket once the agent is done with it: decided, cancelled, or waiting for a person. None: no bound.

        After `within_seconds` it returns the ticket as it is: look at `state`.
        """
        until = None if within_seconds is None else time.monotonic() + within_seconds
        while True:
            left = LONG_POLL_SECONDS if until is None else max(0.0, min(LONG_POLL_SECONDS, until - time.monotonic()))
            query = {"wait": round(left, 1)}
            ticket = documents.ticket(self._calls.json("GET", _path(ticket_id), params=query, waiting_seconds=left))
            if ticket.state not in IN_WORK or (until is not None and time.monotonic() >= until):
                return ticket

    def events(self, ticket_id: str, after: int = -1) -> Iterator[EventDocument]:
        """What happened to a ticket so far, oldest first. after: the last `seq` already known."""
        following: int | None = after
        while following is not None:
            page = self._calls.json("GET", f"{_path(ticket_id)}/events", params={"after": following})
            yield from (documents.event(found) for found in page["events"])
            following = page["next"]

    def search(self, words: str = "", **filters: Any) -> Iterator[FoundTicket]:
        """Tickets that have all of these words, those that have ended too, newest first; page after page as they are
        taken. filters: of `GET /v1/tickets`, such as `state=["decided"]`, `label`, `requester`, `since="2026-11-30"`.
        """
        asked = {"q": words, **{name: value for name, value in filters.items() if value is not None}}
        cursor: str | None = ""
        while cursor is not None:
            page = self._calls.json("GET", "/v1/tickets", params=asked | ({"cursor": cursor} if cursor else {}))
            yield from map(documents.found_ticket, page["tickets"])
            cursor = page["next"]

    def cancel(self, ticket_id: str) -> TicketDocument | AcceptedDocument:
        """Withdraw a ticket that has not ended. A key without `tickets:read` gets id and state."""
        return documents.ended(self._calls.json("POST", f"{_path(ticket_id)}/cancel"))

    def add_message(
        self,
        ticket_id: str,
        body: str,
        *,
        message_id: str | None = None,
        author: Mapping[str, str] | None = None,
        received_at: str | None = None,
    ) -> AddedDocument:
        """Add to a ticket's conversation. message_id: your own, which adds it once. author: id, email and name."""
        given = {"id": message_id or f"msg_{uuid4().hex}", "body": body, "author": author, "received_at": received_at}
        fields = {name: value for name, value in given.items() if value is not None}
        return documents.added(self._calls.json("POST", f"{_path(ticket_id)}/messages", json=fields))

    def close_ticket(
        self, ticket_id: str, version: int, kind: str, *, of: str | None = None
    ) -> TicketDocument | AcceptedDocument:
        """End what waits for a person without a decision. kind: spam, thanks, duplicate (`of` a ticket), automatic or
        other. version: the one it is based on; another one is a `Conflict`, also where this call was made before.
        """
        body = {"version": version, "kind": kind} | ({} if of is None else {"of": of})
        path = f"/v1/inbox/{quote(ticket_id, safe='')}/close"
        return documents.ended(self._calls.json("POST", path, json=body))

    def correct(self, ticket_id: str, version: int, reason: str, **decision: Any) -> TicketDocument | AcceptedDocument:
        """Another decision than the one that stands: `label`, and `priority` where it changes. version: as above."""
        body = {**decision, "version": version, "reason": reason}
        return documents.ended(self._calls.json("POST", f"{_path(ticket_id)}/correct", json=body))

    def approve_call(self, ticket_id: str, version: int, digest: str) -> TicketDocument | AcceptedDocument:
        """Let the call that waits happen, once. version, digest: of the ticket and of its `call`, as they were seen."""
        return self._on_call(ticket_id, "approve-call", {"version": version, "digest": digest})

    def edit_call(
        self, ticket_id: str, version: int, digest: str, arguments: Mapping[str, Any]
    ) -> TicketDocument | AcceptedDocument:
        """Change what the call that waits is given: it needs an approval of its own then."""
        return self._on_call(
            ticket_id, "edit-call", {"version": version, "digest": digest, "arguments": dict(arguments)}
        )

    def reject_call(self, ticket_id: str, version: int, digest: str, reason: str) -> TicketDocument | AcceptedDocument:
        """Refuse the call that waits: the agent is told why, and goes on."""
        return self._on_call(ticket_id, "reject-call", {"version": version, "digest": digest, "reason": reason})

    def _on_call(self, ticket_id: str, act: str, body: Mapping[str, Any]) -> TicketDocument | AcceptedDocument:
        return documents.ended(self._calls.json("POST", f"/v1/inbox/{quote(ticket_id, safe='')}/{act}", json=body))

    def erase(
        self, *, requester: str | None = None, ticket_id: str | None = None, dry_run: bool = False, scrub: bool = False
    ) -> ReceiptDocument:
        """Take the texts of a requester's tickets (by id or e-mail address), or of one, from every place. The key needs
        the scope `erase`. scrub: write history's files anew at once. Asked again it gives another receipt.
        """
        given = {"requester": requester, "ticket": ticket_id, "dry_run": dry_run, "scrub": scrub}
        body = {name: value for name, value in given.items() if value is not None}
        return documents.receipt(self._calls.json("POST", "/v1/erase", json=body, waiting_seconds=ERASING_SECONDS))

    def _accept_batch(self, group: Sequence[Mapping[str, Any]], key: str) -> list[Result]:
        """The whole batch again while an item was refused for a while; under one key the others stay as they are."""
        for attempt in range(1, self._calls.tries + 1):
            answer = self._calls.json("POST", "/v1/tickets/batch", json=group, headers={"idempotency-key": key})
            results = [_result(item) for item in answer["results"]]
            if attempt == self._calls.tries or not any(_for_a_while(result) for result in results):
                break
            self._calls.pause(attempt)
        return results


def _groups(tickets: Iterable[AnyTicket]) -> Iterator[list[AnyTicket]]:
    items = iter(tickets)
    while group := list(islice(items, BATCH)):
        yield group


def _path(ticket_id: str) -> str:
    return f"/v1/tickets/{quote(ticket_id, safe='')}"


def _result(item: Mapping[str, Any]) -> Result:
    if item["status"] < 300:
        return documents.accepted(item)
    return ProblemError.of(item["status"], item.get("problem") or {})


def _for_a_while(result: Result) -> bool:
    return isinstance(result, ProblemError) and result.status in AGAIN
