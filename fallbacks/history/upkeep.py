"""What keeps a history at the size that is wanted: months that become cold, or warm again, and retention."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from math import inf
from typing import Protocol

from fallbacks.history.cold.documents import Cold
from fallbacks.history.facts import entry_of
from fallbacks.history.port import EndedTicket, Entry, History
from tasks.run.process import Process

PER_FILE = 200
"""Tickets of a cold file: about 200 kB, which an erasure writes anew."""

PAGE = 200


@dataclass(frozen=True, slots=True)
class Month:
    """A month of acceptance. name: `2026-03`. cold: tickets of it whose document is in a file alone."""

    name: str
    tickets: int
    cold: int


class Upkeep(Protocol):
    """The engine's part of it. Times in ms. Raises `HistoryUnreachable`."""

    async def months(self) -> list[Month]:
        """Those that have tickets, oldest first."""
        ...

    async def half_cold(self, since_ms: int, until_ms: int) -> str | None:
        """A file of tickets accepted then, of which at least one has its document here as well."""
        ...

    async def warm(self, since_ms: int, until_ms: int, count: int) -> list[str]:
        """Tickets accepted then that have no file, oldest first."""
        ...

    async def files(self, since_ms: int, until_ms: int) -> list[str]:
        """Those of tickets accepted then."""
        ...

    async def in_file(self, file: str) -> list[str]:
        """The tickets that have this file."""
        ...

    async def cold_files(self, ticket_ids: Sequence[str]) -> Mapping[str, str]:
        """Ticket -> its file, of those that have one."""
        ...

    async def announce(self, file: str, ticket_ids: Sequence[str]) -> None:
        """Say that a file has, or is going to have, these tickets."""
        ...

    async def drop_documents(self, versions: Mapping[str, int]) -> int:
        """Take away documents and words of tickets that have a file and are in this version. How many that were."""
        ...

    async def put_back(self, entries: Sequence[Entry]) -> None:
        """Documents and words of tickets whose document is not here."""
        ...

    async def forget_file(self, file: str) -> None:
        """No ticket has it any more."""
        ...

    async def ended_before(self, ms: int, count: int) -> list[str]:
        """Tickets that ended earlier, erased and cold ones too."""
        ...

    async def forget(self, ticket_ids: Sequence[str]) -> None:
        """Take all of them away, and keep what they add to the totals."""
        ...


class KeptUp(History, Protocol):
    """A history that has tickets, with its engine's part of it."""

    @property
    def upkeep(self) -> Upkeep: ...


def bounds_of(month: str) -> tuple[int, int]:
    """First ms of `2026-03`, and of the month after. Raises ValueError."""
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{month!r} is not a month such as 2026-03") from None
    after = datetime(first.year + first.month // 12, first.month % 12 + 1, 1, tzinfo=UTC)
    return int(first.timestamp()) * 1000, int(after.timestamp()) * 1000


async def make_cold(history: History, upkeep: Upkeep, cold: Cold, month: str, limit: float = inf) -> int:
    """Move documents of a month into cold files, about `limit` at most. What a crash left half done is done first.

    How many were moved.
    """
    since, until = bounds_of(month)
    moved = 0
    while moved < limit:
        file = await upkeep.half_cold(since, until)
        if file is None:
            ids = await upkeep.warm(since, until, PER_FILE)
            if not ids:
                break
            file = f"{month}/{blake2b(' '.join(ids).encode(), digest_size=12).hexdigest()}.jsonl.gz"
            await upkeep.announce(file, ids)
        tickets = await history.find_many(await upkeep.in_file(file))
        await cold.write(file, tickets.values())
        moved += await upkeep.drop_documents({ticket.id: version_of(ticket) for ticket in tickets.values()})
    return moved


async def cool_older(history: History, upkeep: Upkeep, cold: Cold, before_ms: int, limit: int = 10_000) -> int:
    """Make the months cold that were over by then, oldest first, about `limit` documents at most. How many went."""
    moved = 0
    for month in await upkeep.months():
        if moved >= limit or bounds_of(month.name)[1] > before_ms:
            break
        if month.cold < month.tickets:
            moved += await make_cold(history, upkeep, cold, month.name, limit - moved)
    return moved


async def thaw(history: History, upkeep: Upkeep, cold: Cold, process: Process, month: str) -> int:
    """Bring documents of a month back into the database. How many tickets were in files."""
    came = 0
    for file in await upkeep.files(*bounds_of(month)):
        tickets = await history.find_many(await upkeep.in_file(file))
        await upkeep.put_back([entry_of(ticket, process) for ticket in tickets.values()])
        await cold.delete(file)
        await upkeep.forget_file(file)
        came += len(tickets)
    return came


async def forget_older(upkeep: Upkeep, cold: Cold | None, before_ms: int, limit: int = 10_000) -> int:
    """Take away tickets that ended earlier, about `limit` of them at most. How many went."""
    went = 0
    while went < limit and (ids := await upkeep.ended_before(before_ms, PAGE)):
        places = await upkeep.cold_files(ids)
        if cold is None and places:
            raise ValueError(f"{len(places)} of them are in cold files: set DESKHAND_COLD_URL to where those are")
        if cold is not None:
            await cold.replace(places, {})
        await upkeep.forget(ids)
        went += len(ids)
    return went


def version_of(ticket: EndedTicket) -> int:
    """As its row has it."""
    return int(ticket.row["version"])
