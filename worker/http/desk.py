"""What the routes stand on: one object per web process, made inside its event loop."""

import asyncio
import ipaddress
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from fallbacks.access.api_keys import ApiKeys
from fallbacks.access.places import Places
from fallbacks.errors import StoreUnreachable
from worker.config.settings import Settings
from worker.http.tickets.hints import Hints
from worker.http.tickets.watch import Watch
from worker.wiring import Parts

log = logging.getLogger(__name__)

READ_AHEAD_SECONDS = 600.0


@dataclass(slots=True)
class Desk:
    """Parts of the process, and what only its web side has. closing: set when the process is asked to stop.

    store_seconds: how long a request waits for a store that keeps the connection and says nothing, or is restarting.
    streams, polls, batches: readers of events, of which each looks at the store four times a second; requests that wait
    for a ticket; batches, of which each may hold tens of megabytes. By the id of the key.
    """

    parts: Parts
    keys: ApiKeys
    hints: Hints
    watch: Watch
    heartbeat_seconds: float = 15.0
    store_seconds: float = 8.0
    streams: Places = field(default_factory=lambda: Places(500, 50))
    polls: Places = field(default_factory=lambda: Places(2000, 500))
    batches: Places = field(default_factory=lambda: Places(8, 4))
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def settings(self) -> Settings:
        return self.parts.settings

    @property
    def on_loopback(self) -> bool:
        """Whether nobody but this machine can reach the process."""
        host = self.settings.host
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def close(self) -> None:
        """End what would keep a stopping server waiting: long-polls and event streams."""
        self.closing.set()
        self.watch.close()


@asynccontextmanager
async def open_desk(parts: Parts) -> AsyncIterator[Desk]:
    """A desk with its background work, closed in good order."""
    store = parts.store
    desk = Desk(parts, ApiKeys(store, parts.settings.api_keys), Hints(parts.publisher), Watch(store))
    background = [asyncio.ensure_future(desk.hints.run_forever()), asyncio.ensure_future(desk.watch.run_forever())]
    background.append(asyncio.ensure_future(parts.caretaker.run_forever()))
    background.append(asyncio.ensure_future(_read_ahead(parts)))
    try:
        yield desk
    finally:
        desk.close()
        for task in background:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await desk.hints.flush()
        await parts.aclose()


async def _read_ahead(parts: Parts) -> None:
    """What waits, so that the first search does not."""
    with suppress(StoreUnreachable):
        await parts.search.live.look(READ_AHEAD_SECONDS)


async def _desk(request: Request) -> Desk:  # anything else goes by another thread, at each request
    desk: Desk = request.app.state.desk
    return desk


DeskDep = Annotated[Desk, Depends(_desk)]
