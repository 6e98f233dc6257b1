"""`/v1/inbox`: what people do with what waits for them, by the same service as the console and the command line."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from fallbacks.access.api_keys import Scope
from fallbacks.inbox.wanted import Wanted
from fallbacks.ledger.states import HintKind
from tasks.run.process import Process
from tasks.ticket import TicketId
from worker.http.access import Person, reach
from worker.http.desk import DeskDep
from worker.http.inbox import bodies
from worker.http.inbox.acting import as_read, done, who
from worker.http.inbox.pages import page_after, read_cursor
from worker.http.problems import Kind, Problem, responses
from worker.http.reading import read_json, read_json_or_nothing
from worker.http.tickets.documents import AcceptedDocument, TicketDocument, read_ticket

router = APIRouter(prefix="/v1/inbox", tags=["inbox"])

ACTION = responses(400, 404, 409, 413, 415)


class InboxDocument(BaseModel):
    """A page, most urgent first. total: items of these facets, of any age. next: the cursor of the next page."""

    items: list[TicketDocument]
    total: int
    next: str | None


@router.post("/{ticket_id}/claim", response_model=TicketDocument, responses=ACTION)
async def claim_item(request: Request, ticket_id: TicketId, desk: DeskDep, key: Person) -> TicketDocument:
    """Hold an item for five minutes."""
    body = await read_json_or_nothing(request, bodies.MaybeVersioned)
    return await done(desk, desk.parts.inbox.claim(ticket_id, who(key.name, body), body.version))


@router.post("/{ticket_id}/release", response_model=TicketDocument, responses=ACTION)
async def release_item(request: Request, ticket_id: TicketId, desk: DeskDep, key: Person) -> TicketDocument:
    """Give an item back."""
    body = await read_json_or_nothing(request, bodies.MaybeVersioned)
    return await done(desk, desk.parts.inbox.release(ticket_id, who(key.name, body), body.version))


@router.post("/{ticket_id}/approve", response_model=TicketDocument, responses=ACTION)
async def approve_item(request: Request, ticket_id: TicketId, desk: DeskDep, key: Person) -> TicketDocument:
    """Let the suggestion stand."""
    body = await read_json(request, bodies.Versioned)
    return await done(desk, desk.parts.inbox.approve(ticket_id, who(key.name, body), body.version))


@router.post("/{ticket_id}/reject", response_model=TicketDocument, responses=ACTION)
async def reject_item(request: Request, ticket_id: TicketId, desk: DeskDep, key: Person) -> TicketDocument:
    """Refuse a suggestion: the item waits for a decision by hand. An unreadable message is dismissed."""
    body = await read_json(request, bodies.RejectBody)
    return await done(desk, desk.parts.inbox.reject(ticket_id, who(key.name, body), body.version, body.reason))


@router.post("/{ticket_id}/close", response_model=TicketDocument | AcceptedDocument, responses=ACTION)
async def close_item(
    request: Request, ticket_id: TicketId, desk: DeskDep, key: Person
) -> TicketDocument | AcceptedDocument:
    """End an item without a decision. It has left the inbox, so a key without `tickets:read` gets only id and state."""
    body = await read_json(request, bodies.CloseBody)
    inbox = desk.parts.inbox
    work = inbox.close(ticket_id, who(key.name, body), body.version, body.kind, body.of or "")
    return await as_read(desk, key, work)


@router.post("/{ticket_id}/repair", response_model=TicketDocument, responses=ACTION)
async def repair_item(request: Request, ticket_id: TicketId, desk: DeskDep, key: Person) -> TicketDocument:
    """Accept the corrected ticket of a message that could not be read, and end the message; answers the new ticket."""
    body = await read_json(request, bodies.RepairBody)
    settings = desk.settings
    work = desk.parts.inbox.repair(
        ticket_id,
        who(key.name, body),
        body.version,
        body.ticket,
        settings.limits,
        desk.hints.publish,
        settings.max_wait_seconds,
    )
    return await done(desk, work)


@router.post("/{ticket_id}/resume", response_model=TicketDocument, responses=ACTION)
async def resume_item(request: Request, ticket_id: TicketId, desk: DeskDep, key: Person) -> TicketDocument:
    """Send it back to the agent with a hint and fresh limits: the next epoch. Finished calls are not paid again."""
    body = await read_json(request, bodies.ResumeBody)
    try:
        fresh = body.limits.over(desk.settings.limits)
    except bodies.BeyondDeployedError as error:
        raise Problem(Kind.FORBIDDEN, str(error), errors=[(f"/limits/{error.name}", str(error))]) from None
    work = desk.parts.inbox.resume(ticket_id, who(key.name, body), body.version, body.hint, fresh, body.from_step)
    document = await done(desk, work)
    await desk.hints.publish([(HintKind.TRIAGE, ticket_id)])
    return document


@router.post("/{ticket_id}/snooze", response_model=TicketDocument, responses=ACTION)
async def snooze_item(request: Request, ticket_id: TicketId, desk: DeskDep, key: Person) -> TicketDocument:
    """Let `next` pass it over for a while, and give it back."""
    body = await read_json(request, bodies.SnoozeBody)
    return await done(desk, desk.parts.inbox.snooze(ticket_id, who(key.name, body), body.version, body.seconds))


@router.post("/{ticket_id}/assign", response_model=TicketDocument, responses=ACTION)
async def assign_item(request: Request, ticket_id: TicketId, desk: DeskDep, key: Person) -> TicketDocument:
    """Leave it to a person or a group while it waits, and give it back; to nobody with ""."""
    body = await read_json(request, bodies.AssignBody)
    return await done(desk, desk.parts.inbox.assign(ticket_id, who(key.name, body), body.version, body.to))


@router.post("/{ticket_id}/note", response_model=TicketDocument | AcceptedDocument, responses=ACTION)
async def note_item(
    request: Request, ticket_id: TicketId, desk: DeskDep, key: Person
) -> TicketDocument | AcceptedDocument:
    """Add a note to the journal of any ticket. One outside the inbox is shown only to a key with `tickets:read`."""
    body = await read_json(request, bodies.NoteBody)
    return await as_read(desk, key, desk.parts.inbox.note(ticket_id, who(key.name, body), body.text))


@router.post("/{ticket_id}/undo", response_model=TicketDocument, responses=ACTION)
async def undo_item(request: Request, ticket_id: TicketId, desk: DeskDep, key: Person) -> TicketDocument:
    """Take back a decision within ten seconds. Another's decision needs a key with the scope `operate`."""
    body = await read_json(request, bodies.Versioned)
    operator = Scope.OPERATE in key.scopes
    return await done(desk, desk.parts.inbox.undo(ticket_id, who(key.name, body), body.version, operator=operator))


