"""The store under the ledger: atomic scripts by name, and plain reads. `redis_store.py` is the real one."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Store(Protocol):
    """What the ledger, the inbox and the outbox stand on. Raises `StoreUnreachable` when it cannot answer."""

    async def run(self, script: str, ticket_id: str, *args: str | int) -> Any:
        """Run `lua/<script>.lua` atomically. ticket_id "" for scripts that are not about one ticket."""
        ...

    async def row(self, ticket_id: str) -> dict[str, str]:
        """A ticket's row, empty when there is none."""
        ...

    async def rows(self, ticket_ids: Sequence[str], fields: Sequence[str]) -> list[list[str | None]]:
        """Some fields of many rows, in order, in one trip."""
        ...

    async def journal(self, ticket_id: str, start: int = 0, stop: int = -1) -> list[str]:
        """Stored events from `start` to `stop`, both included, -1 being the last."""
        ...

    async def ranked(self, index: str, start: int, stop: int) -> list[tuple[str, float]]:
        """(member, score) of a sorted index by rank, both ends included."""
        ...

    async def sizes(self, indexes: Sequence[str]) -> list[int]:
        """How many members each sorted index has, in one trip."""
        ...

    async def listed(self, name: str, start: int, stop: int) -> list[str]:
        """A slice of a list, both ends included."""
        ...

    async def length(self, name: str) -> int:
        """How many entries a list has."""
        ...

    async def fields(self, name: str) -> dict[str, str]:
        """All fields of a hash such as `control`, `n` or `day:...`."""
        ...

    async def put(self, name: str, values: Mapping[str, str | None]) -> None:
        """Set fields of a hash; None removes the field."""
        ...

    async def tick(self, name: str, window_seconds: int, count: int = 1) -> int:
        """Count so many more in a fixed window that starts with the first; returns the count."""
        ...

    async def now_ms(self) -> int:
        """The store's time, ms since the epoch."""
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


def lua_header(values: Mapping[str, Any]) -> str:
    """A script's header. Lua reads JSON null as a truthy value, so what is None is left out."""
    return json.dumps(lua_values(values), ensure_ascii=False)


def lua_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same before it is text, for what stands inside a header."""
    return {key: value for key, value in values.items() if value is not None}
