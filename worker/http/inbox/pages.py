"""Pages of the inbox by cursor: people take items away meanwhile, and no item is shown twice or skipped."""

import base64
import binascii
import json
from dataclasses import dataclass

from fallbacks.inbox.inbox import Inbox
from fallbacks.inbox.wanted import Wanted
from fallbacks.ledger.views import TicketView
from worker.http.problems import Kind, Problem

CHUNK = 100
MOST_LOOKED_AT = 5000
"""A filter by age stops here and hands out a cursor, so that no request reads a whole inbox."""

MOST_RANK = 10**9
"""More items than any inbox holds."""

MOST_PAGE_CHARS = 2_000_000
"""Of the tickets on a page, whose answer stays in memory until it is read; fewer items and a cursor are answered."""


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
    except (binascii.Error, ValueError, TypeError, OverflowError, RecursionError):
        cursor = None
    if cursor is None or not 0 <= cursor.rank <= MOST_RANK:
        raise Problem(Kind.INVALID, "cursor: not one handed out here", errors=[("cursor", "not one handed out here")])
    return cursor


async def page_after(
    inbox: Inbox, wanted: Wanted, cursor: Cursor | None, limit: int, older_than_ms: int
) -> tuple[list[TicketView], Cursor | None, int]:
    """Items after the cursor that have waited since `older_than_ms` or longer; the next cursor; how many there are.

    The total does not know of the age.
    """
    start = await _start(inbox, wanted, cursor)
    found: list[TicketView] = []
    looked = held = 0
    while True:
        page = await inbox.find(wanted, start, CHUNK)
        for offset, view in enumerate(page.items):
            here = Cursor(start + offset, view.due_by_ms or 0, view.id)
            if cursor is not None and (here.due_by_ms, here.id) <= (cursor.due_by_ms, cursor.id):
                continue
            if view.since_ms <= older_than_ms:
                found.append(view)
                held += _chars(view)
            looked += 1
            last = offset == len(page.items) - 1 and page.next_offset is None
            if not last and (len(found) >= limit or looked >= MOST_LOOKED_AT or held >= MOST_PAGE_CHARS):
                return found, here, page.total
        if page.next_offset is None:
            return found, None, page.total
        start = page.next_offset


def _chars(view: TicketView) -> int:
    return len(view.raw or "") + (len(view.ticket.text) if view.ticket else 0)


async def _start(inbox: Inbox, wanted: Wanted, cursor: Cursor | None) -> int:
    """A rank at or before the cursor's place, though items before it may have left."""
    if cursor is None:
        return 0
    start = cursor.rank
    while start > 0:
        page = await inbox.find(wanted, start, 1)
        if page.items and ((page.items[0].due_by_ms or 0), page.items[0].id) <= (cursor.due_by_ms, cursor.id):
            return start
        start = max(0, min(start, page.total) - CHUNK)
    return 0
