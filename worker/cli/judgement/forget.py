"""`deskhand train --forget`, and what follows a promotion: weights that learned what was erased since are deleted."""

from datetime import datetime
from typing import TYPE_CHECKING

from worker.cli.context import run
from worker.cli.output import complain, dump, say

if TYPE_CHECKING:
    from worker.config.settings import Settings
    from worker.models.local.versions import Version
    from worker.wiring import Parts

LEARNING_MS = 1_800_000
"""So long may a version have learned, before its time, from what was decided by then."""

ALL = 2**62


def forget_all(settings: "Settings", *, json: bool) -> None:
    """The model from the training data works again, and nothing is left of what was learned from decisions."""
    from worker.models.local.choice import versions_of

    deleted = versions_of(settings).forget(keep_current=False)
    cleared = run(lambda parts: _cleared(parts, ALL))
    if json:
        dump({"deleted": deleted, "marks_cleared": cleared})
    else:
        say(f"{deleted} versions were deleted; the model from the training data works, within seconds")


def forget_erased(settings: "Settings", now: "Version | None") -> None:
    """After a promotion: where something was erased before it learned, the versions before it go, and so do the marks.

    A version in the shadow has learned before it is promoted, and marks since then stay.
    """
    if now is None:
        return
    from worker.models.local.choice import versions_of

    learned_ms = int(datetime.fromisoformat(now.trained_at).timestamp() * 1000) - LEARNING_MS
    if cleared := run(lambda parts: _cleared(parts, learned_ms)):
        deleted = versions_of(settings).forget(keep_current=True)
        complain(
            f"{cleared} erasures before it: {deleted} versions that may have learned from what was erased are gone"
        )


async def waiting(parts: "Parts") -> int:
    """Erasures after which nothing has learned anew."""
    from fallbacks.erasure.relearn import marks

    return len(await marks(parts.store))


async def _cleared(parts: "Parts", until_ms: int) -> int:
    from fallbacks.erasure.relearn import cleared

    return await cleared(parts.store, until_ms)
