"""Where nothing leaves the store: a history that has nothing and takes nothing. For a HOME that goes with a process."""

# ruff: noqa: ARG002 - it takes what the port gives and needs nothing of it

from collections.abc import Mapping, Sequence
from typing import Any

from fallbacks.errors import HistoryUnreachable
from fallbacks.history.port import EndedTicket, Entry, Facts, Known, Link, Search, Totals

NONE = "none"
"""What DESKHAND_HISTORY_URL says of it."""


class NoHistory:
    """Implements `fallbacks.history.port.History`."""

    async def write(self, entries: Sequence[Entry]) -> None:
        """Nothing is taken: what was not kept must not be dropped."""
        raise HistoryUnreachable(f"DESKHAND_HISTORY_URL is {NONE}: {len(entries)} tickets stay in the store")

    async def find(self, ticket_id: str) -> EndedTicket | None:
        return None

    async def find_many(self, ticket_ids: Sequence[str]) -> Mapping[str, EndedTicket]:
        return {}

    async def known(self, ticket_ids: Sequence[str]) -> Mapping[str, Known]:
        return {}

    async def made_by(self, keys: Sequence[str]) -> Mapping[str, Known]:
        return {}

    async def in_thread(self, mail_ids: Sequence[str]) -> Mapping[str, str]:
        return {}

    async def of_requester(self, requester_id: str, limit: int) -> list[tuple[str, Facts]]:
        return []

    async def search(self, wanted: Search) -> list[tuple[str, Facts]]:
        return []

    async def identity(self) -> str:
        return NONE

    async def totals(self) -> Totals:
        return Totals(0, 0, 0, {})

    async def add_examples(self, start: int, stored: Sequence[str]) -> None:
        raise HistoryUnreachable(f"DESKHAND_HISTORY_URL is {NONE}: people's decisions stay in the store")

    async def examples(self, start: int, count: int) -> list[str]:
        return []

    async def query(self, sql: str, parameters: Mapping[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        raise ValueError(f"there is no history to ask: DESKHAND_HISTORY_URL is {NONE}")

    async def chain(self, start: int, count: int) -> list[Link]:
        return []

    async def erase(self, entries: Sequence[Entry]) -> Mapping[str, int]:
        return {}

    async def replace_examples(self, stored: Mapping[int, str]) -> None:
        """There is none to replace."""

    async def scrub(self) -> Mapping[str, str]:
        return {}

    async def aclose(self) -> None:
        """Nothing is open."""
