"""Finding one ticket in the archive: an index says in which members it may stand, so that an unknown id costs nothing.

The index is derived from the files and never the truth. It is caught up with them at each look: what a crash, an older
version or another process wrote beside it is read then, once.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeVar

from fallbacks.errors import ArchiveIndexChanged
from fallbacks.ledger.archive import ArchiveTarget
from fallbacks.ledger.archive_format import ArchivedTicket, member_at, members
from fallbacks.store.port import Store
from tasks.conversation import read_message
from tasks.run.events import MessageAdded, read_event

T = TypeVar("T")

MOST_TRIES = 1_000
"""Of one look. Each fails because another process has indexed a file meanwhile."""


class Extent(NamedTuple):
    """A file as far as it is known. inode: another one is another file. size: its bytes when it was read.

    whole: the end of its last whole member; what follows was torn, or was being written.
    """

    inode: int
    size: int = 0
    whole: int = 0


class Place(NamedTuple):
    """Where a ticket may stand: a member's first byte in a file, and how many bytes it has."""

    file: str
    at: int
    length: int


class Standing(NamedTuple):
    """A ticket, and its member's first byte and length."""

    ticket_id: str
    at: int
    length: int


class ArchiveFiles(ArchiveTarget, Protocol):
    """The files, to read as well. See `fallbacks.ledger.archive_folder`."""

    def sizes(self) -> Mapping[str, tuple[int, int]]:
        """(inode, bytes) of each file there is."""
        ...

    def room(self) -> tuple[int, int]:
        """Bytes that are free on their disk, and that it has."""
        ...

    def read(self, name: str, start: int, count: int = -1) -> bytes:
        """So many bytes of a file from one on, -1 for all; empty where it has gone."""
        ...


class ArchiveIndex(Protocol):
    """Which members a ticket stands in. May name one where it does not, and leaves out none that it was given.

    Every call may raise `ArchiveIndexChanged`: the look begins anew.
    """

    def known(self) -> Mapping[str, Extent]:
        """What it was given of each file."""
        ...

    def add(self, name: str, before: Extent | None, now: Extent, tickets: Sequence[Standing]) -> None:
        """More of a file, all or nothing. before: as `known` had it."""
        ...

    def forget(self, name: str) -> None:
        """A file that is gone, or is another one now."""
        ...

    def places(self, ticket_id: str) -> list[Place]:
        """Newest file first, and in it the last member first."""
        ...


@dataclass
class Archive:
    """What has left the store. One look at a time in a process: an index that is being made is made once.

    room: what `files` last said of it; None before the first look.
    """

    files: ArchiveFiles
    index: ArchiveIndex
    room: tuple[int, int] | None = None
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def find(self, ticket_id: str) -> ArchivedTicket | None:
        """A ticket as it was written last; None when it is not there."""
        return await self._alone(lambda: self._find(ticket_id))

    async def measure(self) -> None:
        """Look how much room there is."""
        self.room = await asyncio.to_thread(self.files.room)

    async def catch_up(self) -> None:
        """Index what is new in the files."""
        await self._alone(self._catch_up)

    async def _alone(self, work: Callable[[], T]) -> T:
        """In a thread, to its end: whoever leaves meanwhile lets nobody in beside it."""
        await self._one.acquire()
        running = asyncio.ensure_future(asyncio.to_thread(_patiently, work))
        running.add_done_callback(lambda _: self._one.release())
        return await asyncio.shield(running)

    def _find(self, ticket_id: str) -> ArchivedTicket | None:
        self._catch_up()
        for name, at, length in self.index.places(ticket_id) if self.files.sizes() else ():
            member = member_at(self.files.read(name, at, length), 0)
            if member and (found := member.ticket(ticket_id)):
                return found
        return None

    def _catch_up(self) -> None:
        if not (there := self.files.sizes()):
            return  # nothing has left yet: there may be no folder for an index
        known = dict(self.index.known())
        for name in [name for name in known if name not in there or _is_another(known[name], *there[name])]:
            self.index.forget(name)
            del known[name]
        for name, (inode, size) in there.items():
            if size != known.get(name, Extent(inode)).size:
                self._add(name, known.get(name), Extent(inode))

    def _add(self, name: str, known: Extent | None, unread: Extent) -> None:
        """A writer may be adding to it: what is torn now is read again when the file has grown."""
        before = known or unread
        data = self.files.read(name, before.whole)
        tickets, end = list[Standing](), 0
        for member in members(data):
            tickets += [Standing(each, before.whole + member.at, member.end - member.at) for each in member.ids]
            end = member.end
        now = Extent(before.inode, before.whole + len(data), before.whole + end)
        self.index.add(name, known, now, tickets)


def message_digests(journal: Sequence[str]) -> dict[str, str]:
    """Of the messages that a journal has, by id: what makes adding one again no second one."""
    events = (read_event(stored).event for stored in journal if '"type":"message_added"' in stored)
    messages = [read_message(event.message) for event in events if isinstance(event, MessageAdded)]
    return {message.id or "": message.digest() for message in messages}


def kept_beside(row: Mapping[str, str]) -> dict[str, str]:
    """What the store keeps beside a row, in the hash `original`, and the archive in it."""
    names = [name for name in row if name in ("original", "attached") or name.startswith(("zlib:", "attached:"))]
    return {"zlib" if name == "original" else name: row[name] for name in names}


async def brought_back(store: Store, found: ArchivedTicket) -> int | None:
    """Put an archived ticket into the store again; its version then. None where it is there already.

    It leaves again at the next round after all is sent and nothing can be undone; its last writing counts.
    """
    row = dict(found.row)
    beside = kept_beside(row)
    row = {name: value for name, value in row.items() if ("zlib" if name == "original" else name) not in beside}
    kept = (row, found.effects, beside, message_digests(found.journal))
    stored = (json.dumps(part, ensure_ascii=False) for part in kept)
    version = await store.run("archive_restore", found.id, *stored, *found.journal)
    return int(version) if version else None


def _is_another(known: Extent, inode: int, size: int) -> bool:
    return known.inode != inode or known.size > size


def _patiently(work: Callable[[], T]) -> T:
    for _ in range(MOST_TRIES):
        try:
            return work()
        except ArchiveIndexChanged:
            continue
    return work()
