"""Groups whose items go round among their people, and people who are away: nothing new is given to them.

Whose turn it is is decided where an item comes into the inbox, in `lua/move.lua`: of a group's people who are not away,
whoever has least, and of these who was given one longest ago.
"""

from asyncio import gather
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from fallbacks.access.users import User
from fallbacks.inbox.bulk import MOST, Based, do_each, done
from fallbacks.inbox.holds import Holds
from fallbacks.ledger.limits.control import ROTATION, USER, Change, Control
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.language import _

AWAY = "away_until"


@dataclass(frozen=True, slots=True)
class Turn:
    """One of a group in rotation. has: items that are theirs. away_until_ms: None for who is here."""

    name: str
    has: int
    away_until_ms: int | None


class Rotation:
    """What is switched, and who is away, over a store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def groups(self) -> set[str]:
        """Those in rotation, such as `team:cards`."""
        return {
            field.removeprefix(ROTATION) for field in await Control(self.store).fields() if field.startswith(ROTATION)
        }

    async def switch(self, who: str, groups: Collection[str], *, on: bool) -> list[Change]:
        """What is so already is no change."""
        return await Control(self.store).change(who, {f"{ROTATION}{group}": "on" if on else None for group in groups})

    async def only(self, who: str, groups: Collection[str]) -> None:
        """These, and no others."""
        changes = {f"{ROTATION}{group}": None for group in (await self.groups()).difference(groups)}
        await Control(self.store).change(who, {**changes, **{f"{ROTATION}{group}": "on" for group in groups}})

    async def turns(self, people: Sequence[User]) -> dict[str, Turn]:
        """How it stands with each of them, by name."""
        now = await self.store.now_ms()
        has = await self.store.sizes([keys.inbox_facet(f"{keys.ASSIGNEE}{one.name}") for one in people])
        away = await gather(*(self.store.fields(keys.person(one.name)) for one in people))
        until = [int(fields.get(AWAY) or 0) for fields in away]
        return {
            one.name: Turn(one.name, some, back if back > now else None)
            for one, some, back in zip(people, has, until, strict=True)
        }

    async def leave(self, who: str, name: str, until_ms: int | None) -> None:
        """Somebody is away until then; None: they are here."""
        await self.store.put(keys.person(name), {AWAY: None if until_ms is None else str(until_ms)})
        how = "here again" if until_ms is None else f"away until {day_of(until_ms)}"
        await Control(self.store).changed(who, f"{USER}{name}", how)


async def hand_over(inbox: Holds, person: str, former: str) -> tuple[int, int]:
    """Give up what is somebody's by name; returns how many went, and how many are left: 500 go at once, and what is
    open in front of somebody else stays. person: who does it.
    """
    index = keys.inbox_facet(f"{keys.ASSIGNEE}{former}")
    views = await inbox.items([ticket_id for ticket_id, _ in await inbox.store.ranked(index, 0, MOST - 1)])
    items = [Based(view.id, view.version) for view in views]
    went = done(await do_each(items, lambda item: inbox.give_up(item.id, person, item.version)))
    (left,) = await inbox.store.sizes([index])
    return len(went), left


def read_day(text: str, now_ms: int) -> int:
    """When a day begins, UTC, in ms: a person is back then. text: 2026-12-24. Raises `ValueError`."""
    try:
        at = datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        raise ValueError(_("%(text)s is no day: write it as 2026-12-24", text=repr(text))) from None
    if at.timestamp() * 1000 <= now_ms:
        raise ValueError(_("they are back on a day to come, and %(text)s is none", text=text))
    return int(at.timestamp() * 1000)


def day_of(at_ms: int) -> str:
    """The day at UTC, as it is written."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
