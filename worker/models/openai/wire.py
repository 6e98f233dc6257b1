"""Chat completions as bytes: a request written once, a reply read once.

Asked without streaming, one choice, tools by `auto`. The output's bound is `max_completion_tokens` where OpenAI's own
servers answer, which refuse the older name for models that think, and `max_tokens` elsewhere, which every other server
knows: one that did not know the bound's name would have none. `service_tier` is named for OpenAI's own, since a
project's setting may double the price.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import httpx2

from tasks.run.messages import ModelReply, ModelRequest, StopReason, TokenUsage, ToolSpec
from worker.models.httpx2_failures import error_in, streamed_error
from worker.models.httpx2_line import MOST_REPLY_BYTES
from worker.models.json_reading import UNREADABLE, dumps, encoded, malformed, most_tokens, read_json, text
from worker.models.openai.messages import blocks_of, sent, turns_of
from worker.models.openai.usage import read_usage

DEFAULT_URL = "https://api.openai.com/v1"

_OWN_HOSTS = ("api.openai.com", ".api.openai.com", ".openai.azure.com", ".services.ai.azure.com")

MOST_USER_CHARS = 64
"""Of `user`, as OpenAI bounds it."""

FRAME_TOKENS = 1_500
"""Bound of what a server's template adds once: preamble, instructions on how to call tools, date."""

MESSAGE_TOKENS = 64
"""Bound of what it adds around each message: marks of role, turn, call and result."""

_STOPS = {
    "stop": StopReason.END_TURN,
    "length": StopReason.MAX_TOKENS,
    "tool_calls": StopReason.TOOL_USE,
    "content_filter": StopReason.REFUSAL,
}


def at_openai(url: str) -> bool:
    """Whether OpenAI's own servers answer there, or Azure's of them."""
    host = urlsplit(url).hostname or ""
    return host == _OWN_HOSTS[0] or host.endswith(_OWN_HOSTS[1:])


def request_body(model: str, request: ModelRequest, *, own: bool) -> bytes:
    """The request as it is sent, what is the same for every ticket first. own: see `at_openai`."""
    body: dict[str, Any] = {"model": model, "tools": [_tool(tool) for tool in request.tools], "tool_choice": "auto"}
    if not request.tools:
        body = {"model": model}
    body["max_completion_tokens" if own else "max_tokens"] = request.max_tokens
    if own:
        body["service_tier"] = "default"
    if request.ticket.id:
        body["user"] = _user(request.ticket.id)
    body["messages"] = sent(request.system, turns_of(request.messages))
    return encoded(dumps(body))


def most_input_tokens(request: ModelRequest, body: bytes) -> int:
    """Upper bound of a prompt's tokens, whatever the tokenizer; what the server says of earlier calls is not relied on.

    Templates may lay out the tools anew, with a break and an indentation before each item, which are one token more for
    at least one byte: the tools count twice.
    """
    tools = len(dumps([_tool(tool) for tool in request.tools]).encode())
    blocks = sum(len(message["content"]) for message in turns_of(request.messages))
    return most_tokens(body) + tools + FRAME_TOKENS + MESSAGE_TOKENS * (1 + blocks)


def read_reply(response: httpx2.Response, max_tokens: int, worst: Callable[[], TokenUsage]) -> ModelReply:
    """A reply. Raises `ModelError`: what its error says, where it is one; else `ModelError(MALFORMED_REPLY,
    maybe_paid=True)`. worst: what counts where the server says no usage.
    """
    try:
        reply = read_json(response.content, MOST_REPLY_BYTES)
        if reply.get("error") and not reply.get("choices"):
            raise error_in(response, reply["error"], begun=False)
        choice = reply["choices"][0]
        if choice.get("error"):  # a gateway's: the model broke off
            raise error_in(response, choice["error"], begun=True)
        content, usage = blocks_of(choice["message"]), reply.get("usage")
        used = worst() if usage is None else read_usage(usage)
        raw_stop = text(choice.get("finish_reason") or "")
        if not content and not raw_stop:
            raise ValueError("says nothing at all")
        return ModelReply(
            content=content,
            stop=_stop(choice["message"], raw_stop, content, used, max_tokens),
            usage=used,
            model=text(reply.get("model") or ""),
            raw_stop=raw_stop,
        )
    except UNREADABLE as error:
        raise streamed_error(response) or malformed("the chat completions", error) from None


def _stop(message: Any, raw: str, content: Any, used: TokenUsage, max_tokens: int) -> StopReason:
    """Servers differ: calls come with `stop` too, and `length` stands for a full window as well as for `max_tokens`."""
    stop = _STOPS.get(raw, StopReason.UNKNOWN)
    calls = any(block["type"] == "tool_use" for block in content)
    if stop is StopReason.MAX_TOKENS:
        return stop if used.output_tokens >= max_tokens else StopReason.CONTEXT_WINDOW
    if message.get("refusal"):
        return StopReason.REFUSAL
    if stop in (StopReason.END_TURN, StopReason.TOOL_USE):
        return StopReason.TOOL_USE if calls else StopReason.END_TURN
    return StopReason.TOOL_USE if calls and not raw else stop


def _tool(spec: ToolSpec) -> dict[str, Any]:
    """Not strict: OpenAI's strict schemas want every property required, and other servers know no strictness. What the
    schema refuses is repaired.
    """
    function = {"name": spec.name, "description": spec.description, "parameters": spec.input_schema}
    return {"type": "function", "function": function}


def _user(ticket_id: str) -> str:
    return ticket_id if len(ticket_id) <= MOST_USER_CHARS else sha256(ticket_id.encode()).hexdigest()
