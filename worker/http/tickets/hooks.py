"""`POST /v1/hooks/{name}`: a helpdesk's own webhook, read by its field map."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Security
from fastapi.security import APIKeyHeader
from pydantic import BaseModel

from fallbacks.errors import IdempotencyConflict, UnknownTicket
from fallbacks.ledger.states import HintKind, State
from fallbacks.store.keys import rate
from tasks.ticket import REJECTED_PREFIX
from worker.connectors.errors import HookRefusedError, UnmappedError
from worker.connectors.hook import NAME, Comment, Hook, door_of
from worker.http.desk import Desk, DeskDep
from worker.http.problems import Kind, Problem, responses
from worker.http.reading import read_body
from worker.intake.threads import NOT_ADDED

MAX_BYTES = 1024 * 1024

router = APIRouter(prefix="/v1/hooks", tags=["hooks"])

_SAID = "what proves a call is each hook's own: a signature or a token, in the header its field map names"
_proof = APIKeyHeader(name="X-Hook-Signature", scheme_name="hook", description=_SAID, auto_error=False)


class HookDocument(BaseModel):
    """What became of a call. ignored: why it changed nothing; "" when it did. A rejected one waits in the inbox.

    message: the id of a comment that was added to a ticket.
    """

    id: str | None = None
    state: State | None = None
    message: str | None = None
    ignored: str = ""


async def _named(
    name: Annotated[str, Path(pattern=NAME)], desk: DeskDep, _: Annotated[object, Security(_proof)]
) -> Hook:
    hook = desk.parts.hooks.get(name)
    if hook is None:
        raise Problem(Kind.NOT_FOUND, f"there is no hook {name!r}")
    return hook


@router.post("/{name}", status_code=202, response_model=HookDocument, responses=responses(404, 413, 415))
async def take_hook(request: Request, desk: DeskDep, hook: Annotated[Hook, Depends(_named)]) -> HookDocument:
    """A ticket or a comment of a proven call. A ticket that is known already changes nothing.

    What does not fit the field map is kept whole in the inbox: nobody would send it again.
    """
    body = await read_body(request, MAX_BYTES)
    try:
        hook.check(request.headers, body, datetime.now(UTC))
    except HookRefusedError as error:
        raise Problem(
            Kind.UNAUTHORIZED, str(error), headers={"www-authenticate": f'Hook realm="{hook.name}"'}
        ) from None
    async with asyncio.timeout(desk.store_seconds):
        await _count(desk, hook)
        return await _taken(desk, hook, body, request.headers)


async def _count(desk: Desk, hook: Hook) -> None:
    """A proven call counts towards its hook's minute, as a key's would; whoever proves nothing uses up nobody's."""
    limit = desk.settings.api_requests_per_minute
    if limit is not None and await desk.parts.store.tick(rate(f"hook:{hook.name}"), 60) > limit:
        raise Problem(Kind.LIMITED, "this hook's minute is used up; try again in 60 s", headers={"retry-after": "60"})


async def _taken(desk: Desk, hook: Hook, body: bytes, headers: Mapping[str, str]) -> HookDocument:
    parts, settings = desk.parts, desk.settings
    try:
        if (comment := hook.comment_of(body, headers)) is not None:
            return await _added(desk, hook, comment, body)
        ticket = hook.ticket_of(body, headers)
    except UnmappedError as error:
        return await _kept(desk, hook, body, str(error))
    if ticket is None:
        return HookDocument(ignored="the field map's conditions do not hold")
    try:
        accepted = await parts.ledger.accept(
            ticket, settings.limits, door=door_of(hook.name), max_wait_seconds=settings.max_wait_seconds
        )
    except IdempotencyConflict as error:
        if await _came_by(desk, hook, error.ticket_id):
            return HookDocument(id=ticket.id, ignored="it was accepted before, and has changed there since")
        return await _kept(desk, hook, body, f"{error}; that one came by another door")
    if not accepted.created and not await _came_by(desk, hook, accepted.id):
        return await _kept(desk, hook, body, f"the id {accepted.id!r} was taken by another door")
    if accepted.created:
        await desk.hints.publish([(HintKind.TRIAGE, accepted.id)])
    return HookDocument(id=accepted.id, state=accepted.state)


async def _added(desk: Desk, hook: Hook, comment: Comment, body: bytes) -> HookDocument:
    """A comment in the conversation of its ticket, or waiting for it."""
    message_id, parts = comment.message.id, desk.parts
    if comment.own:
        return HookDocument(id=comment.ticket_id, message=message_id, ignored="it is what we wrote there ourselves")
    try:
        if not await _came_by(desk, hook, comment.ticket_id):
            return await _kept(desk, hook, body, f"the id {comment.ticket_id!r} was taken by another door")
    except UnknownTicket:  # it may be on its way
        pass
    try:
        door = door_of(hook.name)
        found, works = await parts.threads.add_or_wait(comment.ticket_id, comment.message, door=door, source=hook.name)
    except NOT_ADDED as error:
        return await _kept(desk, hook, body, str(error))
    if works:
        await desk.hints.publish([(HintKind.TRIAGE, found)])
    return HookDocument(id=found, state=(await parts.views.ticket(found)).state, message=message_id)


async def _came_by(desk: Desk, hook: Hook, ticket_id: str) -> bool:
    """Whether a known ticket is this helpdesk's own. Rows from before doors were kept are known by their source."""
    view = await desk.parts.views.ticket(ticket_id)
    return view.door == door_of(hook.name) or (not view.door and view.source == hook.name)


async def _kept(desk: Desk, hook: Hook, body: bytes, why: str) -> HookDocument:
    """Whole, in the inbox, alerted."""
    identity = sha256(hook.name.encode() + b"\0" + body).hexdigest()
    await desk.parts.admission.keep(body, why, f"hook {hook.name}", identity)
    return HookDocument(id=f"{REJECTED_PREFIX}{identity[:40]}", state=State.REJECTED)
