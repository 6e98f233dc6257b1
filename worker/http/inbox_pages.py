"""Pages of the inbox by cursor: people take items away meanwhile, and no item is shown twice or skipped."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass

from fallbacks.inbox.inbox import Inbox
from fallbacks.ledger.views import TicketView
from worker.http.problems import Kind, Problem

CHUNK = 100
MOST_LOOKED_AT = 5000
"""A filter by age stops here and hands out a cursor, so that no request reads a whole inbox."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: the rank its last item had, and the item's own place in the order."""

    rank: int
    due_by_ms: int
    id: str

    def text(self) -> str:
        """Opaque to clients."""
        raw = json.dumps([self.rank, self.due_by_ms, self.id]).encode()
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_cursor(text: str) -> Cursor:
    """A cursor handed out before; raises `Problem`."""
    try:
        rank, due_by_ms, item = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        cursor = Cursor(int(rank), int(due_by_ms), str(item))
    except (binascii.Error, ValueError, TypeError):
        cursor = None
    if cursor is None or cursor.rank < 0:
        raise Problem(Kind.INVALID, "cursor: not one handed out here", errors=[("cursor", "not one handed out here")])
    return cursor


async def page_after(
    inbox: Inbox, facets: Sequence[str], cursor: Cursor | None, limit: int, older_than_ms: int
) -> tuple[list[TicketView], Cursor | None, int]:
    """Items after the cursor that have waited since `older_than_ms` or longer; the next cursor; how many there are.

    The total does not know of the age.
    """
    start = await _start(inbox, facets, cursor)
    found: list[TicketView] = []
    looked = 0
    while True:
        page = await inbox.page(facets, start, CHUNK)
        for offset, view in enumerate(page.items):
            here = Cursor(start + offset, view.due_by_ms or 0, view.id)
            if cursor is not None and (here.due_by_ms, here.id) <= (cursor.due_by_ms, cursor.id):
                continue
            if view.since_ms <= older_than_ms:
                found.append(view)
            looked += 1
            last = offset == len(page.items) - 1 and page.next_offset is None
            if not last and (len(found) >= limit or looked >= MOST_LOOKED_AT):
                return found, here, page.total
        if page.next_offset is None:
            return found, None, page.total
        start = page.next_offset


async def _start(inbox: Inbox, facets: Sequence[str], cursor: Cursor | None) -> int:
    """A rank at or before the cursor's place, though items before it may have left."""
    if cursor is None:
        return 0
    start = cursor.rank
    while start > 0:
        page = await inbox.page(facets, start, 1)
        if page.items and ((page.items[0].due_by_ms or 0), page.items[0].id) <= (cursor.due_by_ms, cursor.id):
            return start
        start = max(0, min(start, page.total) - CHUNK)
    return 0
