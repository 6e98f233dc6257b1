"""Groups of alike tickets, as far as a person may see them: their words and texts are those of their tickets."""

import json

from fallbacks.console.visit import Visit
from fallbacks.inbox.alike import Alike


async def alike_for(visit: Visit) -> list[Alike]:
    """Those without a ticket of a group that they do not work for."""
    return [alike for alike in await visit.desk.alike.now() if await _seen(visit, alike)]


async def alike_of(visit: Visit, ticket_id: str) -> Alike | None:
    """The group that a ticket is in, where they may see it."""
    found = await visit.desk.alike.of(ticket_id)
    return found if found and await _seen(visit, found) else None


async def _seen(visit: Visit, alike: Alike) -> bool:
    unseen = set(visit.reach.unseen)
    rows = await visit.deps.store.rows(alike.tickets, ["facets"]) if unseen else []
    return all(unseen.isdisjoint(json.loads(facets or "[]")) for (facets,) in rows)
