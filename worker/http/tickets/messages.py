"""`/v1/tickets/{id}/messages`: add to the conversation of a ticket."""

import asyncio
from hashlib import sha256
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from fallbacks.ledger.states import HintKind, State
from tasks.conversation import Message
from tasks.ticket import TicketId
from worker.http.access import Writer, check_may_withdraw
from worker.http.desk import DeskDep
from worker.http.problems import Kind, Problem, responses
from worker.http.reading import read_json
from worker.http.tickets.intake import IdempotencyKey
from worker.intake.doors import HTTP

router = APIRouter(prefix="/v1/tickets", tags=["tickets"])


class AddedDocument(BaseModel):
    """A message that is in the ledger. id: its ticket's. message: its own. state: of the ticket, with it."""

    id: str
    message: str
    state: State


@router.post(
    "/{ticket_id}/messages",
    status_code=202,
    response_model=AddedDocument,
    responses=responses(400, 404, 409, 413, 415),
)
async def add_message(
    request: Request,
    response: Response,
    ticket_id: TicketId,
    desk: DeskDep,
    caller: Writer,
    idempotency_key: IdempotencyKey = None,
) -> AddedDocument:
    """Add a message, in whatever state the ticket is; what it makes stale is withdrawn.

    The same `id`, or the same `Idempotency-Key`, with the same body gets the same answer; with another body 409. A key
    without `tickets:read` adds to what it sent itself, or to what is of its source.
    """
    await check_may_withdraw(desk, caller, ticket_id)
    given = await read_json(request, Message)
    named = given if given.id else given.model_copy(update={"id": _made(caller.id, idempotency_key)})
    try:
        async with asyncio.timeout(desk.store_seconds):
            added = await desk.parts.threads.add(ticket_id, named, HTTP)
    except ValueError as error:
        raise Problem(Kind.IMPOSSIBLE, str(error)) from None
    if added.works:
        await desk.hints.publish([(HintKind.TRIAGE, ticket_id)])
    response.headers["location"] = f"/v1/tickets/{ticket_id}"
    if not added.created:
        response.headers["idempotent-replayed"] = "true"
    return AddedDocument(id=ticket_id, message=added.message_id, state=added.state)


def _made(caller_id: str, key: str | None) -> str:
    return f"msg_{sha256(f'{caller_id}:{key}'.encode()).hexdigest()[:32]}" if key else f"msg_{uuid4().hex}"
