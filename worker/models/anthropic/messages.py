"""Blocks of ours as the Messages API takes them: it refuses some of what it, or a gateway, has said itself."""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from tasks.run.messages import Block

_ID = re.compile(r"[a-zA-Z0-9_-]+")
_NOT_OF_A_NAME = re.compile(r"[^a-zA-Z0-9_-]")
_MOST_OF_A_NAME = 128


def fit(block: Block) -> Block | None:
    """See `worker.models.turns.Fit`. What is only of a newer API, or another make's, is left out."""
    match block.get("type"):
        case "text":  # the API may say nothing in one, and refuses to hear that again
            return block if _is_text(block.get("text")) else None
        case "tool_use":
            return _call(block)
        case "tool_result":
            known = block["tool_use_id"]
            return block if _ID.fullmatch(known) else {**block, "tool_use_id": _id(known)}
        case "thinking":
            whole = isinstance(block.get("thinking"), str) and isinstance(block.get("signature"), str)
            return block if whole else None
        case "redacted_thinking":
            return block if isinstance(block.get("data"), str) else None
        case _:
            return None


def _call(block: Block) -> Block:
    """A call that nobody could make is answered with its fault; sent back it must be fit in form."""
    name, arguments, known = block["name"], block.get("input"), block["id"]
    named = _NOT_OF_A_NAME.sub("_", name)[:_MOST_OF_A_NAME] or "_"
    if name == named and isinstance(arguments, Mapping) and _ID.fullmatch(known) and "added" not in block:
        return block
    said = {name: value for name, value in block.items() if name != "added"}
    return {**said, "id": _id(known), "name": named, "input": arguments if isinstance(arguments, Mapping) else {}}


def _id(known: str) -> str:
    return known if _ID.fullmatch(known) else f"call_{sha256(known.encode()).hexdigest()[:24]}"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
