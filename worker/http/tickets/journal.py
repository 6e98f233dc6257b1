"""`/v1/tickets/{id}/events`: the journal, paged as JSON or followed live as server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from time import monotonic
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from fallbacks.errors import StoreUnreachable
from fallbacks.inbox.explain import shown_events
from tasks.run.events import Recorded
from tasks.ticket import TicketId
from worker.http.access import Reader, Standing, read_within
from worker.http.desk import Desk, DeskDep
from worker.http.problems import Kind, Problem, responses
from worker.http.tickets.documents import EventDocument, event_document

EVENT_STREAM = "text/event-stream"
PAUSE_SECONDS = 0.25
RECONNECT_MS = 2000
PAGE = 100

router = APIRouter(prefix="/v1/tickets", tags=["tickets"])


class EventsDocument(BaseModel):
    """A page of the journal. next: the `after` of the next page; null when this was the last event so far."""

    events: list[EventDocument]
    next: int | None


@router.get(
    "/{ticket_id}/events",
    response_model=EventsDocument,
    responses={
        **responses(404),
        200: {
            "description": "A page, or the stream: id is the event's seq, event its type, data an EventDocument",
            "content": {EVENT_STREAM: {"schema": {"type": "string"}}},
        },
    },
)
async def get_events(
    request: Request,
    ticket_id: TicketId,
    desk: DeskDep,
    caller: Reader,
    after: Annotated[int, Query(ge=-1, le=1_000_000_000, description="the last seq already known")] = -1,
    limit: Annotated[int, Query(ge=1, le=1000)] = PAGE,
    last_event_id: Annotated[str, Header(pattern=r"^[0-9]{0,9}$", description="resumes a stream")] = "",
) -> Response:
    """What happened to a ticket, oldest first. `Accept: text/event-stream` follows it until the client leaves."""
    await read_within(desk, caller, ticket_id)
    if EVENT_STREAM in request.headers.get("accept", ""):
        if not desk.streams.free(caller.id):
            fault = "too many streams of events are open; close one, or read pages"
            raise Problem(Kind.LIMITED, fault, headers={"retry-after": "5"})
        first = (int(last_event_id) if last_event_id else after) + 1
        return _Followed(_follow(Standing(desk, request, caller), ticket_id, first), desk, caller.id)
    timeline = await _shown(desk, ticket_id, after + 1, after + 1 + limit)
    page = [event_document(recorded) for recorded in timeline[:limit]]
    more = len(timeline) > limit
    document = EventsDocument(events=page, next=page[-1].seq if more else None)
    return Response(document.model_dump_json(), media_type="application/json")


class _Followed(StreamingResponse):
    """A stream that has its place before any other request is looked at."""

    def __init__(self, frames: AsyncIterator[str], desk: Desk, key: str) -> None:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(frames, headers=headers, media_type=EVENT_STREAM)
        self._place = desk.streams.take(key)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._place:
            await super().__call__(scope, receive, send)


async def _follow(standing: Standing, ticket_id: str, seq: int) -> AsyncIterator[str]:
    """Frames until shutdown, or until the key holds no more; the client's leaving cancels it. Without the store it
    ends, and the client resumes.
    """
    desk = standing.desk
    yield f"retry: {RECONNECT_MS}\n\n"
    sent = monotonic()
    with suppress(StoreUnreachable):
        while not desk.closing.is_set() and await standing.holds():
            for recorded in await _shown(desk, ticket_id, seq, seq + PAGE - 1):
                document = event_document(recorded)
                yield f"id: {document.seq}\nevent: {document.type}\ndata: {document.model_dump_json()}\n\n"
                seq, sent = document.seq + 1, monotonic()
            if monotonic() - sent >= desk.heartbeat_seconds:
                yield ": still here\n\n"
                sent = monotonic()
            with suppress(TimeoutError):
                await asyncio.wait_for(desk.closing.wait(), PAUSE_SECONDS)


async def _shown(desk: Desk, ticket_id: str, start: int, stop: int) -> list[Recorded]:
    """Events from `start` to `stop`. The ticket is read after them: a suggestion is blind as soon as it is there."""
    timeline = await desk.parts.views.timeline(ticket_id, start, stop)
    return shown_events(await desk.parts.views.ticket(ticket_id), timeline) if timeline else []
