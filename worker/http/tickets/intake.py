"""One ticket from JSON bytes into the ledger. Published afterwards, in the background."""

import asyncio
import re
from typing import Annotated

from fastapi import Header, Request

from fallbacks.access.api_keys import Caller
from fallbacks.errors import IdempotencyConflict
from fallbacks.ledger.ledger import Accepted
from fallbacks.ledger.states import HintKind
from tasks.ticket import Ticket
from worker.http.desk import Desk
from worker.http.problems import Kind, Problem
from worker.http.reading import parse
from worker.intake.doors import HTTP, IdOfHookError, refuse_id_of_hook

_KEY = r"^[!-~]{1,255}$"

IdempotencyKey = Annotated[str | None, Header(pattern=_KEY, description="the same key and body get the same answer")]


def declares_idempotency_key(idempotency_key: IdempotencyKey = None) -> str | None:
    """As a dependency, for the OpenAPI document."""
    return idempotency_key


def idempotency_key_of(request: Request) -> str | None:
    """The same header, read without FastAPI. Raises `Problem` as FastAPI would."""
    key = request.headers.get("idempotency-key")
    if key is not None and not re.fullmatch(_KEY, key):
        fault = f"String should match pattern '{_KEY}'"
        raise Problem(Kind.INVALID, fault, errors=[("idempotency-key", fault)])
    return key


async def take_in(desk: Desk, caller: Caller, body: bytes, idempotency_key: str | None) -> Accepted:
    """Accept a ticket and line up its hint. A twin in flight cannot exist: accepting is one atomic step.

    Raises `Problem`, `IdempotencyConflict`, `StoreUnreachable`, `TimeoutError`.
    """
    ticket = parse(body, Ticket)
    if not caller.covers(ticket.source):
        fault = f"this key sends tickets of the source {caller.source!r}"
        raise Problem(Kind.FORBIDDEN, fault, errors=[("/source", fault)])
    _refuse_id_of_hook(desk, ticket)
    settings = desk.settings
    async with asyncio.timeout(desk.store_seconds):
        accepted = await desk.parts.ledger.accept(
            ticket,
            settings.limits,
            door=HTTP,
            sent_by=caller.id or None,
            idempotency_key=idempotency_key and f"{caller.id}:{idempotency_key}",
            max_wait_seconds=settings.max_wait_seconds,
            refuse=True,
        )
    if ticket.id is not None and accepted.id != ticket.id:  # the key was used with the same text under another id
        raise IdempotencyConflict(accepted.id)
    if accepted.created:
        await desk.hints.publish([(HintKind.TRIAGE, accepted.id)])
    return accepted


def _refuse_id_of_hook(desk: Desk, ticket: Ticket) -> None:
    try:
        refuse_id_of_hook(ticket.id, desk.parts.hooks)
    except IdOfHookError as error:
        raise Problem(Kind.INVALID, str(error), errors=[("/id", str(error))]) from None
