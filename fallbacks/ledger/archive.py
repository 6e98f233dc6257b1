"""The archive: ended tickets leave the store for gzip files, whole, and stay readable.

A file is written and synced before its tickets leave the store, so a crash between writes them twice and loses none;
the last writing counts.
"""

import asyncio
import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from gzip import compress
from typing import Any, Protocol

from fallbacks.ledger.states import ENDED
from fallbacks.store.port import Store

PAGE = 100
"""Tickets that are read, written and taken out of the store at once."""

SHORTEST_SECONDS = 7 * 24 * 3600
"""An idempotency key lives a week: a ticket that left sooner could be accepted a second time under its key."""

MAGIC = b"\x1f\x8b\x08"
"""How a gzip member begins (RFC 1952, 2.3.1)."""

CHUNK = 65_536


class ArchiveTarget(Protocol):
    """Where archive files are kept; `worker` or a test chooses. See `fallbacks.ledger.archive_folder`."""

    def append(self, name: str, data: bytes) -> None:
        """Add to a file, made when missing; durable on return."""
        ...

    def names(self) -> list[str]:
        """The files there are."""
        ...

    def read(self, name: str) -> bytes:
        """A whole file."""
        ...


@dataclass(frozen=True, slots=True)
class ArchivedTicket:
    """One ticket as the ledger held it: fields of its row, stored events oldest first, its effect ledger."""

    id: str
    row: dict[str, str]
    journal: tuple[str, ...]
    effects: dict[str, str]


async def archive_ended(store: Store, target: ArchiveTarget, *, retention_seconds: float, limit: int = 10_000) -> int:
    """Archive tickets that ended longer ago than the retention, up to about `limit`. Returns how many left the store.

    A ticket whose outcome still waits to be sent stays. Upstream's own id is forgotten with its row: sent again after
    that, it is a new ticket. Raises ValueError for a retention under a week, OSError when the target cannot be written.
    """
    if retention_seconds < SHORTEST_SECONDS:
        raise ValueError(f"tickets stay for at least {SHORTEST_SECONDS} s, as long as their idempotency keys")
    before_ms = await store.now_ms() - int(retention_seconds * 1000)
    archived = 0
    for state in sorted(ENDED):
        staying = 0
        while archived < limit:
            page = await store.run("archive_read", "", state.value, before_ms, staying, PAGE)
            leaving = [_ticket(*found) for found in page if len(found) > 1]
            await asyncio.to_thread(_write, target, leaving)
            went = await store.run("archive_drop", "", state.value, *_versions(leaving)) if leaving else 0
            archived += went
            staying += len(page) - went
            if len(page) < PAGE:
                break
    return archived


def read_archived(target: ArchiveTarget, ticket_id: str) -> ArchivedTicket | None:
    """A ticket from the archive, as it was written last; None when it is not there. Reads the newest files first."""
    start = _line_start(ticket_id).encode()
    for name in sorted(target.names(), reverse=True):
        lines = [line for line in _lines(target.read(name)) if line.startswith(start)]
        if lines:
            raw = json.loads(lines[-1])
            return ArchivedTicket(raw["id"], raw["row"], tuple(raw["journal"]), raw["effects"])
    return None


def _write(target: ArchiveTarget, tickets: list[ArchivedTicket]) -> None:
    """One gzip member a day: files can be appended to, and a torn end spoils nothing before or after it."""
    days: dict[str, list[str]] = {}
    for ticket in tickets:
        ended = datetime.fromtimestamp(int(ticket.row["since"]) / 1000, UTC)
        days.setdefault(f"{ended:%Y-%m-%d}.jsonl.gz", []).append(_line(ticket))
    for name, lines in days.items():
        target.append(name, compress("".join(lines).encode()))


def _lines(data: bytes) -> Iterator[bytes]:
    """The lines of all whole gzip members. What a crash left torn is stepped over: its tickets were written again."""
    at = data.find(MAGIC)
    while at >= 0:
        text, end = _member(data, at)
        yield from text.splitlines()
        at = data.find(MAGIC, end)


def _member(data: bytes, at: int) -> tuple[bytes, int]:
    """A gzip member's text and where it ends; nothing, and the next byte, where it is torn."""
    inflate, parts, end = zlib.decompressobj(wbits=31), list[bytes](), at
    try:
        while end < len(data) and not inflate.eof:
            parts.append(inflate.decompress(data[end : end + CHUNK]))
            end += CHUNK
    except zlib.error:
        return b"", at + 1
    return (b"".join(parts), min(end, len(data)) - len(inflate.unused_data)) if inflate.eof else (b"", at + 1)


def _line(ticket: ArchivedTicket) -> str:
    rest = {name: value for name, value in asdict(ticket).items() if name != "id"}
    return _line_start(ticket.id) + json.dumps(rest, ensure_ascii=False)[1:] + "\n"


def _line_start(ticket_id: str) -> str:
    return '{"id": ' + json.dumps(ticket_id, ensure_ascii=False) + ", "


def _ticket(ticket_id: str, row: list[str], journal: list[str], effects: list[str]) -> ArchivedTicket:
    return ArchivedTicket(ticket_id, _pairs(row), tuple(journal), _pairs(effects))


def _versions(tickets: list[ArchivedTicket]) -> list[str]:
    return [part for ticket in tickets for part in (ticket.id, ticket.row["version"])]


def _pairs(flat: list[Any]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
