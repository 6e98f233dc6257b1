"""The shards of one ledger, and home."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from fallbacks.errors import StoreUnreachable
from fallbacks.store.cluster.reads import Answers, Read, read, read_reachable
from fallbacks.store.cluster.shard import Shard


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

    async def read(self, *reads: Read) -> list[Answers]:
        """See `reads.read`, of every shard."""
        return await read(self.shards, *reads)

    async def read_reachable(self, *reads: Read) -> list[tuple[Shard, Answers]]:
        """See `reads.read_reachable`, of every shard."""
        return await read_reachable(self.shards, *reads)

    async def in_those(self, shards: Sequence[Shard], script: str, *args: str | int) -> list[Any]:
        """What a script returns in some shards, of those that answer: a node that is away holds up no other."""
        answers = await asyncio.gather(*(one.script(script, "", *args) for one in shards), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, StoreUnreachable):
                raise answer
        return [answer for answer in answers if not isinstance(answer, BaseException)]
