"""What the agent may look up and do: each tool's limits, and what came of its calls in the last day."""

from starlette.responses import Response

from fallbacks.access.roles import Role
from fallbacks.console.visit import Visit, signed_in
from fallbacks.operations.tools import Use, used, waits_for


@signed_in(Role.OPERATOR)
async def tools(visit: Visit) -> Response:
    """As `deskhand tools list` has it, of those that are allowed."""
    found = await used(visit.deps.store, await visit.deps.views.stats())
    earned = await visit.deps.calls.progress() if visit.deps.calls else {}
    rows = [
        (card, found.get(card.name, Use()), waits_for(card, earned.get(card.name, ""))) for card in visit.deps.tools
    ]
    return await visit.page("tools.html", {"rows": rows})
