"""Notes in which a person was named, the latest first, and which of their tickets they have not opened since."""

from dataclasses import dataclass

from starlette.responses import Response

from fallbacks.console.visit import Visit, signed_in
from fallbacks.errors import UnknownTicket
from fallbacks.inbox.mentions import Mention, Mentions, named_in
from fallbacks.ledger.acts import Act
from fallbacks.ledger.views import TicketView
from tasks.run import events as ev

SHOWN = 50


@dataclass(frozen=True, slots=True)
class Named:
    """by, text: of the last note that names the person; "" where it is gone."""

    mention: Mention
    view: TicketView
    by: str
    text: str


@signed_in()
async def mentions(visit: Visit) -> Response:
    """The list. Tickets that are gone, or that they may not see any more, are left out."""
    listed = [await _named(visit, each) for each in (await Mentions(visit.deps.store).of(visit.person))[:SHOWN]]
    return await visit.page("mentions.html", {"named": [each for each in listed if each]})


async def _named(visit: Visit, mention: Mention) -> Named | None:
    try:
        view = await visit.deps.views.ticket(mention.ticket_id)
    except UnknownTicket:
        return None
    if visit.reach.beyond(view):
        return None
    for recorded in reversed(await visit.deps.views.timeline(view.id)):
        match recorded.event:
            case ev.PersonActed(action=Act.NOTE, by=by, note=text) if named_in(text, [visit.person]):
                return Named(mention, view, by, text)
    return Named(mention, view, "", "")
