"""Which items a person of the command line works on."""

from typing import TYPE_CHECKING

from worker.cli.options import listed

if TYPE_CHECKING:
    from fallbacks.inbox.reach import Reach
    from worker.wiring import Parts


async def reach_named(parts: "Parts", who: str, teams: str | None = None) -> "Reach":
    """Of the teams that are named, else of those that the person works for, where they have a name in the console."""
    from fallbacks.access.users import Users
    from fallbacks.inbox.reach import reach_of, read_groups

    if teams:
        return reach_of(parts.process, who, read_groups(parts.process, listed(teams)))
    user = await Users(parts.store).get(who)
    return reach_of(parts.process, who, user.teams if user else ())
