"""`POST /v1/chat/completions`: the form of OpenAI and of all who serve it too."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from worker.simulator.chat_validation import fault_of
from worker.simulator.conversation import Conversation, read_conversation
from worker.simulator.faults import FaultName
from worker.simulator.form import Payload, bearer_key
from worker.simulator.refusals import REFUSALS, Refusal, answered
from worker.simulator.wire import Answer, HttpRequest

_STOPS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "refusal": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
}

_CODES = {
    FaultName.UNAUTHORIZED: (401, "invalid_request_error", "invalid_api_key"),
    FaultName.BILLING: (402, "invalid_request_error", "billing_not_active"),
    FaultName.NOT_FOUND: (404, "invalid_request_error", "model_not_found"),
    FaultName.RATE_LIMITED: (429, "requests", "rate_limit_exceeded"),
    FaultName.SPEND_LIMIT: (429, "insufficient_quota", "insufficient_quota"),
    FaultName.INTERNAL: (500, "server_error", None),
    FaultName.OVERLOADED: (503, "server_error", "server_is_overloaded"),
    FaultName.PROMPT_TOO_LONG: (400, "invalid_request_error", "context_length_exceeded"),
}
"""Where it says something else than the Messages API."""

_CODE_OF = {id(REFUSALS[name]): code for name, code in _CODES.items()}
_TYPES = {refusal.type: name for name, refusal in reversed(REFUSALS.items())}


class ChatForm:
    """Implements `Form`."""

    needs_key: ClassVar[bool] = False

    def key_of(self, request: HttpRequest) -> str:
        """See `Form`."""
        return bearer_key(request)

    def lacking(self, request: HttpRequest) -> Refusal | None:  # noqa: ARG002 - the form's
        """See `Form`."""
        return None

    def fault_of(self, payload: Any) -> str | None:
        """See `Form`."""
        return fault_of(payload)

    def model_of(self, payload: Payload) -> str:
        """See `Form`."""
        return str(payload["model"])

    def knows(self, model: str) -> bool:
        """See `Form`."""
        return not model.startswith("claude-")

    def payload(self, payload: Payload) -> Payload:
        """The system text is marked as cached: a server of this form caches by itself."""
        messages = payload["messages"]
        system = "\n".join(_words(message) for message in messages if message["role"] in ("system", "developer"))
        tools = [tool["function"] for tool in payload.get("tools") or ()]
        return {
            "model": payload["model"],
            "max_tokens": payload.get("max_completion_tokens") or payload.get("max_tokens") or 4096,
            "system": [{"type": "text", "text": system, "cache_control": {}}],
            "tools": [{**tool, "input_schema": tool.get("parameters") or {}} for tool in tools],
            "messages": [_message(each) for each in messages if each["role"] not in ("system", "developer")],
            "metadata": {"user_id": payload.get("user") or ""},
        }

    def conversation(self, payload: Payload) -> Conversation:
        """See `Form`."""
        return read_conversation(self.payload(payload))

    def reply(self, message: dict[str, Any], payload: Payload) -> dict[str, Any]:
        """See `Form`."""
        content, raw = message["content"], message["stop_reason"]
        said: dict[str, Any] = {"role": "assistant", "content": None}
        for block in content:
            if block.get("type") == "text":
                said["content"] = (said["content"] or "") + block["text"]
            elif block.get("type") == "reasoning":
                said |= block["added"]
        if raw == "refusal":
            said["refusal"] = "I cannot help with this."
        if calls := [_call(block) for block in content if block.get("type") == "tool_use"]:
            said["tool_calls"] = calls
        completion = {
            "id": message["id"].replace("msg_", "chatcmpl-"),
            "object": "chat.completion",
            "created": 1_790_000_000,
            "model": message["model"],
            "choices": [{"index": 0, "message": said, "finish_reason": _STOPS.get(raw, raw), "logprobs": None}],
        }
        if (usage := message.get("usage")) is not None:
            completion["usage"] = _usage(usage, raw, payload["max_tokens"])
        return completion

    def refuse(self, refusal: Refusal, request_id: str, retry_after: float | str | None = None) -> Answer:
        """See `Form`."""
        status, kind, code = _CODE_OF.get(id(refusal), (refusal.status, refusal.type, None))
        if refusal.status == 200 and (name := _TYPES.get(refusal.type)) in _CODES:  # under the gateway's own status
            _, kind, code = _CODES[name]
        error = {"message": refusal.message, "type": kind, "param": None, "code": code}
        return answered(status, {"error": error}, {"x-request-id": request_id}, retry_after)


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message as one of the Messages API."""
    if message["role"] == "tool":
        result = {"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": _words(message)}
        return {"role": "user", "content": [result]}
    content: list[dict[str, Any]] = [{"type": "text", "text": text}] if (text := _words(message)) else []
    for call in message.get("tool_calls") or ():
        function = call["function"]
        content.append(
            {"type": "tool_use", "id": call["id"], "name": function["name"], "input": json.loads(function["arguments"])}
        )
    return {"role": message["role"], "content": content}


def _words(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def _call(block: Mapping[str, Any]) -> dict[str, Any]:
    given = block["input"]
    arguments = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    function = {"name": block["name"], "arguments": arguments}
    return {"id": block["id"], "type": "function", "function": function, **block.get("added", {})}


def _usage(usage: Mapping[str, int], stop: str, max_tokens: int) -> dict[str, Any]:
    read = usage["cache_read_input_tokens"]
    prompt = usage["input_tokens"] + usage["cache_creation_input_tokens"] + read
    output = max_tokens if stop == "max_tokens" else usage["output_tokens"]
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": read, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
