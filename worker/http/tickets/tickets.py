"""`/v1/tickets`: accept one, look at one, wait for its end, cancel it."""

from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from fallbacks.access.api_keys import Scope
from tasks.run.process import Process
from tasks.ticket import TicketId
from worker.http.access import Person, Reader, Writer, check_may_withdraw, may_write, read_within
from worker.http.desk import Desk, DeskDep
from worker.http.direct import DirectRoute
from worker.http.inbox.acting import as_read, who
from worker.http.inbox.bodies import bodies_of
from worker.http.problems import Kind, Problem, responses
from worker.http.reading import read_body, read_json
from worker.http.tickets.documents import AcceptedDocument, TicketDocument, read_ticket, ticket_json
from worker.http.tickets.intake import declares_idempotency_key, idempotency_key_of, take_in

LONGEST_WAIT_SECONDS = 60.0

router = APIRouter(prefix="/v1/tickets", tags=["tickets"])


accepting = APIRouter(prefix="/v1/tickets", tags=["tickets"], route_class=DirectRoute)


@accepting.post(
    "",
    status_code=202,
    response_model=AcceptedDocument,
    responses=responses(400, 409, 413, 415),
    dependencies=[Depends(may_write), Depends(declares_idempotency_key)],
)
async def accept_ticket(request: Request) -> Response:
    """Accept a ticket: it is in the ledger when this answers.

    The same `Idempotency-Key`, or the same ticket `id`, with the same body gets the same answer; with another body 409.
    """
    desk: Desk = request.app.state.desk
    caller, key = await may_write.caller(request, desk), idempotency_key_of(request)
    accepted = await take_in(desk, caller, await read_body(request), key)
    headers = {"location": f"/v1/tickets/{accepted.id}"}
    if not accepted.created:
        headers["idempotent-replayed"] = "true"
    return Response(AcceptedDocument(id=accepted.id).model_dump_json(), 202, headers, "application/json")


@router.get(
    "/{ticket_id}",
    response_model=TicketDocument,
    responses={**responses(404), 304: {"description": "Not Modified: If-None-Match names what there is"}},
)
async def get_ticket(
    ticket_id: TicketId,
    desk: DeskDep,
    caller: Reader,
    wait: Annotated[
        float, Query(ge=0, description="seconds to wait for an end or a person's turn, 60 at most", le=86400)
    ] = 0,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """State, decision, reason, usage, limits and times. `?wait=20` answers when the agent is done, or after 20 s."""
    await read_within(desk, caller, ticket_id)  # what does not exist is not waited for
    if wait > 0:
        await _settled(desk, caller.id, ticket_id, wait)
    body = ticket_json(await read_ticket(desk.parts.views, ticket_id)).encode()
    etag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": "private, no-cache"}
    if if_none_match is not None and _names(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


@router.post("/{ticket_id}/cancel", response_model=TicketDocument | AcceptedDocument, responses=responses(404, 409))
async def cancel_ticket(ticket_id: TicketId, desk: DeskDep, caller: Writer) -> TicketDocument | AcceptedDocument:
    """Withdraw a ticket that has not ended. Cancelling twice changes nothing; a decided one is 409.

    A key without `tickets:read` withdraws what it sent itself, or what is of its source, and gets only id and state.
    """
    await check_may_withdraw(desk, caller, ticket_id)
    view = await desk.parts.inbox.cancel(ticket_id, caller.name)
    if Scope.READ not in caller.scopes:
        return AcceptedDocument(id=view.id, state=view.state)
    return await read_ticket(desk.parts.views, ticket_id)


def process_router(process: Process) -> APIRouter:
    """What depends on the process: the decision that a correction makes."""
    router, correct = APIRouter(prefix="/v1/tickets", tags=["tickets"]), bodies_of(process).correct

    @router.post(
        "/{ticket_id}/correct",
        response_model=TicketDocument | AcceptedDocument,
        responses=responses(400, 404, 409, 413, 415),
    )
    async def correct_ticket(
        request: Request, ticket_id: TicketId, desk: DeskDep, key: Person
    ) -> TicketDocument | AcceptedDocument:
        """Another decision than the one that stands, of an archived ticket too: the outcome `ticket.corrected`.

        The decision before it stays in the journal and in `earlier_decision`. A key without `tickets:read` gets only
        id and state.
        """
        body = await read_json(request, correct)
        work = desk.parts.inbox.correct(ticket_id, who(key.name, body), body.version, body, body.reason)
        return await as_read(desk, key, work)

    return router


async def _settled(desk: Desk, key: str, ticket_id: str, seconds: float) -> None:
    if not desk.polls.free(key):
        fault = "too many requests wait already; ask again later, or without `wait`"
        raise Problem(Kind.LIMITED, fault, headers={"retry-after": "5"})
    with desk.polls.take(key):
        await desk.watch.settled(ticket_id, min(seconds, LONGEST_WAIT_SECONDS))


def _names(if_none_match: str, etag: str) -> bool:
    """RFC 9110: weak comparison, a list, or any."""
    return "*" in if_none_match or etag in [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
