"""What an MCP server offers, as a tools file would name it: to be read by a person, and pasted where it is wanted."""

import json
from collections.abc import Sequence
from typing import Any

from worker.tools.mcp.client import session, tools_of
from worker.tools.mcp.transports import Limits, over_http, over_stdio

LIMITS = (1_000_000, 30.0)


async def offered(url: str | None, command: Sequence[str]) -> list[dict[str, Any]]:
    """Its tools. Raises `ToolError`."""
    limits = Limits(*LIMITS)
    transport = over_http(url, {}, limits) if url else over_stdio(command, (), limits)
    async with session(transport, limits) as client:
        return await tools_of(client)


def as_yaml(tools: Sequence[dict[str, Any]], url: str | None, command: Sequence[str]) -> str:
    """An entry for each. JSON is YAML, too: what the server says stays inside its quotes."""
    place = f"url: {json.dumps(url)}" if url else f"command: {json.dumps(list(command))}"
    lines = ["tools:"]
    for each in tools:
        name = "".join(char if char.isalnum() else "_" for char in each["name"].lower())[:40]
        lines += [f"  {name}:", f"    about: {json.dumps(each['description'])}", "    mcp:", f"      {place}"]
        lines += [f"      tool: {json.dumps(each['name'])}", f"      digest: {each['digest']}"]
        lines += [f"      arguments: {json.dumps(each['schema'])}"]
        lines += [
            "    bound: {}  # such as customer: requester.id",
            "    effect: none  # keyed or unkeyed, if it is one",
        ]
    return "\n".join(lines)
