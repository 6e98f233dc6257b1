"""What a model has said, so that it can be sent back: the Messages API refuses some of what it, or a gateway, sends."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tasks.run.messages import SUBMIT, Block, Message, ModelReply

_ID = re.compile(r"[a-zA-Z0-9_-]{1,100}")
_NOT_OF_A_NAME = re.compile(r"[^a-zA-Z0-9_-]")
_NOT_RUN = "this call was not carried to its end"


def with_own_ids(reply: ModelReply, step: int, messages: Iterable[Message]) -> ModelReply:
    """The reply, with ids of its tool calls that no other call of the conversation has. Gateways repeat theirs.

    An id that is fit stays. messages: the conversation so far.
    """
    seen, blocks, same = _call_ids(messages), list[Block](), True
    for place, block in enumerate(reply.content):
        if block.get("type") == "tool_use":
            given = block["id"]
            if given in seen or not _ID.fullmatch(given):
                block, same = {**block, "id": f"call_{step}_{place}"}, False
            seen.add(block["id"])
        blocks.append(block)
    return reply if same else replace(reply, content=tuple(blocks))


def _call_ids(messages: Iterable[Message]) -> set[str]:
    return {block["id"] for message in messages for block in message["content"] if block.get("type") == "tool_use"}


def sayable(content: Iterable[Block]) -> list[Block]:
    """The blocks that can be sent back, verbatim where they can. What is only of a newer API is left out."""
    return [said for said in map(_said, content) if said is not None]


def unanswered(messages: tuple[Message, ...], turn: Iterable[Block]) -> tuple[Block, ...]:
    """A result for each tool call of the last reply that has none: the API wants one for every call."""
    last: Message = messages[-1] if messages else {"role": "user", "content": []}
    answered = {block.get("tool_use_id") for block in turn}
    return tuple(
        {
            "type": "tool_result",
            "tool_use_id": block["id"],
            "content": "not accepted" if block["name"] == SUBMIT else _NOT_RUN,
            "is_error": True,
        }
        for block in (last["content"] if last["role"] == "assistant" else ())
        if block.get("type") == "tool_use" and block["id"] not in answered
    )


def _said(block: Block) -> Block | None:
    match block.get("type"):
        case "text":  # the API may say nothing in one, and refuses to hear that again
            return block if _is_text(block.get("text")) else None
        case "thinking":
            whole = isinstance(block.get("thinking"), str) and isinstance(block.get("signature"), str)
            return block if whole else None
        case "redacted_thinking":
            return block if isinstance(block.get("data"), str) else None
        case "reasoning":
            return block if isinstance(block.get("added"), Mapping) else None
        case "tool_use":
            return _call(block)
        case _:
            return None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _call(block: Block) -> Block:
    """A call that nobody could make is answered with its fault; sent back it must be fit in form."""
    name, arguments = block["name"], block.get("input")
    fit = _NOT_OF_A_NAME.sub("_", name)[:128] or "_"
    if name == fit and isinstance(arguments, Mapping):
        return block
    return {**block, "name": fit, "input": arguments if isinstance(arguments, Mapping) else {}}
