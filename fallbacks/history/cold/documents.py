"""Cold documents: those of old months, in gzip files outside of the database, which keeps all that is counted.

A ticket that has a file may have its document in the database, too, which then is the newer one. What a crash left half
done is done again; no text lies in a file that the database does not name.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from fallbacks.errors import HistoryUnreachable
from fallbacks.history.archive_format import packed, tickets_in
from fallbacks.history.port import EndedTicket

T = TypeVar("T")


class ColdFiles(Protocol):
    """Where they lie: `cold_folder.py`, `s3_cold_files.py`. Names have one `/`. Raises OSError."""

    def write(self, name: str, data: bytes) -> None:
        """Put it there whole, durably on return, in place of what was there."""
        ...

    def read(self, name: str) -> bytes:
        """Raises FileNotFoundError, too."""
        ...

    def delete(self, name: str) -> None:
        """Nothing happens where there is none."""
        ...


class Cold:
    """Tickets in cold files. What fails is `HistoryUnreachable`."""

    def __init__(self, files: ColdFiles) -> None:
        self._files = files

    async def tickets(self, places: Mapping[str, str]) -> dict[str, EndedTicket]:
        """places: id -> file."""
        found: dict[str, EndedTicket] = {}
        for file, ids in _by_file(places).items():
            found |= {ticket.id: ticket for ticket in await self._read(file) if ticket.id in ids}
        return found

    async def write(self, file: str, tickets: Iterable[EndedTicket]) -> None:
        """In place of what the file had."""
        await self._do(lambda: self._files.write(file, packed(tickets)))

    async def replace(self, places: Mapping[str, str], remains: Mapping[str, EndedTicket]) -> None:
        """Leave of these tickets only what remains, which may be nothing. places: id -> file."""
        for file, ids in _by_file(places).items():
            before = await self._read(file)
            after = [remains.get(ticket.id) if ticket.id in ids else ticket for ticket in before]
            kept = [ticket for ticket in after if ticket is not None]
            if kept:
                await self.write(file, kept)
            else:
                await self.delete(file)

    async def delete(self, file: str) -> None:
        """A file."""
        await self._do(lambda: self._files.delete(file))

    async def _read(self, file: str) -> list[EndedTicket]:
        def read() -> list[EndedTicket]:
            try:
                return list(tickets_in(self._files.read(file)))
            except FileNotFoundError:
                return []  # it was named, and not written yet; or thawed at this moment

        return await self._do(read)

    async def _do(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise HistoryUnreachable(f"cold files: {error}") from error


def _by_file(places: Mapping[str, str]) -> dict[str, set[str]]:
    files: dict[str, set[str]] = defaultdict(set)
    for ticket_id, file in places.items():
        files[file].add(ticket_id)
    return files
