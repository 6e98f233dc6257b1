"""Our conversation as chat completions want it, and a completion's message as blocks of ours.

What a server adds to a message or a call that we know nothing of (`reasoning_content`, `reasoning_details`, a thought's
signature) is kept with its block and goes back as it came: some refuse a conversation that lacks it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tasks.run.messages import Block, Message
from worker.models import turns
from worker.models.json_reading import dumps, text

REASONING = "reasoning"
"""The type of the block that holds what a server adds to a message, as it came."""

_NOT_OF_A_NAME = re.compile(r"[^a-zA-Z0-9_-]")
_MOST_OF_A_NAME = 64

_OF_A_MESSAGE = frozenset({"role", "content", "refusal", "tool_calls", "function_call", "annotations", "audio"})
_OF_A_CALL = frozenset({"id", "type", "index", "function"})


def turns_of(messages: Sequence[Message]) -> list[Message]:
    """Our conversation in the turns that servers take."""
    return turns.sent(messages, _fit)


def sent(system: str, messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The whole conversation, the instruction first. messages: as `turns_of` gave them."""
    conversation: list[dict[str, Any]] = [{"role": "system", "content": system}]
    for message in messages:
        conversation += _asked(message["content"]) if message["role"] == "user" else [_said(message["content"])]
    return conversation


def blocks_of(message: Mapping[str, Any]) -> tuple[Block, ...]:
    """A completion's message. Raises what `json_reading.UNREADABLE` lists for one that is none."""
    blocks: list[Block] = []
    added = {name: value for name, value in message.items() if name not in _OF_A_MESSAGE and value is not None}
    if added:
        blocks.append({"type": REASONING, "added": added})
    words = _words(message.get("content")) or _words(message.get("refusal"))
    if words:
        blocks.append({"type": "text", "text": words})
    return (*blocks, *map(_called, message.get("tool_calls") or ()))


def _fit(block: Block) -> Block | None:
    """See `worker.models.turns.Fit`: what a server could not read, and what another make has thought, is left out."""
    match block.get("type"):
        case "text":
            return block if isinstance(block.get("text"), str) and block["text"].strip() else None
        case "tool_use":
            named, arguments = _NOT_OF_A_NAME.sub("_", block["name"])[:_MOST_OF_A_NAME] or "_", block.get("input")
            given = arguments if isinstance(arguments, Mapping) else {}
            return block if block["name"] == named and given is arguments else {**block, "name": named, "input": given}
        case "reasoning":
            return block if isinstance(block.get("added"), Mapping) else None
        case "tool_result":
            return block
        case _:
            return None


def _asked(blocks: Sequence[Block]) -> Iterator[dict[str, Any]]:
    """A user turn: a message for each result first, then one for what was said."""
    for block in blocks:
        if block["type"] == "tool_result":
            yield {"role": "tool", "tool_call_id": block["tool_use_id"], "content": block["content"]}
    words = [block["text"] for block in blocks if block["type"] == "text"]
    if words:
        yield {"role": "user", "content": "\n\n".join(words)}  # as one text: many servers read no list of parts


def _said(blocks: Sequence[Block]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None}
    words = [block["text"] for block in blocks if block["type"] == "text"]
    calls = [_call(block) for block in blocks if block["type"] == "tool_use"]
    if words or not calls:
        message["content"] = "\n\n".join(words)
    if calls:
        message["tool_calls"] = calls
    for block in blocks:
        if block["type"] == REASONING:
            message |= block["added"]
    return message


def _call(block: Block) -> dict[str, Any]:
    function = {"name": block["name"], "arguments": dumps(block["input"])}
    return {"id": block["id"], "type": "function", "function": function, **block.get("added", {})}


def _called(call: Mapping[str, Any]) -> Block:
    function = call["function"]
    block: dict[str, Any] = {
        "type": "tool_use",
        "id": call["id"] if isinstance(call.get("id"), str) else "",  # some give none: the loop gives its own
        "name": text(function["name"]),
        "input": _arguments(function.get("arguments")),
    }
    if added := {name: value for name, value in call.items() if name not in _OF_A_CALL}:
        block["added"] = added
    return block


def _arguments(given: Any) -> Any:
    """JSON in a string, by the form; an object as it is, which some send. What is no JSON stays a string: the model is
    asked to mend it.
    """
    if given is None or (isinstance(given, str) and not given.strip()):
        return {}
    if not isinstance(given, str):
        return given
    try:
        value = json.loads(given, parse_constant=_refused)
        dumps(value).encode()
    except (ValueError, RecursionError):
        return given
    return value


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} cannot be stored as JSON")


def _words(content: Any) -> str:
    """Text, or the texts of a list of parts; "" for nothing but blanks."""
    if isinstance(content, list):
        content = "".join(part["text"] for part in content if part.get("type") == "text")
    said = "" if content is None else text(content)
    return said if said.strip() else ""
