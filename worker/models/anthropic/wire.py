"""The Messages API as bytes: a request written once, a reply read once, without the SDK's models in between.

Building the SDK's models takes most of a call's CPU time, and they would drop what a newer API adds to a block.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import httpx2

from tasks.errors import ModelError
from tasks.run.messages import Block, Message, ModelReply, ModelRequest, StopReason, TokenUsage, ToolSpec
from worker.models.anthropic.errors import error_in
from worker.models.anthropic.messages import fit
from worker.models.anthropic.strict_schema import strict
from worker.models.httpx2_line import MOST_REPLY_BYTES
from worker.models.json_reading import UNREADABLE, count, dumps, encoded, malformed, read_json, streamed, text
from worker.models.turns import sent

API_VERSION = "2026-10-21"
"""Of the Messages API; a test holds it, and what we send, to the SDK's own."""

_CACHE_HERE = {"type": "ephemeral"}

MOST_PREFIXES = 16
"""A process has one prefix a tier; more come from tests."""


def request_body(model: str, request: ModelRequest) -> bytes:
    """The request as it is sent. Breakpoints after the tools and the system text cache the prefix they form.

    Text of a ticket that UTF-8 cannot carry raises `ModelError(MODEL_REQUEST_INVALID)`: nothing was sent.
    """
    return _body("model", model, request, strictly=True)


def cloud_body(request: ModelRequest) -> bytes:
    """The same for a cloud that hosts the models: its URL names the model, and the body the API's version.

    Not strict: some of their models and regions refuse the word. What the schema refuses is repaired.
    """
    return _body("anthropic_version", API_VERSION, request, strictly=False)


def _body(name: str, value: str, request: ModelRequest, *, strictly: bool) -> bytes:
    head = _head(name, value, request.max_tokens)
    prefix = _prefix_of(request.system, request.tools, strictly=strictly)
    user = dumps({"user_id": request.ticket.id}) if request.ticket.id else "{}"
    return encoded(f'{{{head},{prefix},"metadata":{user},"messages":{dumps(sent(request.messages, fit))}}}')


def encoded_length(messages: Sequence[Message], new_from: int) -> int:
    """Bytes of the messages from `new_from` on, as they are sent; an upper bound of their tokens."""
    return len(dumps(sent(messages, fit, new_from)).encode(errors="surrogatepass"))


def read_reply(response: httpx2.Response) -> ModelReply:
    """A reply with its blocks verbatim. Raises `ModelError`: what its error says, where it is one; else
    `ModelError(MALFORMED_REPLY, maybe_paid=True)`.
    """
    body = response.content
    try:
        reply = read_json(body, MOST_REPLY_BYTES)
        if _is_error(reply):
            raise error_in(response, reply, begun=False)
        raw_stop = reply["stop_reason"] or ""
        if not reply["content"] and not raw_stop:
            raise ValueError("says nothing at all")
        return ModelReply(
            content=_content(reply["content"]),
            stop=_STOPS.get(raw_stop, StopReason.UNKNOWN),
            usage=_usage(reply["usage"]),
            model=text(reply["model"]),
            raw_stop=text(raw_stop),
        )
    except UNREADABLE as error:
        raise _streamed_error(response) or malformed("the Messages API", error) from None


def _is_error(reply: Any) -> bool:
    return isinstance(reply, dict) and (reply.get("type") == "error" or ("error" in reply and "content" not in reply))


def _streamed_error(response: httpx2.Response) -> ModelError | None:
    """The error in a stream of server-sent events, which nobody asked for; None where there is none."""
    begun = False
    for event in streamed(response.content):
        if _is_error(event):
            return error_in(response, event, begun=begun)
        begun = begun or (isinstance(event, dict) and event.get("type") == "message_start")
    return None


_STOPS = {stop.value: stop for stop in StopReason if stop is not StopReason.UNKNOWN}


def _content(blocks: Any) -> tuple[Block, ...]:
    if not isinstance(blocks, list):
        raise TypeError("content is not a list")
    for block in blocks:
        if text(block["type"]) == "tool_use":
            text(block["id"]), text(block["name"]), block["input"]
    return tuple(blocks)


def _usage(usage: Mapping[str, Any]) -> TokenUsage:
    written, read = usage.get("cache_creation_input_tokens"), usage.get("cache_read_input_tokens")
    return TokenUsage(
        input_tokens=count(usage["input_tokens"]),
        output_tokens=count(usage["output_tokens"]),
        cache_write_tokens=0 if written is None else count(written),
        cache_read_tokens=0 if read is None else count(read),
    )


@lru_cache(maxsize=64)
def _head(name: str, value: str, max_tokens: int) -> str:
    choice = {"type": "auto"}  # newer models refuse a forced choice
    return dumps({name: value, "max_tokens": max_tokens, "tool_choice": choice})[1:-1]


_PREFIXES: dict[tuple[int, int, bool], tuple[str, tuple[ToolSpec, ...], str]] = {}
"""Written prefixes by the identity of their system text and tools, which are kept here so that no id is used again."""


def _prefix_of(system: str, tools: tuple[ToolSpec, ...], *, strictly: bool) -> str:
    key = (id(system), id(tools), strictly)
    if key not in _PREFIXES:
        if len(_PREFIXES) >= MOST_PREFIXES:
            _PREFIXES.clear()
        _PREFIXES[key] = (system, tools, _prefix(system, tools, strictly=strictly))
    return _PREFIXES[key][2]


def _prefix(system: str, tools: tuple[ToolSpec, ...], *, strictly: bool) -> str:
    specs = [_strict(tool) if strictly else _tool(tool) for tool in tools]
    if specs:
        specs[-1]["cache_control"] = _CACHE_HERE
    prompt = [{"type": "text", "text": system, "cache_control": _CACHE_HERE}]
    return dumps({"tools": specs, "system": prompt})[1:-1]


def _tool(spec: ToolSpec) -> dict[str, Any]:
    return {"name": spec.name, "description": spec.description, "input_schema": spec.input_schema}


def _strict(spec: ToolSpec) -> dict[str, Any]:
    """A strict tool. Bounds that strict schemas refuse move into descriptions; validation checks them again."""
    return {**_tool(spec), "strict": True, "input_schema": strict(spec.input_schema)}
