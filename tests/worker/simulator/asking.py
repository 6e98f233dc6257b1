"""What the tests say to the simulator, through the official SDK."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
from anthropic.types import Message

from worker.simulator import Simulator

TICKET = "I was charged twice for my order. Refund &lt;one&gt; of them &amp; tell me."
SYSTEM = """Route the ticket.

Teams:
- billing: money (all of it)

Labels:
- duplicate_charge (billing): charged twice for one purchase
- password_reset (access): cannot sign in
- lost_parcel (shipping): the order never arrived"""
SEARCH = {
    "name": "search_knowledge_base",
    "description": "Search.",
    "input_schema": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
}
SUBMIT = {
    "name": "submit_decision",
    "description": "End.",
    "input_schema": {
        "type": "object",
        "properties": {name: {} for name in ("label", "priority", "summary", "rationale", "evidence", "confidence")},
        "required": ["label", "reviewer", "count"],
    },
}


def payload(ticket: str = TICKET, *, ticket_id: str = "T-1", **changed: Any) -> dict[str, Any]:
    opening = f"<ticket>\n<subject>Money</subject>\n<body>{ticket}</body>\n</ticket>"
    return {
        "model": "claude-haiku-4-5",
        "max_tokens": 500,
        "system": SYSTEM,
        "messages": [{"role": "user", "content": [{"type": "text", "text": opening}]}],
        "tools": [SEARCH, SUBMIT],
        "metadata": {"user_id": ticket_id},
    } | changed


def continued(before: dict[str, Any], reply: Message) -> dict[str, Any]:
    blocks = [block.to_dict() for block in reply.content]
    results = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": "none"}
        for block in blocks
        if block["type"] == "tool_use"
    ]
    user = {"role": "user", "content": results or [{"type": "text", "text": "Use a tool."}]}
    return before | {"messages": [*before["messages"], {"role": "assistant", "content": blocks}, user]}


def served(work: Callable[[Simulator, Callable[..., Awaitable[Message]]], Awaitable[Any]], **options: Any) -> Any:
    """Run `work(simulator, create)`, `create` being the SDK's own, without its retries."""

    async def main() -> Any:
        async with (
            Simulator(**options) as sim,
            anthropic.AsyncAnthropic(api_key="k", base_url=sim.url, max_retries=0) as client,
        ):
            return await work(sim, client.messages.create)

    return asyncio.run(main())


def call(reply: Message) -> tuple[str, Any]:
    (block,) = reply.content
    assert block.type == "tool_use"
    return block.name, block.input


def turns(count: int, **fault: Any) -> list[tuple[str, Any]]:
    """The tool calls of a conversation under one fault."""

    async def work(sim: Simulator, create: Callable[..., Awaitable[Message]]) -> list[tuple[str, Any]]:
        sim.fault(**fault)
        calls, asked = [], payload()
        for _ in range(count):
            reply = await create(**asked)
            calls.append(call(reply))
            asked = continued(asked, reply)
        return calls

    return served(work)


def fetch(method: str, url: str, value: Any = None) -> Any:
    body = None if value is None else json.dumps(value).encode()
    asked = urllib.request.Request(url, body, {"content-type": "application/json"}, method=method)  # noqa: S310
    with urllib.request.urlopen(asked, timeout=60) as response:  # noqa: S310 - 127.0.0.1
        return json.load(response)
