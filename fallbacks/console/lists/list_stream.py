"""The list as it changes: server-sent events while somebody looks at it, and its counts for a tab in the background."""

import asyncio
import json
from collections.abc import AsyncIterator
from time import monotonic

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from fallbacks.console.lists.filters import Filters
from fallbacks.console.lists.inbox_list import columns, listed_for, tabs
from fallbacks.console.ticket.stream import LIFE_SECONDS, Followed, message
from fallbacks.console.visit import Visit, signed_in
from tasks.language import _

LOOK_SECONDS = 1.0
"""How often the counts and the rows that are shown are looked at: two small reads."""

TEAMS_LOOK_SECONDS = 5.0
"""The same for who works for some teams: what is not theirs is taken out of the counts at each look."""

ANEW_SECONDS = 15.0
"""How often all of it is read, whatever those say: holds and snoozes run out by themselves."""


@signed_in(by_itself=True)
async def list_stream(visit: Visit) -> Response:
    """Events `counts` (JSON: items by view) and `rows` (HTML of the page as it is now)."""
    if not visit.desk.streams.free(visit.person):
        raise HTTPException(429, _("Too many lists are followed at once."), {"Retry-After": "25"})
    query = visit.request.query_params
    offset = int(query["offset"]) if query.get("offset", "").isdecimal() and len(query["offset"]) < 8 else 0
    return Followed(_events(visit, Filters.read(query, visit.deps.process), offset), visit)


@signed_in(by_itself=True)
async def list_counts(visit: Visit) -> Response:
    """Items by view."""
    return JSONResponse(await _counts(visit))


async def _counts(visit: Visit) -> dict[str, int]:
    return {tab.view.value: tab.count for tab in tabs(await visit.deps.inbox.counts(visit.reach.unseen))}


async def _events(visit: Visit, filters: Filters, offset: int) -> AsyncIterator[str]:
    yield "retry: 1000\n\n"
    ends, anew = monotonic() + LIFE_SECONDS, -float("inf")
    ids, seen, counted = list[str](), "", ""
    while monotonic() < ends and not await visit.request.is_disconnected():
        counts = json.dumps(await _counts(visit))
        now = counts + json.dumps(await visit.deps.store.rows(ids, ["version", "holder"]))
        if counts != counted:
            counted = counts
            yield message("counts", counts)
        if now != seen or monotonic() - anew > ANEW_SECONDS:
            listed = await listed_for(visit, filters, offset)
            ids, anew = [view.id for view in listed.items], monotonic()
            seen = counts + json.dumps(await visit.deps.store.rows(ids, ["version", "holder"]))
            values = {"listed": listed, "filters": filters, "columns": columns(visit.deps.process)}
            rows = {"now_ms": await visit.deps.store.now_ms(), "person": visit.person, **values}
            yield message("rows", visit.desk.pages.text("_rows.html", rows))
        await asyncio.sleep(TEAMS_LOOK_SECONDS if visit.reach.unseen else LOOK_SECONDS)
