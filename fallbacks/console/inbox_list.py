"""The list: what waits, most urgent first, filtered by bookmarkable addresses."""

from dataclasses import dataclass

from starlette.responses import Response

from fallbacks.console.filters import AGES, Filters, choices
from fallbacks.console.visit import Visit, signed_in
from fallbacks.ledger.views import TicketView
from fallbacks.store import keys

PAGE = 50
SCAN = 2000
"""Filters by time look at so many of the most urgent items, and say where there were more."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of items. total: those that match, of the `looked_at` first; None where all were looked at."""

    items: list[TicketView]
    total: int
    looked_at: int | None
    next_offset: int | None


@signed_in()
async def inbox(visit: Visit) -> Response:
    """The list."""
    query = visit.request.query_params
    filters = Filters.read(query, visit.deps.process)
    offset = int(query["offset"]) if query.get("offset", "").isdecimal() else 0
    listed = await _listed(visit, filters, min(offset, 1_000_000))
    values = {
        "listed": listed,
        "filters": filters,
        "choices": await choices(visit.deps.store, visit.deps.process),
        "ages": [age for age in AGES if age],
        "offset": offset,
        "page_size": PAGE,
        "skipped": len(visit.skipped),
    }
    return await visit.page("inbox.html", values)


async def _listed(visit: Visit, filters: Filters, offset: int) -> Listed:
    inbox = visit.deps.inbox
    if not filters.scans:
        page = await inbox.page(filters.indexes, offset, PAGE)
        return Listed(_awake_first(page.items), page.total, None, page.next_offset)
    ids, total = await visit.deps.store.crossed([*map(keys.inbox_facet, filters.indexes)] or [keys.INBOX], 0, SCAN - 1)
    now = await visit.deps.store.now_ms()
    rows = await visit.deps.store.rows(ids, ["since", "sla"])
    wanted = [
        ticket_id
        for ticket_id, (since, sla) in zip(ids, rows, strict=True)
        if filters.passes(waiting_since_ms=int(since or now), due_by_ms=int(sla) if sla else None, now_ms=now)
    ]
    items = [await visit.deps.views.ticket(ticket_id) for ticket_id in wanted[offset : offset + PAGE]]
    more = offset + PAGE if offset + PAGE < len(wanted) else None
    return Listed(_awake_first(items), len(wanted), SCAN if total > SCAN else None, more)


def _awake_first(items: list[TicketView]) -> list[TicketView]:
    """Of one page: nobody is served what is snoozed."""
    return sorted(items, key=lambda view: view.snoozed_until_ms is not None)
