"""`/v1/inbox/{id}/...-call`: what people do with a call of the agent that waits for them."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field, StringConstraints

from fallbacks.ledger.states import HintKind
from tasks.ticket import TicketId
from worker.http.access import Person
from worker.http.desk import DeskDep
from worker.http.inbox.acting import as_read, who
from worker.http.inbox.bodies import Text, Versioned
from worker.http.problems import responses
from worker.http.reading import read_json
from worker.http.tickets.documents import AcceptedDocument, TicketDocument

router = APIRouter(prefix="/v1/inbox", tags=["inbox"])

ACTION = responses(400, 404, 409, 413, 415)

Acted = TicketDocument | AcceptedDocument
"""An item that goes back to the agent leaves the inbox: a key without `tickets:read` gets id and state."""


class CallBody(Versioned):
    """digest: of the call as the person saw it, `call.digest` of the ticket. Another one is stale."""

    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class EditCallBody(CallBody):
    """arguments: all of them, as its tool's schema wants them."""

    arguments: Annotated[dict[str, Any], Field(max_length=100)]


class RejectCallBody(CallBody):
    """reason: why; the agent reads it."""

    reason: Text


@router.post("/{ticket_id}/approve-call", response_model=Acted, responses=ACTION)
async def approve_call(request: Request, ticket_id: TicketId, desk: DeskDep, key: Person) -> Acted:
    """Let this call happen, once: the ticket goes back to the agent, which carries it out and goes on."""
    body = await read_json(request, CallBody)
    work = desk.parts.inbox.approve_call(ticket_id, who(key.name, body), body.version, body.digest)
    document = await as_read(desk, key, work)
    await desk.hints.publish([(HintKind.TRIAGE, ticket_id)])
    return document


@router.post("/{ticket_id}/edit-call", response_model=TicketDocument, responses=ACTION)
async def edit_call(request: Request, ticket_id: TicketId, desk: DeskDep, key: Person) -> Acted:
    """Change what the call is given. It waits as before, under another digest, which needs an approval of its own."""
    body = await read_json(request, EditCallBody)
    inbox = desk.parts.inbox
    work = inbox.edit_call(ticket_id, who(key.name, body), body.version, body.digest, body.arguments)
    return await as_read(desk, key, work)


@router.post("/{ticket_id}/reject-call", response_model=Acted, responses=ACTION)
async def reject_call(request: Request, ticket_id: TicketId, desk: DeskDep, key: Person) -> Acted:
    """Refuse the call: the agent is told why, and goes on without it."""
    body = await read_json(request, RejectCallBody)
    work = desk.parts.inbox.reject_call(ticket_id, who(key.name, body), body.version, body.digest, body.reason)
    document = await as_read(desk, key, work)
    await desk.hints.publish([(HintKind.TRIAGE, ticket_id)])
    return document
