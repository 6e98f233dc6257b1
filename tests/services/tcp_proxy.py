"""A TCP proxy on 127.0.0.1 with a network's own faults: it goes silent without closing, delays, and cuts."""

import asyncio
from typing import Self

from worker.work.event_loop import LoopThread

CHUNK_BYTES = 65_536


class TcpProxy:
    """`with TcpProxy(port) as proxy:` forwards `proxy.port` to a server on this machine, until told otherwise.

    delay_seconds: added to every chunk in each direction. deaf: a new connection is taken and never answered.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._thread = LoopThread()
        self._open: dict[asyncio.StreamWriter, asyncio.Event] = {}
        self._links: set[asyncio.Task[None]] = set()
        self.delay_seconds = 0.0
        self.deaf = False

    def __enter__(self) -> Self:
        self._server = self._thread.run(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.run(self._end())
        self._thread.loop.call_soon_threadsafe(self._thread.loop.stop)

    def stall(self) -> None:
        """Half-open: what is connected now stays so, and nothing is forwarded on it ever again."""
        self._thread.run(self._stall())

    def move(self, target_port: int) -> None:
        """As a name or a virtual address moves: what is connected stays where it is."""
        self._target_port = target_port

    def cut(self) -> None:
        """Reset every connection, the silent ones too."""
        self._thread.run(self._cut())

    async def _stall(self) -> None:
        for silent in self._open.values():
            silent.set()

    async def _cut(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _end(self) -> None:
        self._server.close()
        await self._cut()
        if self._links:
            await asyncio.wait(self._links, timeout=60)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = asyncio.ensure_future(self._link(reader, writer))
        self._links.add(link)
        link.add_done_callback(self._links.discard)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        silent = asyncio.Event()
        self._open[writer] = silent
        if self.deaf:
            silent.set()
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:  # the server is away: so is its proxy
            self._close(writer)
            return
        self._open[far_writer] = silent
        await asyncio.gather(self._pump(reader, far_writer, silent), self._pump(far_reader, writer, silent))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, silent: asyncio.Event) -> None:
        """Forward one direction to its end. The end of a silent link is not forwarded either."""
        try:
            while data := await reader.read(CHUNK_BYTES):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                if not silent.is_set():
                    writer.write(data)
                    await writer.drain()
        except (OSError, RuntimeError):  # the latter is uvloop's word for a connection that was cut meanwhile
            pass
        if not silent.is_set():
            self._close(writer)

    def _close(self, writer: asyncio.StreamWriter) -> None:
        self._open.pop(writer, None)
        writer.close()
