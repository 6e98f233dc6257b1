"""The archive: ended tickets leave the store for gzip files, whole, and stay readable.

A file is written and synced before its tickets leave the store, so a crash between writes them twice and loses none;
the last writing counts.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any, Protocol

from fallbacks.ledger.archive_format import ArchivedTicket, packed
from fallbacks.ledger.states import ENDED
from fallbacks.store.port import Store

PAGE = 100
"""Tickets that are read, written and taken out of the store at once."""

SHORTEST_SECONDS = 7 * 24 * 3600
"""An idempotency key lives a week: a ticket that left sooner could be accepted a second time under its key."""


class ArchiveTarget(Protocol):
    """Where archive files are written; `worker` or a test chooses. See `fallbacks.ledger.archive_folder`."""

    def append(self, name: str, data: bytes) -> None:
        """Add to a file, made when missing; durable on return."""
        ...


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


def _write(target: ArchiveTarget, tickets: list[ArchivedTicket]) -> None:
    """One gzip member a day: files can be appended to, and a torn end spoils nothing before or after it."""
    days: dict[str, list[ArchivedTicket]] = {}
    for ticket in tickets:
        ended = datetime.fromtimestamp(int(ticket.row["since"]) / 1000, UTC)
        days.setdefault(f"{ended:%Y-%m-%d}.jsonl.gz", []).append(ticket)
    for name, of_the_day in days.items():
        target.append(name, packed(of_the_day))


def _ticket(ticket_id: str, row: list[str], journal: list[str], effects: list[str]) -> ArchivedTicket:
    return ArchivedTicket(ticket_id, _pairs(row), tuple(journal), _pairs(effects))


def _versions(tickets: list[ArchivedTicket]) -> list[str]:
    return [part for ticket in tickets for part in (ticket.id, ticket.row["version"])]


def _pairs(flat: list[Any]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
