"""Ways to an MCP server with bounds of ours: streamable HTTP to one origin, and a program's stdin and stdout."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from subprocess import DEVNULL, PIPE
from typing import Any

import anyio
import httpx2
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

OF_LISTS = 1_000_000
"""Bytes that the other messages of a call may have, such as the list of a server's tools."""


@dataclass
class Limits:
    """fault: what was wrong with what the server sent, in words; "" for nothing yet."""

    answer_bytes: int
    seconds: float
    fault: str = ""

    @property
    def message_bytes(self) -> int:
        """Of any message."""
        return max(OF_LISTS, 2 * self.answer_bytes)

    def too_large(self) -> str:
        """Notes that a message was."""
        self.fault = f"the MCP server's answer is larger than {self.answer_bytes:,} bytes"
        return self.fault


@asynccontextmanager
async def over_http(url: str, headers: Mapping[str, str], limits: Limits) -> AsyncIterator[Any]:
    """Streamable HTTP. A redirect is not followed; proxies of the environment are not asked."""
    bounded = _Bounded(limits)
    own = {**headers, "accept-encoding": "identity"}
    async with (
        httpx2.AsyncClient(headers=own, timeout=limits.seconds, transport=bounded, trust_env=False) as client,
        streamable_http_client(
            url, http_client=client, terminate_on_close=False, max_sse_event_size=limits.message_bytes
        ) as streams,
    ):
        yield streams


class _Bounded(httpx2.AsyncBaseTransport):
    """Answers of some size, of one place."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._inner = httpx2.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._inner.handle_async_request(request)
        if answer.is_redirect:
            self._limits.fault = "the MCP server answered with a redirect, which is not followed"
            raise httpx2.ReadError(self._limits.fault)
        answer.stream = _BoundedStream(answer.stream, self._limits)
        return answer

    async def aclose(self) -> None:
        await self._inner.aclose()


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, inner: Any, limits: Limits) -> None:
        self._inner, self._limits = inner, limits

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for part in self._inner:
            seen += len(part)
            if seen > self._limits.message_bytes:
                raise httpx2.ReadError(self._limits.too_large())
            yield part

    async def aclose(self) -> None:
        await self._inner.aclose()


@asynccontextmanager
async def over_stdio(command: Sequence[str], env: Sequence[str], limits: Limits) -> AsyncIterator[Any]:
    """A program that is started for one call and ended with it. env: of our environment, what it is given by name."""
    given = {name: os.environ[name] for name in ("PATH", "LANG", *env) if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=given, limit=limits.message_bytes, start_new_session=True
    )
    to_us, read = anyio.create_memory_object_stream[SessionMessage | Exception](16)
    write, from_us = anyio.create_memory_object_stream[SessionMessage](16)
    copies = [asyncio.ensure_future(_received(process, to_us, limits)), asyncio.ensure_future(_sent(process, from_us))]
    try:
        yield read, write
    finally:
        for copy in copies:
            copy.cancel()
        with anyio.CancelScope(shield=True):
            await _ended(process)
        for stream in (to_us, read, write, from_us):
            stream.close()


async def _received(process: asyncio.subprocess.Process, to_us: Any, limits: Limits) -> None:
    assert process.stdout is not None  # noqa: S101 - a pipe
    async with to_us:
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:
                limits.too_large()
                return
            if not line:
                limits.fault = limits.fault or "the MCP server ended without an answer"
                return
            try:
                await to_us.send(SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False)))
            except ValueError:
                limits.fault = "the MCP server sent what is no message"
                return


async def _sent(process: asyncio.subprocess.Process, from_us: Any) -> None:
    assert process.stdin is not None  # noqa: S101 - a pipe
    async with from_us:
        async for each in from_us:
            process.stdin.write(each.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
            await process.stdin.drain()


async def _ended(process: asyncio.subprocess.Process) -> None:
    """It and what it has started, with the pipes to it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process._transport.close()  # type: ignore[attr-defined] # nothing public closes a pipe that nobody reads any more
    await process.wait()
