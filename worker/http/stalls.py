"""Clients that stall are cut off: before or within a request's head, within its body, and while they are answered."""

import asyncio

from starlette.types import Message, Receive
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

STALL_SECONDS = 60.0
"""So long may nothing come of what is awaited, or nothing be taken of what is sent."""


class CuttingProtocol(H11Protocol):
    """uvicorn's own waits for ever for a head that does not end, and for a client that does not read its answer."""

    _unread: asyncio.TimerHandle | None = None
    _look: asyncio.TimerHandle | None = None
    _idle_since: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        super().connection_made(transport)
        self._look = self.loop.call_later(STALL_SECONDS, self._cut_if_idle, True)

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._unread, self._look):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(STALL_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()

    def _cut_if_idle(self, was_idle: bool) -> None:
        """Look whether a request is answered; at the second look without one since, end the connection."""
        idle = self.cycle is None or self.cycle.response_complete
        if idle and was_idle and self.cycle is self._idle_since:
            self.transport.abort()
            return
        self._idle_since = self.cycle
        self._look = self.loop.call_later(STALL_SECONDS, self._cut_if_idle, idle)


def patient(receive: Receive) -> Receive:
    """To whoever reads a body, a client that stalls within it looks like one that has left."""
    more = True

    async def received() -> Message:
        nonlocal more
        if not more:
            return await receive()
        try:
            async with asyncio.timeout(STALL_SECONDS):
                message = await receive()
        except TimeoutError:
            message = {"type": "http.disconnect"}
        more = bool(message.get("more_body"))
        return message

    return received
