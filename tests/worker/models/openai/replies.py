"""Replies as a server of this form sends them, and as they are read."""

import json
from typing import Any

import httpx2

from tasks.run.messages import ModelReply, TokenUsage
from tests.worker.models.asking import SEARCH
from worker.models.openai.wire import read_reply, request_body

MODEL = "gpt-5-mini"
WORST = TokenUsage(cache_write_tokens=9_000, output_tokens=1_024)


def sent(asked: Any, *, own: bool = False) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(request_body(MODEL, asked, own=own))
    return body


def completion(message: dict[str, Any], finish_reason: str | None = "stop", **fields: Any) -> httpx2.Response:
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    choice = {"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": finish_reason}
    return under(200, {"model": MODEL, "choices": [choice], "usage": usage, **fields})


def under(status: int, body: Any, headers: dict[str, str] | None = None) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    to = httpx2.Request("POST", "http://127.0.0.1:1/")
    return httpx2.Response(status, content=content, headers=headers, request=to)


def read(response: httpx2.Response) -> ModelReply:
    return read_reply(response, 1_024, lambda: WORST)


def call(arguments: Any, **fields: Any) -> dict[str, Any]:
    return {"id": "c1", "type": "function", "function": {"name": SEARCH.name, "arguments": arguments}, **fields}
