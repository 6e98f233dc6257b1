"""The timeline as it grows: server-sent events, rendered by the same template as the page."""

import asyncio
import json
from collections.abc import AsyncIterator
from time import monotonic

from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from fallbacks.console.pages import state_words
from fallbacks.console.visit import Visit, signed_in
from fallbacks.inbox.explain import shown_lines
from tasks.language import _

LOOK_SECONDS = 0.4
"""How often the journal is looked at; one small read each time."""

LIFE_SECONDS = 25.0
"""Then the browser comes again with its last id: a server that stops is not held up for longer."""


@signed_in(by_itself=True)
async def stream(visit: Visit) -> Response:
    """Events `line` (HTML of one timeline entry, id = the next seq) and `version` (state, version and holder)."""
    ticket_id = visit.request.path_params["ticket_id"]
    await visit.deps.views.ticket(ticket_id)
    if not visit.desk.streams.free(visit.person):
        raise HTTPException(429, _("Too many timelines are followed at once."), {"Retry-After": "25"})
    last = visit.request.headers.get("last-event-id") or visit.request.query_params.get("from", "0")
    start = int(last) if last.isdecimal() and len(last) < 10 else 0
    return Followed(_events(visit, ticket_id, start), visit)


class Followed(StreamingResponse):
    """A stream that has its place before any other request is looked at."""

    def __init__(self, events: AsyncIterator[str], visit: Visit) -> None:
        super().__init__(events, media_type="text/event-stream")
        self._place = visit.desk.streams.take(visit.person)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._place:
            await super().__call__(scope, receive, send)


async def _events(visit: Visit, ticket_id: str, seq: int) -> AsyncIterator[str]:
    yield "retry: 1000\n\n"
    ends = monotonic() + LIFE_SECONDS
    shown: str | None = None
    while monotonic() < ends and not await visit.request.is_disconnected():
        timeline = await visit.deps.views.timeline(ticket_id, seq)
        view = await visit.deps.views.ticket(ticket_id)  # after its events: a suggestion is blind once it is there
        shown_of = {"state": state_words(view.state), "version": view.version, "holder": view.holder}
        now = json.dumps(shown_of | {"messages": view.messages})
        for line in shown_lines(view, timeline, visit.deps.process):
            seq = line.seq + 1
            html = visit.desk.pages.text("_line.html", {"line": line, "fresh": True})
            yield message("line", html, seq)
        if now != shown:
            shown = now
            yield message("version", now, seq)
        await asyncio.sleep(LOOK_SECONDS)


def message(event: str, data: str, seq: int | None = None) -> str:
    """One server-sent event. seq: its id, None for none."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines())
    return f"event: {event}\n" + ("" if seq is None else f"id: {seq}\n") + f"{lines}\n"
