"""The fake on the port `fallbacks.store.port.Store`: the store in memory, with a clock that a test can move."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.memory_control import CONTROL
from tests.fakes.memory_data import MemoryData
from tests.fakes.memory_holds import HOLDS
from tests.fakes.memory_leaving import LEAVING
from tests.fakes.memory_lists import LISTS
from tests.fakes.memory_moves import MOVES
from tests.fakes.memory_runs import RUNS

SCRIPTS = RUNS | MOVES | LEAVING | CONTROL | HOLDS | LISTS


class MemoryStore:
    """Behaves as `RedisStore` does; the contract suites run on both."""

    def __init__(self) -> None:
        self.data = MemoryData()

    def pass_ms(self, ms: int) -> None:
        """Let time pass."""
        self.data.now += ms
        self.data.forget_expired()

    async def run(self, script: str, ticket_id: str, *args: str | int) -> Any:
        return SCRIPTS[script](self.data, ticket_id, *[str(arg) for arg in args])

    async def row(self, ticket_id: str) -> dict[str, str]:
        return await self.fields(f"t:{ticket_id}")

    async def rows(self, ticket_ids: Sequence[str], fields: Sequence[str]) -> list[list[str | None]]:
        return [[self.data.row(ticket_id).get(name) for name in fields] for ticket_id in ticket_ids]

    async def journal(self, ticket_id: str, start: int = 0, stop: int = -1) -> list[str]:
        return await self.listed(f"j:{ticket_id}", start, stop)

    async def ranked(self, index: str, start: int, stop: int) -> list[tuple[str, float]]:
        scores = self.data.rank(index)
        return [(member, float(scores[member])) for member in _slice(self.data.ordered(index), start, stop)]

    async def sizes(self, indexes: Sequence[str]) -> list[int]:
        return [len(self.data.rank(index)) for index in indexes]

    async def listed(self, name: str, start: int, stop: int) -> list[str]:
        return _slice(self.data.entries(name), start, stop)

    async def length(self, name: str) -> int:
        return len(self.data.entries(name))

    async def fields(self, name: str) -> dict[str, str]:
        return dict(self.data.hash(name))

    async def put(self, name: str, values: Mapping[str, str | None]) -> None:
        for field, value in values.items():
            if value is None:
                self.data.hash(name).pop(field, None)
            else:
                self.data.hash(name)[field] = value

    async def tick(self, name: str, window_seconds: int, count: int = 1) -> int:
        self.data.expires.setdefault(name, self.data.now + window_seconds * 1000)
        return self.data.add(name, "count", count)

    async def now_ms(self) -> int:
        return self.data.now

    async def aclose(self) -> None:
        """Nothing is open."""


def _slice(items: list[str], start: int, stop: int) -> list[str]:
    return items[start:] if stop == -1 else items[start : stop + 1]