def process_router(process: Process) -> APIRouter:
    """What depends on the process: its facets in list and next, and its decision by hand in edit."""
    router, own = APIRouter(prefix="/v1/inbox", tags=["inbox"]), bodies.bodies_of(process)

    @router.get("", response_model=InboxDocument, responses=responses())
    async def list_inbox(
        desk: DeskDep,
        key: Person,
        chosen: Annotated[bodies.Filter, Depends(own.filter)],
        older_than: Annotated[float, Query(ge=0, le=315_360_000, description="seconds in the inbox, at least")] = 0,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=500)] = None,
    ) -> InboxDocument:
        """Items waiting for a person, sorted by when somebody should have looked."""
        since = await desk.parts.store.now_ms() - int(older_than * 1000)
        after = None if cursor is None else read_cursor(cursor)
        wanted = reach(desk, key).narrowed(Wanted(tuple(chosen.facets)))
        views, following, total = await page_after(desk.parts.inbox, wanted, after, limit, since)
        items = [await read_ticket(desk.parts.views, view.id) for view in views]
        return InboxDocument(items=items, total=total, next=following.text() if following else None)

    @router.post(
        "/next",
        response_model=TicketDocument,
        responses={**responses(400, 413, 415), 204: {"description": "Nothing waits that nobody holds"}},
    )
    async def next_item(request: Request, desk: DeskDep, key: Person) -> TicketDocument | Response:
        """Hold the most urgent item that nobody holds, for five minutes, and return it."""
        body = await read_json_or_nothing(request, own.next)
        facet, unseen = next(iter(body.facets), None), reach(desk, key).unseen
        view = await desk.parts.inbox.next(who(key.name, body), facet, body.skip, unseen=unseen)
        return Response(status_code=204) if view is None else await read_ticket(desk.parts.views, view.id)

    @router.post("/{ticket_id}/edit", response_model=TicketDocument, responses=ACTION)
    async def edit_item(request: Request, ticket_id: TicketId, desk: DeskDep, key: Person) -> TicketDocument:
        """Decide by hand, or correct the suggestion, which stays in the journal."""
        body = await read_json(request, own.edit)
        return await done(desk, desk.parts.inbox.decide(ticket_id, who(key.name, body), body.version, body))

    return router
