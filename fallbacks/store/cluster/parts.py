"""The shards of one ledger, and home."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from fallbacks.errors import StoreUnreachable
from fallbacks.store.cluster.shard import Shard

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """home: a shard without tickets, which has what is of the whole deployment."""

    home: Shard
    shards: tuple[Shard, ...]

    @property
    def all(self) -> tuple[Shard, ...]:
        """Home as well."""
        return (self.home, *self.shards)

    def of(self, name: str) -> Shard:
        """The shard of a ticket, by its id; and of what is placed by its own name."""
        return self.shards[self.place(name)]

    def place(self, name: str) -> int:
        """Its number."""
        return crc32(name.encode("utf-8", "surrogatepass")) % len(self.shards)

    def shared_out(self, args: Sequence[str | int], size: int = 1) -> dict[int, list[str | int]]:
        """Rows of so many arguments, the first of which is a ticket's id, by the number of its shard."""
        shares = dict[int, list[str | int]]()
        for at in range(0, len(args), size):
            shares.setdefault(self.place(str(args[at])), []).extend(args[at : at + size])
        return shares

    async def each(self, script: str, *args: str | int, home: bool = False) -> list[Any]:
        """What a script returns in each shard, in their order; home first, where it is asked, too."""
        return await asyncio.gather(*(one.script(script, "", *args) for one in (self.all if home else self.shards)))

    async def reachable(self, script: str, *args: str | int) -> list[tuple[Shard, Any]]:
        """As `each`, of those that answer: a node that is away holds up no other. Raises where none does."""
        calls = [one.script(script, "", *args) for one in self.shards]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        found = list[tuple[Shard, Any]]()
        for shard, answer in zip(self.shards, answers, strict=True):
            if not isinstance(answer, BaseException):
                found.append((shard, answer))
            elif not isinstance(answer, StoreUnreachable):
                raise answer
        if not found:
            raise StoreUnreachable(f"no shard answers: {answers[0]}")
        if len(found) < len(answers):
            log.warning("%d of %d shards do not answer", len(answers) - len(found), len(answers))
        return found
