"""Calls one tool of an MCP server: a connection of its own for each call, the tool as allowed, a bound answer."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from mcp.client import Client
from mcp.shared.exceptions import MCPError

from tasks.errors import ToolError
from worker.config.described import Described
from worker.tools.mcp.transports import Limits, over_http, over_stdio

OFFERED = 200
"""Tools of one server that are looked through."""


class McpTool:
    """headers sign its calls in. Nothing is kept open between two calls, so a server that hung is simply asked anew."""

    def __init__(self, described: Described) -> None:
        assert described.tool.mcp is not None  # noqa: S101 - it is one of those
        self._server, self._tool = described.tool.mcp, described.tool
        self._headers = described.headers

    async def call(self, given: Mapping[str, Any], key: str) -> Any:
        """What it answers: its structured content, or its texts. Raises `ToolError` with what is wrong with it."""
        limits = Limits(self._tool.max_answer_bytes, self._tool.timeout_seconds)
        headers = self._headers | ({self._tool.key_header: key} if key else {})
        server = self._server
        transport = (
            over_http(server.url, headers, limits) if server.url else over_stdio(server.command, server.env, limits)
        )
        async with session(transport, limits) as client:
            await self._as_allowed(client)
            meta: Any = {"idempotencyKey": key} if key else None
            answer = await client.call_tool(server.tool, dict(given), meta=meta)
        if answer.is_error:
            raise ToolError(f"the MCP server says: {' '.join(_texts(answer))[:200]}")
        found = answer.structured_content or {"text": "\n".join(_texts(answer))}
        if len(json.dumps(found)) > self._tool.max_answer_bytes:
            raise ToolError(f"the MCP server's answer is larger than {self._tool.max_answer_bytes:,} bytes")
        return found

    async def _as_allowed(self, client: Client) -> None:
        """Raises `ToolError` where the tool is gone, or is not what was allowed."""
        offered = {each["name"]: each for each in await tools_of(client)}
        if self._server.tool not in offered:
            raise ToolError(f"the MCP server has no tool {self._server.tool!r} any more")
        if offered[self._server.tool]["digest"] != self._server.digest:
            raise ToolError(f"the MCP server has changed {self._server.tool!r} since it was allowed: look at it again")


@asynccontextmanager
async def session(transport: Any, limits: Limits) -> AsyncIterator[Client]:
    """A client that can be asked. Every fault of server and connection is a `ToolError` in plain words."""
    try:
        async with Client(transport, cache=None) as client:
            yield client
    except Exception as error:
        first = _first(error)
        if isinstance(first, ToolError | TimeoutError):
            raise first from None
        said = "refuses" if isinstance(first, MCPError) else "cannot be understood"
        fault = f"the MCP server {said}: {type(first).__name__}: {first}".splitlines()[0]
        raise ToolError(limits.fault or fault[:200]) from None


async def tools_of(client: Client) -> list[dict[str, Any]]:
    """What a server offers: name, description, input schema and their digest."""
    found, cursor = list[dict[str, Any]](), None
    while len(found) < OFFERED:
        page = await client.list_tools(cursor=cursor)
        for each in page.tools:
            given = {"name": each.name, "description": each.description or "", "schema": each.input_schema}
            found.append({**given, "digest": digest(given)})
        cursor = page.next_cursor
        if cursor is None:
            break
    return found


def digest(offered: Mapping[str, Any]) -> str:
    """Over all that was looked at when a tool was allowed."""
    shown = json.dumps([offered[name] for name in ("name", "description", "schema")], sort_keys=True)
    return hashlib.sha256(shown.encode()).hexdigest()


def _texts(answer: Any) -> list[str]:
    return [block.text for block in answer.content if block.type == "text"]


def _first(error: BaseException) -> BaseException:
    """What went wrong, out of the groups that it was raised in."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
