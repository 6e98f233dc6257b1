"""Who is away until when, and what is theirs handed over: by themselves, or by an admin."""

from starlette.responses import RedirectResponse, Response

from fallbacks.console.visit import Visit, signed_in
from fallbacks.inbox.rotation import Rotation, hand_over, read_day
from tasks.language import _, ngettext


async def set_away(visit: Visit, name: str, back: str) -> None:
    """back: the day that they are here again; "" for now. Raises `ValueError`."""
    until_ms = read_day(back, await visit.deps.store.now_ms()) if back else None
    await Rotation(visit.deps.store).leave(visit.person, name, until_ms)


async def handed_over(visit: Visit, name: str) -> str:
    """Give up what is somebody's by name; returns what is said of it."""
    went, left = await hand_over(visit.deps.inbox, visit.person, name)
    said = ngettext("%(num)s item handed over", "%(num)s items handed over", went)
    return _("%(said)s; %(left)s left", said=said, left=left) if left else said


@signed_in()
async def give_over(visit: Visit) -> Response:
    """What is one's own."""
    await visit.tell(await handed_over(visit, visit.person), "")
    return RedirectResponse("/settings", 303)
