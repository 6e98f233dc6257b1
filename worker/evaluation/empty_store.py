"""A store with nothing in it, for commands that need the agent but no server: nothing is kept and nothing is found."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from worker.config.errors import NothingIsKeptError

READS: Mapping[str, Any] = {"examples": [0, 0, []]}
"""What scripts that only read find in it."""


class EmptyStore:
    """Implements the reads of `fallbacks.store.port.Store`; another script or a write is a fault of ours."""

    async def run(self, script: str, ticket_id: str, *args: str | int) -> Any:  # noqa: ARG002 - the port
        if script not in READS:
            raise NothingIsKeptError(script)
        return READS[script]

    async def row(self, ticket_id: str) -> dict[str, str]:  # noqa: ARG002 - the port
        return {}

    async def rows(self, ticket_ids: Sequence[str], fields: Sequence[str]) -> list[list[str | None]]:
        return [[None] * len(fields) for _ in ticket_ids]

    async def journal(self, ticket_id: str, start: int = 0, stop: int = -1) -> list[str]:  # noqa: ARG002 - the port
        return []

    async def ranked(self, index: str, start: int, stop: int) -> list[tuple[str, float]]:  # noqa: ARG002 - the port
        return []

    async def sizes(self, indexes: Sequence[str]) -> list[int]:
        return [0 for _ in indexes]

    async def listed(self, name: str, start: int, stop: int) -> list[str]:  # noqa: ARG002 - the port
        return []

    async def length(self, name: str) -> int:  # noqa: ARG002 - the port
        return 0

    async def fields(self, name: str) -> dict[str, str]:  # noqa: ARG002 - the port
        return {}

    async def put(self, name: str, values: Mapping[str, str | None]) -> None:  # noqa: ARG002 - the port
        raise NothingIsKeptError(name)

    async def tick(self, name: str, window_seconds: int, count: int = 1) -> int:  # noqa: ARG002 - the port
        raise NothingIsKeptError(name)

    async def now_ms(self) -> int:
        return int(time.time() * 1000)

    async def aclose(self) -> None:
        """Nothing is open."""
