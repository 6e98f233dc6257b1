"""What OpenAI's API refuses about a request's shape, with messages after its own."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_FIELDS = {
    "model", "messages", "tools", "tool_choice", "max_tokens", "max_completion_tokens", "user", "service_tier",
    "parallel_tool_calls", "stream", "n", "temperature", "top_p", "stop", "metadata", "store", "seed",
    "reasoning_effort", "response_format", "safety_identifier", "prompt_cache_key",
}  # fmt: skip
_ROLES = ("system", "developer", "user", "assistant", "tool")
_MOST_USER_CHARS = 64


def fault_of(payload: Any) -> str | None:
    """The first thing wrong with a request, None when it may be answered."""
    if not isinstance(payload, dict):
        return "We could not parse the JSON body of your request."
    return next(_faults(payload), None)


def _faults(payload: dict[str, Any]) -> Iterator[str]:
    for name in ("model", "messages"):
        if not payload.get(name):
            yield f"Missing required parameter: '{name}'."
    for name in sorted(payload.keys() - _FIELDS):
        yield f"Unrecognized request argument supplied: {name}"
    if "max_tokens" in payload and "max_completion_tokens" in payload:
        yield "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
    if payload.get("stream"):
        yield "stream: this simulator does not stream"
    if len(payload.get("user") or "") > _MOST_USER_CHARS:
        yield f"Invalid 'user': string too long. Expected a string with maximum length {_MOST_USER_CHARS}"
    yield from _tool_faults(payload)
    yield from _message_faults(payload["messages"])


def _tool_faults(payload: Mapping[str, Any]) -> Iterator[str]:
    tools = payload.get("tools")
    if tools is not None and (not isinstance(tools, list) or not tools):
        yield "Invalid 'tools': empty array. Expected an array with minimum length 1"
        return
    if payload.get("tool_choice") is not None and not tools:
        yield "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."
    names = []
    for index, tool in enumerate(tools or ()):
        function = tool.get("function") if isinstance(tool, dict) and tool.get("type") == "function" else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            yield f"Missing required parameter: 'tools[{index}].function.name'."
            return
        names.append(function["name"])
        if (function.get("parameters") or {}).get("type", "object") != "object":
            yield f"Invalid schema for function '{function['name']}': schema must have type 'object'"
    if len(names) != len(set(names)):
        yield "Invalid 'tools': duplicate function names"


def _message_faults(messages: Any) -> Iterator[str]:
    if not isinstance(messages, list):
        yield "Invalid type for 'messages': expected an array of objects"
        return
    waiting: list[str] = []
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        role = message.get("role") if isinstance(message, dict) else None
        if role not in _ROLES:
            yield f"Invalid value: '{role}' for '{where}.role'"
            return
        yield from _content_faults(where, message)
        if role == "tool":
            if message.get("tool_call_id") not in waiting:
                yield f"Invalid parameter: '{where}' with role 'tool' must answer a preceding message's 'tool_calls'."
                return
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            yield f"An assistant message with 'tool_calls' must be followed by tool messages for each: {waiting}"
        waiting = [call["id"] for call in message.get("tool_calls") or ()]
        if len(waiting) != len(set(waiting)):
            yield f"Invalid '{where}.tool_calls': duplicate ids"
    if waiting:
        yield f"An assistant message with 'tool_calls' must be followed by tool messages for each: {waiting}"


def _content_faults(where: str, message: Mapping[str, Any]) -> Iterator[str]:
    content, calls = message.get("content"), message.get("tool_calls")
    if not isinstance(content, str | list) and not (message["role"] == "assistant" and calls):
        yield f"Invalid value for '{where}.content': expected a string, got null."
    yield from _call_faults(where, calls or ())


def _call_faults(where: str, calls: Sequence[Any]) -> Iterator[str]:
    for call in calls:
        function = call.get("function") or {}
        if not call.get("id") or call.get("type") != "function" or not function.get("name"):
            yield f"Missing required parameter: '{where}.tool_calls.id'."
            return
        try:
            fit = isinstance(json.loads(function["arguments"]), dict)
        except (ValueError, TypeError, KeyError):
            fit = False
        if not fit:
            yield f"Invalid '{where}.tool_calls.function.arguments': not a JSON object"
