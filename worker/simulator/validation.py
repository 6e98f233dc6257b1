"""What the real API refuses about a request's shape, with messages after its own."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

_FIELDS = {
    "model", "max_tokens", "messages", "system", "tools", "tool_choice", "metadata", "stop_sequences", "stream",
    "thinking", "service_tier", "cache_control", "container", "output_config", "diagnostics", "inference_geo", "speed",
}  # fmt: skip
_TYPES: dict[str, type] = {"model": str, "tools": list, "metadata": dict, "tool_choice": dict}
_BLOCKS = {"text", "tool_use", "tool_result", "thinking", "redacted_thinking", "image", "document", "search_result"}
_NOT_STRICT = {
    "minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    "maxItems", "uniqueItems", "minProperties", "maxProperties",
}  # fmt: skip
_ID, _ID_RULE = re.compile("[a-zA-Z0-9_-]+"), "String should match pattern '^[a-zA-Z0-9_-]+$'"
_UNFORCED = ("claude-sonnet-5-5", "claude-opus-5-5")
"""Models that refuse a forced tool choice."""


def fault_of(payload: Any, is_pause: Callable[[Mapping[str, Any]], bool]) -> str | None:
    """The first thing wrong with a request, None when it may be answered. is_pause: whether a reply paused its turn."""
    if not isinstance(payload, dict):
        return "Request body is not a JSON object"
    return next(_faults(payload, is_pause), None)


def _faults(payload: dict[str, Any], is_pause: Callable[[Mapping[str, Any]], bool]) -> Iterator[str]:
    for name in ("model", "max_tokens", "messages"):
        if name not in payload:
            yield f"{name}: Field required"
    for name in sorted(payload.keys() - _FIELDS):
        yield f"{name}: Extra inputs are not permitted"
    for name, kind in _TYPES.items():
        if not isinstance(payload.get(name, kind()), kind):
            yield f"{name}: Input should be a valid {kind.__name__}"
    max_tokens = payload["max_tokens"]
    if not isinstance(max_tokens, int) or isinstance(max_tokens, bool) or max_tokens < 1:
        yield "max_tokens: Input should be greater than or equal to 1"
    if payload.get("stream"):
        yield "stream: this simulator does not stream"
    choice = (payload.get("tool_choice") or {}).get("type", "auto")
    if choice in ("any", "tool") and payload["model"].startswith(_UNFORCED):
        yield f"tool_choice: '{choice}' is not supported by this model"
    yield from _tool_faults(payload.get("tools") or [])
    yield from _message_faults(payload["messages"], is_pause)


def _tool_faults(tools: Sequence[Any]) -> Iterator[str]:
    seen: set[str] = set()
    for index, tool in enumerate(tools):
        schema = tool.get("input_schema") if isinstance(tool, dict) else None
        if schema is None or "name" not in tool:
            yield f"tools.{index}.custom: Field required"
            return
        if tool["name"] in seen:
            yield "tools: Tool names must be unique."
        seen.add(tool["name"])
        if not isinstance(schema, dict) or schema.get("type") != "object":
            yield f"tools.{index}.custom.input_schema.type: Field required"
            return
        if tool.get("strict"):
            yield from (f"tools.{index}.custom: {fault}" for fault in _strict_faults(schema))


def _strict_faults(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from _strict_faults(item)
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    if kind == "object" and schema.get("additionalProperties") is not False:
        yield "For 'object' type, 'additionalProperties' must be explicitly set to false"
    for keyword in _NOT_STRICT & schema.keys():
        yield f"For '{kind}' type, property '{keyword}' is not supported"
    if schema.get("minItems", 0) not in (0, 1):
        yield "For 'array' type, 'minItems' values other than 0 or 1 are not supported"
    for key, value in schema.items():
        named = key in ("properties", "$defs")
        yield from _strict_faults(list(value.values()) if named else value if key not in ("enum", "const") else None)


def _message_faults(messages: Any, is_pause: Callable[[Mapping[str, Any]], bool]) -> Iterator[str]:
    if not isinstance(messages, list) or not messages:
        yield "messages: at least one message is required"
        return
    asked: set[str] = set()
    ever: set[str] = set()
    for index, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ("user", "assistant"):
            yield f"messages.{index}.role: Input should be 'user' or 'assistant'"
            return
        yield from _content_faults(f"messages.{index}", message.get("content"))
        yield from _tool_result_faults(f"messages.{index}", message, asked)
        ids = [str(block["id"]) for block in _blocks(message) if block["type"] == "tool_use"]
        yield from _id_faults(f"messages.{index}", ids, ever)
        asked = set(ids)
        ever |= asked
    if messages[0]["role"] != "user":
        yield 'messages: first message must use the "user" role'
    if messages[-1]["role"] == "assistant" and not is_pause(messages[-1]):
        yield "This model does not support assistant message prefill. The conversation must end with a user message."


def _content_faults(where: str, content: Any) -> Iterator[str]:
    if not isinstance(content, str | list):
        yield f"{where}.content: Input should be a valid list"
        return
    if not content:
        yield f"{where}: all messages must have non-empty content"
    for index, block in enumerate(content if isinstance(content, list) else ()):
        kind = block.get("type") if isinstance(block, dict) else None
        if kind not in _BLOCKS:
            yield f"{where}.content.{index}: Input tag '{kind}' found using 'type' does not match any of the expected"
            return
        if kind == "text" and not block.get("text"):
            yield f"{where}: text content blocks must be non-empty"
        required = {"tool_use": ("id", "name", "input"), "tool_result": ("tool_use_id",)}.get(kind, ())
        for name in required:
            if name not in block:
                yield f"{where}.content.{index}.{kind}.{name}: Field required"
                return
        if kind == "tool_use" and not isinstance(block["input"], dict):
            yield f"{where}.content.{index}.tool_use.input: Input should be a valid dictionary"


def _id_faults(where: str, ids: Sequence[str], ever: set[str]) -> Iterator[str]:
    """ever: ids of the messages before."""
    if len(ids) != len(set(ids)) or ever & set(ids):
        yield f"{where}: `tool_use` ids must be unique"
    yield from (f"{where}.tool_use.id: {_ID_RULE}" for each in ids if not _ID.fullmatch(each))


def _tool_result_faults(where: str, message: Mapping[str, Any], asked: set[str]) -> Iterator[str]:
    """Every tool_use is answered in the next message, and nothing else is."""
    results = [block["tool_use_id"] for block in _blocks(message) if block["type"] == "tool_result"]
    answered = set(results)
    if len(results) != len(answered):
        yield f"{where}: each tool_use must have a single result"
    if missing := asked - answered:
        yield f"{where}: `tool_use` ids were found without `tool_result` blocks immediately after: {sorted(missing)}"
    if extra := answered - asked:
        yield f"{where}: unexpected `tool_use_id` found in `tool_result` blocks: {sorted(extra)}"


def _blocks(message: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    content = message["content"]
    return content if isinstance(content, list) else ()
