"""One search over the tickets that are here and those in history, newest first.

When a ticket was accepted and its id never change, so a page goes on where the last one ended, wherever tickets have
moved meanwhile. A ticket is written to history before it leaves the store, and the index of the store is asked first:
one that moves between both questions is found twice, never not at all. Where it is in both, the store is right.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from fallbacks.errors import HistoryUnreachable, StoreUnreachable
from fallbacks.history.port import Facts, History, Search
from fallbacks.search.live import LiveTickets

MOST_ROUNDS = 20
"""Looks of one page at further tickets, where those found are not as the index had them."""

MOST_PAGE = 200

MOST_MS = 2**48
"""No ticket is accepted after the year 10,000, and databases keep whole numbers of 64 bits."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A ticket. here: whether it is in the store, and not only in history."""

    id: str
    facts: Facts
    here: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A page. next: where to go on, None after the last. whole: False where history could not be asked."""

    hits: tuple[Hit, ...]
    next: str | None
    whole: bool = True


@dataclass
class TicketSearch:
    """patience_seconds: how long a look at what is new in the store may take; the first one reads all of it."""

    live: LiveTickets
    history: History
    patience_seconds: float = 8.0

    async def find(self, wanted: Search, may_see: Callable[[Facts], bool] = lambda _: True) -> Found:
        """At most `limit` tickets, of those that `may_see` is true of. Raises `StoreUnreachable`, too where the store
        could not be read in time.
        """
        if not await self.live.look(self.patience_seconds):
            raise StoreUnreachable("the tickets are still being read for the first search: try again in a few seconds")
        hits, whole, before = list[Hit](), True, wanted.before
        for _ in range(MOST_ROUNDS):
            asked = replace(wanted, before=before, limit=wanted.limit - len(hits) + 1)
            page, ended, again = await self._page(asked)
            whole &= ended is not None
            if again:
                continue
            for hit in page[: asked.limit - 1]:
                before = (hit[0], hit[1])
                hits += [hit[2]] if hit[2] and may_see(hit[2].facts) else []
            if len(page) < asked.limit:
                return Found(tuple(hits), None, whole)
            if len(hits) >= wanted.limit:
                break
        return Found(tuple(hits), None if before is None else cursor_of(before), whole)

    async def _page(self, asked: Search) -> tuple[list[tuple[int, str, Hit | None]], Mapping[str, Facts] | None, bool]:
        """(the next places, each with its ticket, None where it does not fit any more; what history has; whether one
        has left since it was asked)."""
        here = self.live.index.search(asked)
        ended = await self._ended(asked)
        places = {*here, *((facts.accepted_ms, ticket_id) for ticket_id, facts in (ended or {}).items())}
        page = sorted(places, reverse=True)[: asked.limit]
        ids = [ticket_id for _, ticket_id in page]
        now = await self.live.now(ids)
        fits = self.live.index.fitting(replace(asked, before=None), ids)
        found, left = list[tuple[int, str, Hit | None]](), False
        for accepted_ms, ticket_id in page:
            facts = now.get(ticket_id)
            if facts is not None:
                hit = Hit(ticket_id, facts, here=True) if ticket_id in fits else None
            elif ended is not None and ticket_id in ended:
                hit = Hit(ticket_id, ended[ticket_id], here=False)
            else:
                hit, left = None, left or ended is not None
            found.append((accepted_ms, ticket_id, hit))
        return found, ended, left

    async def _ended(self, asked: Search) -> Mapping[str, Facts] | None:
        try:
            return dict(await self.history.search(asked))
        except HistoryUnreachable:
            return None


def cursor_of(place: tuple[int, str]) -> str:
    """Opaque to clients."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def read_cursor(text: str) -> tuple[int, str]:
    """A cursor handed out before. Raises ValueError."""
    try:
        accepted_ms, ticket_id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        place = int(accepted_ms), str(ticket_id)
    except (binascii.Error, ValueError, TypeError, OverflowError, RecursionError):
        raise ValueError("not a cursor handed out here") from None
    if not 0 <= place[0] < MOST_MS:
        raise ValueError("not a cursor handed out here")
    return place
