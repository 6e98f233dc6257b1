"""The list: what waits, most urgent first, as bookmarkable addresses."""

import json
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from fallbacks.console.lists.alike import alike_for, alike_of
from fallbacks.console.lists.filters import AGES, BY_INDEX, Filters, View, choices
from fallbacks.console.ticket.work import SNOOZES
from fallbacks.console.visit import Visit, signed_in
from fallbacks.errors import HistoryUnreachable
from fallbacks.inbox.narrate import CLOSED
from fallbacks.inbox.wanted import Counts
from fallbacks.ledger.states import INBOX, Closed
from fallbacks.ledger.views import TicketView, read_row
from fallbacks.store import keys
from tasks.language import N_
from tasks.run.process import Process

PAGE = 50
COUNTED = 1000
"""So many behind a page are counted, not all there are: the store would stand still for everybody meanwhile."""

SPIKES = 5
"""Groups of alike tickets that stand above the list."""

SHOWN = 100
"""Of what a person ended today; all of it is counted."""

SCAN = 1000
"""A column without an index sorts so many of the most urgent items, and says where there are more."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of items. total: those that match, as far as they were counted. sorted_of: how many were sorted, None
    where all were.
    """

    items: list[TicketView]
    total: int
    sorted_of: int | None
    next_offset: int | None


@dataclass(frozen=True, slots=True)
class Tab:
    """One of the usual lists. count: what it holds."""

    view: View
    title: str
    count: int


@signed_in()
async def inbox(visit: Visit) -> Response:
    """The list."""
    query, process = visit.request.query_params, visit.deps.process
    filters = Filters.read(query, process)
    offset = int(query["offset"]) if query.get("offset", "").isdecimal() else 0
    listed = await listed_for(visit, filters, min(offset, 1_000_000))
    counts = await visit.deps.inbox.counts(visit.reach.unseen)
    values = {
        "listed": listed,
        "filters": filters,
        "alike": [] if filters.narrowed or offset else (await alike_for(visit))[:SPIKES],
        "group": await alike_of(visit, filters.alike) if filters.alike else None,
        "tabs": tabs(counts),
        "mine": (await visit.deps.store.sizes([keys.inbox_facet(f"{keys.ASSIGNEE}{visit.person}")]))[0],
        "choices": await choices(visit.deps.store, process, visit.reach.unseen),
        "ages": {age: seconds for age, seconds in AGES.items() if age},
        "offset": offset,
        "page_size": PAGE,
        "counted": COUNTED,
        "columns": columns(process),
        "snoozes": SNOOZES,
        "people": [user.name for user in await visit.desk.users.everybody()],
        "closed_kinds": [(kind.value, CLOSED[kind]) for kind in Closed],
    }
    return await visit.page("inbox.html", values)


def columns(process: Process) -> list[str]:
    """The facets that have a column of their own: the one that evidence is counted by stands as the suggestion."""
    return [name for name in process.facet_names if name != process.keyed_by]


@signed_in()
async def today(visit: Visit) -> Response:
    """What this person has ended since the day began, the last first; their last ten in any case, as they are now."""
    own = (await visit.desk.days.now()).of(visit.person, await visit.deps.store.now_ms())
    done = [*reversed(own.today if len(own.today) > len(own.last) else own.last)]
    now = await _as_they_are(visit, {example.id for example in done[:SHOWN]})
    return await visit.page("today.html", {"done": done[:SHOWN], "now": now, "today": len(own.today)})


async def _as_they_are(visit: Visit, ticket_ids: Collection[str]) -> dict[str, TicketView]:
    """These tickets, by id: those that have left the store, too, as far as history answers."""
    found = {view.id: view for view in await visit.deps.inbox.items(list(ticket_ids))}
    gone, history = [each for each in ticket_ids if each not in found], visit.deps.views.history
    if gone and history is not None:
        now = await visit.deps.store.now_ms()
        with suppress(HistoryUnreachable):
            left = await history.find_many(gone)
            found |= {each: read_row(each, dict(ended.row), now) for each, ended in left.items()}
    return found


def tabs(counts: Counts) -> list[Tab]:
    """The usual lists, in the order of the screen."""
    return [
        Tab(View.OPEN, N_("Open"), counts.awake),
        Tab(View.OVERDUE, N_("Overdue"), counts.overdue),
        Tab(View.READY, N_("Ready to approve"), counts.ready),
        Tab(View.PERSON, N_("Needs a person"), counts.awake - counts.ready),
        Tab(View.SNOOZED, N_("Snoozed"), counts.snoozed),
    ]


async def listed_for(visit: Visit, filters: Filters, offset: int) -> Listed:
    """A page of what somebody wants to see."""
    if filters.alike:
        return await _alike(visit, filters.alike)
    inbox, wanted = visit.deps.inbox, visit.reach.narrowed(filters.wanted())
    column = filters.sort.removeprefix("-")
    if not column or column in BY_INDEX:
        page = await inbox.find(wanted, offset, PAGE, COUNTED)
        return Listed(page.items, page.total, None, page.next_offset)
    ids, total = await inbox.find_ids(wanted, 0, SCAN, 1)
    rows = await visit.deps.store.rows(ids, ["decision", "blind", "body", "holder"])
    worth = _worth(column, visit.deps.process)
    ranked = sorted(zip(ids, map(worth, rows), strict=True), key=lambda one: one[1], reverse=filters.sort[0] == "-")
    chosen = [ticket_id for ticket_id, _ in ranked[offset : offset + PAGE]]
    more = offset + PAGE if offset + PAGE < len(ids) else None
    return Listed(await inbox.items(chosen), total, SCAN if total > SCAN else None, more)


async def _alike(visit: Visit, ticket_id: str) -> Listed:
    """All of a group that still wait, on one page: they are decided at once."""
    group = await alike_of(visit, ticket_id)
    views = await visit.deps.inbox.items(group.tickets) if group else []
    waiting = [view for view in views if view.state in INBOX]
    return Listed(waiting, len(waiting), None, None)


Row = list[str | None]


def _worth(column: str, process: Process) -> Callable[[Row], Any]:
    """What a row is sorted by, of its decision, whether that is blind, its ticket and who has it."""

    def seen(row: Row) -> dict[str, Any]:
        return json.loads(row[0]) if row[0] and not row[1] else {}

    def customer(row: Row) -> str:
        asked = (json.loads(row[2]) if row[2] else {}).get("requester") or {}
        return str(asked.get("name") or asked.get("email") or asked.get("id") or "\uffff").casefold()

    match column:
        case "customer":
            return customer
        case "sure":
            return lambda row: -float(seen(row).get("confidence", -1))
        case "with":
            return lambda row: row[3] or "\uffff"
        case _:
            return lambda row: process.facets(result).get(column, "\uffff") if (result := seen(row)) else "\uffff"
