"""People who are named in notes, as `@name`: each finds the ticket in a list of their own until they have opened it."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from fallbacks.store import keys
from fallbacks.store.port import Store

MOST = 20
"""People of one note."""

KEPT = 200
"""Tickets of one person's list."""

_NAMED = re.compile(r"(?<![\w.@-])@([A-Za-z0-9][A-Za-z0-9._@-]{0,80})")
_READ = " read"


@dataclass(frozen=True, slots=True)
class Mention:
    """at_ms: when the person was named last."""

    ticket_id: str
    at_ms: int
    unread: bool


def named_in(text: str, names: Collection[str]) -> tuple[str, ...]:
    """Those of the names that a text has, in its order. What ends a sentence is no part of a name."""
    found = dict[str, None]()
    for typed in _NAMED.findall(text):
        name = typed.lower()
        while name not in names and name[-1:] in (".", "_", "-", "@"):
            name = name[:-1]
        if name in names:
            found[name] = None
    return tuple(found)[:MOST]


class Mentions:
    """Over a store. Only ids of tickets are kept: what was written stands in their journals."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, ticket_id: str, names: Collection[str]) -> None:
        """These people were named in a note of the ticket."""
        if names:
            await self._store.run("mention", "", "named", KEPT, ticket_id, *names)

    async def opened(self, ticket_id: str, person: str) -> None:
        """The person has seen the ticket."""
        if any(mention.unread and mention.ticket_id == ticket_id for mention in await self.of(person)):
            await self._store.run("mention", "", "opened", KEPT, ticket_id, person)

    async def of(self, person: str) -> list[Mention]:
        """A person's, the latest first."""
        kept = await self._store.fields(keys.mentions(person))
        found = [Mention(each, int(value.removesuffix(_READ)), _READ not in value) for each, value in kept.items()]
        return sorted(found, key=lambda mention: (-mention.at_ms, mention.ticket_id))

    async def unread(self, person: str) -> int:
        """How many tickets they have not opened since."""
        return sum(mention.unread for mention in await self.of(person))
