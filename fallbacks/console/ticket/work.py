"""Serve-next: the most urgent item, held for who asks, and the one after it ahead of time."""

from urllib.parse import quote

from starlette.responses import JSONResponse, RedirectResponse, Response

from fallbacks.access.roles import Role
from fallbacks.console.lists.filters import Filters
from fallbacks.console.pages import words
from fallbacks.console.ticket.item import load_item
from fallbacks.console.visit import SKIPPED, Visit, signed_in
from fallbacks.errors import Stale, UnknownTicket
from fallbacks.inbox.mentions import Mentions
from fallbacks.inbox.narrate import CLOSE_KEYS, CLOSED
from fallbacks.inbox.reach import reach_of
from fallbacks.ledger.acts import Act
from fallbacks.ledger.states import INBOX
from fallbacks.ledger.views import TicketView
from tasks.language import N_
from tasks.ticket import Priority

SNOOZES = ((900, N_("15 min")), (3600, N_("1 h")), (4 * 3600, N_("4 h")), (16 * 3600, N_("tomorrow")))
"""In the order of the digits after `h`."""


@signed_in()
async def work(visit: Visit) -> Response:
    """The item to work on now. ?item= goes back to one, e.g. after an undo; ?skipped=again forgets the skips."""
    query = visit.request.query_params
    filters = Filters.read(query, visit.deps.process)
    if query.get("skipped") == "again":
        await visit.desk.sessions.keep(visit.session, SKIPPED, "[]")
        return RedirectResponse("/work" + (f"?{filters.query}" if filters.query else ""), 303)
    view = await _chosen(visit, query["item"]) if "item" in query else None
    view = view or await serve_next(visit, filters, visit.skipped)
    if view is not None:
        await Mentions(visit.deps.store).opened(view.id, visit.person)
    if view is None:
        return await visit.page("done.html", {"filters": filters, "skipped": len(visit.skipped)})
    return await item_page(visit, view, filters, working=True)


@signed_in()
async def ahead(visit: Visit) -> Response:
    """Hold the item after the one at hand and return its page, so that it is there at once; 204 for none."""
    form = await visit.request.form()
    at_hand = str(form.get("at_hand", ""))
    filters = Filters.parse(str(form.get("filters", "")), visit.deps.process)
    view = await serve_next(visit, filters, [*visit.skipped, at_hand])
    return Response(status_code=204) if view is None else await item_page(visit, view, filters, working=True)


@signed_in()
async def hold(visit: Visit) -> Response:
    """Keep an item that this person reads; 204, or 409 where somebody else has it by now."""
    await visit.deps.inbox.renew(visit.request.path_params["ticket_id"], visit.person)
    return Response(status_code=204)


async def serve_next(visit: Visit, filters: Filters, skip: list[str]) -> TicketView | None:
    """Hold the most urgent item that matches and that nobody else holds."""
    wanted, unseen = filters.wanted(), visit.reach.unseen
    return await visit.deps.inbox.next(visit.person, skip=skip, wanted=wanted, unseen=unseen)


@signed_in()
async def work_on(visit: Visit) -> Response:
    """One item by its address, to share and to keep: held, or as everybody may see it where it is not to be had."""
    ticket_id = visit.request.path_params["ticket_id"]
    view = await _chosen(visit, ticket_id)
    if view is None:
        return RedirectResponse(f"/tickets/{quote(ticket_id, safe='')}", 303)
    await Mentions(visit.deps.store).opened(view.id, visit.person)
    return await item_page(visit, view, Filters(), working=True)


@signed_in()
async def choices(visit: Visit) -> Response:
    """What may be decided by name alone, for the page's script to search in."""
    process = visit.deps.process
    kinds = {kind.key: kind for kind in process.kinds}
    found = [
        {
            "name": choice.name,
            "words": words(choice.name),
            "detail": words(choice.detail),
            "about": kinds[choice.name].about if choice.name in kinds else "",
            "alike": kinds[choice.name].alike if choice.name in kinds else (),
        }
        for choice in process.choices
    ]
    return JSONResponse(found)


async def _chosen(visit: Visit, ticket_id: str) -> TicketView | None:
    """One wanted item, held; None where it waits no more or somebody else has it."""
    try:
        view = await visit.deps.views.ticket(ticket_id)
        visit.reach.check(view)
        if view.holder == visit.person:
            return view
        return await visit.deps.inbox.claim(ticket_id, visit.person, view.version) if view.state in INBOX else None
    except (Stale, UnknownTicket):
        return None


@signed_in()
async def ticket(visit: Visit) -> Response:
    """One ticket's page, whatever its state."""
    view = await visit.deps.views.ticket(visit.request.path_params["ticket_id"])
    await Mentions(visit.deps.store).opened(view.id, visit.person)
    return await item_page(visit, view, Filters(), working=False)


async def item_page(visit: Visit, view: TicketView, filters: Filters, *, working: bool) -> Response:
    """A ticket's page; working: the next item follows each decision."""
    item = await load_item(visit.desk, view)
    can = set(item.cause.actions)
    if not visit.may(Role.OPERATOR):
        can.discard(Act.CANCEL)
        if view.undo_by != visit.person:
            can.discard(Act.UNDO)
    everybody = await visit.desk.users.everybody()
    seeing = [user.name for user in everybody if not reach_of(visit.deps.process, user.name, user.teams).beyond(view)]
    values = {
        "item": item,
        "view": item.view,
        "cause": item.cause,
        "can": can,
        "filters": filters,
        "working": working,
        "address": f"{visit.request.base_url}tickets/{quote(view.id, safe='')}",
        "snoozes": SNOOZES,
        "closed_kinds": [(kind.value, CLOSED[kind]) for kind in CLOSE_KEYS],
        "people": [user.name for user in everybody] if view.state in INBOX else [],
        "seeing": [name for name in seeing if name != visit.person],
        "priorities": [priority.value for priority in Priority],
    }
    return await visit.page("ticket.html", values)
