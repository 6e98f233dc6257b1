"""One logical shard: a ledger under a prefix with a hash tag, so that all its keys are in one slot."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from fallbacks.store.clock_watch import ClockWatch

Node = tuple[str, int]
"""Where one is reached."""


class Link(Protocol):
    """The way to the nodes. Its calls raise `StoreUnreachable`."""

    async def node_of(self, slot: int) -> Node | None:
        """The node that serves a slot, as far as is known."""
        ...

    async def at_node(self, node: Node, name: str, prefix: str, *args: str | int) -> Any:
        """Run a script that reads, once, on this node; it may find there what is in other slots, or nothing."""
        ...

    async def command(self, slot: int, *command: str | int) -> Any:
        """A command of one key in this slot; the answer as the server gives it, a hash as a dict."""
        ...

    async def script(self, slot: int, name: str, prefix: str, ticket_id: str, *args: str | int) -> Any:
        """Run `lua/<name>.lua` in this slot."""
        ...

    def slot(self, tagged: str) -> int:
        """Of a key, by its hash tag."""
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


@dataclass(slots=True)
class Shard:
    """name: its hash tag. prefix: before every key of it."""

    name: str
    prefix: str
    link: Link
    slot: int = field(init=False)
    clock: ClockWatch = field(init=False)

    def __post_init__(self) -> None:
        self.slot = self.link.slot(self.prefix)
        self.clock = ClockWatch(self._script)

    async def script(self, name: str, ticket_id: str, *args: str | int) -> Any:
        """What the script returns."""
        await self.clock.keep_up()
        return await self._script(name, ticket_id, *args)

    async def _script(self, name: str, ticket_id: str, *args: str | int) -> Any:
        return await self.link.script(self.slot, name, self.prefix, ticket_id, *args)

    async def command(self, name: str, key: str, *args: str | int) -> Any:
        """A plain command on a key."""
        return await self.link.command(self.slot, name, self.prefix + key, *args)

    async def fields(self, key: str) -> dict[str, str]:
        """All fields of a hash."""
        found: dict[str, str] = await self.command("HGETALL", key)
        return found

    async def ranked(self, index: str, start: int, stop: int) -> list[tuple[str, float]]:
        """(member, score) by rank, both ends included."""
        flat: Sequence[str] = await self.command("ZRANGE", index, start, stop, "WITHSCORES")
        return list(zip(flat[::2], map(float, flat[1::2]), strict=True))

    async def now_ms(self) -> int:
        """Store time."""
        await self.clock.keep_up()
        seconds, micros = await self.link.command(self.slot, "TIME")
        return await self.clock.store_ms(int(seconds) * 1000 + int(micros) // 1000)
