"""The Messages API as bytes: a request written once, a reply read once, without the SDK's models in between.

Building the SDK's models takes most of a call's CPU time, and they would drop what a newer API adds to a block.
"""

import json
import math
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import httpx2
from anthropic import transform_schema

from tasks.errors import ModelError
from tasks.reasons import Reason
from tasks.run.messages import Block, Message, ModelReply, ModelRequest, StopReason, TokenUsage, ToolSpec
from worker.models.anthropic.errors import MOST_REPLY_BYTES, error_in

_CACHE_HERE = {"type": "ephemeral"}

MOST_TOKENS = 10**8
"""Of one call: a hundred times the largest context window. More is no usage, and too much for the ledger's sums."""

MOST_PREFIXES = 16
"""A process has one prefix a tier; more come from tests."""


def request_body(model: str, request: ModelRequest) -> bytes:
    """The request as it is sent. Breakpoints after the tools and the system text cache the prefix they form.

    Text of a ticket that UTF-8 cannot carry raises `ModelError(MODEL_REQUEST_INVALID)`: nothing was sent.
    """
    head, prefix = _head(model, request.max_tokens), _prefix_of(request.system, request.tools)
    user = _dumps({"user_id": request.ticket.id}) if request.ticket.id else "{}"
    text = f'{{{head},{prefix},"metadata":{user},"messages":{_dumps(request.messages)}}}'
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ModelError(
            Reason.MODEL_REQUEST_INVALID, "the conversation holds text that is not valid Unicode", maybe_paid=False
        ) from None


def encoded_length(messages: Sequence[Message]) -> int:
    """Bytes of these messages as sent; an upper bound of their tokens."""
    return len(_dumps(messages).encode(errors="surrogatepass"))


def read_reply(response: httpx2.Response) -> ModelReply:
    """A reply with its blocks verbatim. Raises `ModelError`: what its error says, where it is one; else
    `ModelError(MALFORMED_REPLY, maybe_paid=True)`.
    """
    body = response.content
    try:
        reply = _DECODER.decode(_bounded(body).removeprefix(BOM_UTF8).decode())
        if b"\\ud" in body or b"\\uD" in body:  # half a surrogate pair could neither be stored nor replayed
            _dumps(reply).encode()
        if _is_error(reply):
            raise error_in(response, reply, begun=False)
        raw_stop = reply["stop_reason"] or ""
        return ModelReply(
            content=_content(reply["content"]),
            stop=_STOPS.get(raw_stop, StopReason.UNKNOWN),
            usage=_usage(reply["usage"]),
            model=_text(reply["model"]),
            raw_stop=_text(raw_stop),
        )
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise _streamed_error(response) or _malformed(error) from None


def _bounded(body: bytes) -> bytes:
    if len(body) > MOST_REPLY_BYTES:
        raise ValueError("longer than any reply")
    return body


def _malformed(error: Exception) -> ModelError:
    detail = f"the reply is not a message of the Messages API ({type(error).__name__})"
    return ModelError(Reason.MALFORMED_REPLY, detail, maybe_paid=True)


def _is_error(reply: Any) -> bool:
    return isinstance(reply, dict) and (reply.get("type") == "error" or ("error" in reply and "content" not in reply))


def _streamed_error(response: httpx2.Response) -> ModelError | None:
    """The error in a stream of server-sent events, which nobody asked for; None where there is none."""
    begun = False
    for line in response.content.splitlines() if response.content.lstrip()[:6] in _STREAMED else ():
        name, _, value = line.partition(b":")
        try:
            event = json.loads(value) if name == b"data" else None
        except (ValueError, RecursionError):
            continue
        if _is_error(event):
            return error_in(response, event, begun=begun)
        begun = begun or (isinstance(event, dict) and event.get("type") == "message_start")
    return None


_STREAMED = (b"event:", b"data: ", b"data:{", b": ping")
_STOPS = {stop.value: stop for stop in StopReason if stop is not StopReason.UNKNOWN}


def _finite(number: str) -> float:
    if not math.isfinite(value := float(number)):
        raise ValueError(f"{number[:20]} cannot be stored as JSON")
    return value


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)


def _content(blocks: Any) -> tuple[Block, ...]:
    if not isinstance(blocks, list):
        raise TypeError("content is not a list")
    for block in blocks:
        if _text(block["type"]) == "tool_use":
            _text(block["id"]), _text(block["name"]), block["input"]
    return tuple(blocks)


def _usage(usage: Mapping[str, Any]) -> TokenUsage:
    written, read = usage.get("cache_creation_input_tokens"), usage.get("cache_read_input_tokens")
    return TokenUsage(
        input_tokens=_count(usage["input_tokens"]),
        output_tokens=_count(usage["output_tokens"]),
        cache_write_tokens=0 if written is None else _count(written),
        cache_read_tokens=0 if read is None else _count(read),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


def _count(value: Any) -> int:
    """Gateways written in other languages send whole numbers as floats."""
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or not 0 <= value <= MOST_TOKENS:
        raise ValueError("not a count of tokens")
    return value


@lru_cache(maxsize=64)
def _head(model: str, max_tokens: int) -> str:
    choice = {"type": "auto"}  # newer models refuse a forced choice
    return _dumps({"model": model, "max_tokens": max_tokens, "tool_choice": choice})[1:-1]


_PREFIXES: dict[tuple[int, int], tuple[str, tuple[ToolSpec, ...], str]] = {}
"""Written prefixes by the identity of their system text and tools, which are kept here so that no id is used again."""


def _prefix_of(system: str, tools: tuple[ToolSpec, ...]) -> str:
    key = (id(system), id(tools))
    if key not in _PREFIXES:
        if len(_PREFIXES) >= MOST_PREFIXES:
            _PREFIXES.clear()
        _PREFIXES[key] = (system, tools, _prefix(system, tools))
    return _PREFIXES[key][2]


def _prefix(system: str, tools: tuple[ToolSpec, ...]) -> str:
    specs = [_tool(tool) for tool in tools]
    if specs:
        specs[-1]["cache_control"] = _CACHE_HERE
    prompt = [{"type": "text", "text": system, "cache_control": _CACHE_HERE}]
    return _dumps({"tools": specs, "system": prompt})[1:-1]


def _tool(spec: ToolSpec) -> dict[str, Any]:
    """A strict tool. Bounds that strict schemas refuse move into descriptions; validation checks them again."""
    return {
        "name": spec.name,
        "description": spec.description,
        "strict": True,
        "input_schema": transform_schema(dict(spec.input_schema)),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain).encode
