"""Where a drill's alerts go: an HTTP receiver on loopback that can be out of order."""

import asyncio
import json
from contextlib import suppress
from typing import Any, Self

from tasks.reasons import Reason
from worker.simulator.wire import Answer, deliver, read_request


class AlertReceiver:
    """`async with AlertReceiver() as receiver:` takes alerts at `receiver.url`.

    down: answers 503 and keeps nothing. refused: tries it answered so. received: alerts by their id.
    """

    def __init__(self, *, down: bool = False) -> None:
        self.down = down
        self.refused = 0
        self.received: dict[str, dict[str, Any]] = {}
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it listens, once started."""
        assert self._server is not None  # noqa: S101 - asked for inside the block only
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/alerts"

    @property
    def reported(self) -> int:
        """Hand-offs that the received alerts report, each alert counted once however often it came."""
        return sum(alert["count"] for alert in self.hand_offs)

    @property
    def hand_offs(self) -> list[dict[str, Any]]:
        """The received alerts of hand-offs; others are of no ticket's."""
        return [alert for alert in self.received.values() if alert["reason"] in set(Reason)]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None  # noqa: S101 - set on entering
        self._server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, ValueError, asyncio.CancelledError):
            while (request := await read_request(reader)) is not None:
                await deliver(self._answer(request.body), reader, writer)
        writer.close()

    def _answer(self, body: bytes) -> Answer:
        if self.down:
            self.refused += 1
            return Answer(503, b"")
        alert = json.loads(body)
        self.received[alert["id"]] = alert
        return Answer(204, b"")
