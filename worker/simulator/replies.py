"""Messages as the API sends them: ids, blocks, stop reasons and token counts."""

import json
import random
from collections.abc import Mapping
from typing import Any

from worker.simulator.agent import Turn
from worker.simulator.faults import FaultName

_BYTES_PER_TOKEN = 4
_TOOL_PROMPT_TOKENS = 346
_CACHED_PREFIXES = 4096


class Tokens:
    """Counts tokens at about one per four bytes and remembers which prefixes were written to the prompt cache."""

    def __init__(self) -> None:
        self._written: dict[int, None] = {}

    def usage(self, payload: Mapping[str, Any], body_bytes: int) -> dict[str, int]:
        """The input side of a reply's `usage`; output_tokens is 0 for now."""
        tools, system = payload.get("tools") or [], payload.get("system") or ""
        total = body_bytes // _BYTES_PER_TOKEN + (_TOOL_PROMPT_TOKENS if tools else 0)
        prefix = json.dumps([payload["model"], tools, system], ensure_ascii=False)
        usage = {"input_tokens": total, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
        if '"cache_control"' in prefix:
            cached = min(total, len(prefix) // _BYTES_PER_TOKEN)
            seen = self._seen(hash(prefix))
            usage["cache_read_input_tokens" if seen else "cache_creation_input_tokens"] = cached
            usage["input_tokens"] = total - cached
        return {**usage, "output_tokens": 0}

    def _seen(self, prefix: int) -> bool:
        if prefix in self._written:
            return True
        if len(self._written) >= _CACHED_PREFIXES:
            self._written.clear()
        self._written[prefix] = None
        return False


def message(turn: Turn, payload: Mapping[str, Any], usage: dict[str, int], rng: random.Random) -> dict[str, Any]:
    """A turn as a message. Fills in `output_tokens`; what does not fit into `max_tokens` is cut as the API would."""
    content: list[dict[str, Any]] = [{"type": "text", "text": turn.text}] if turn.text else []
    content += [
        {"type": "tool_use", "id": fresh_id("toolu_01", rng), "name": name, "input": arguments}
        for name, arguments in turn.calls
    ]
    return shaped(content, turn.stop_reason, payload, usage, rng)


def scripted(reply: Any, payload: Mapping[str, Any], usage: dict[str, int], rng: random.Random) -> dict[str, Any]:
    """A scripted reply: text, blocks, or an object with `content`, and fields of the message to override."""
    if isinstance(reply, str):
        return message(Turn(text=reply), payload, usage, rng)
    fields = dict(reply) if isinstance(reply, dict) else {"content": reply}
    content = [
        {"id": fresh_id("toolu_01", rng), **block} if block.get("type") == "tool_use" else block
        for block in fields.pop("content", [])
    ]
    stop = "tool_use" if any(block.get("type") == "tool_use" for block in content) else "end_turn"
    return {**shaped(content, stop, payload, usage, rng), **fields}


def shaped(
    content: list[dict[str, Any]], stop_reason: str, payload: Mapping[str, Any], usage: dict[str, int],
    rng: random.Random,
) -> dict[str, Any]:  # fmt: skip
    """The message around its content."""
    tokens = len(json.dumps(content)) // _BYTES_PER_TOKEN + 4
    if tokens > payload["max_tokens"]:
        tokens, stop_reason = payload["max_tokens"], "max_tokens"
        content = [{"type": "text", "text": json.dumps(content)[: tokens * _BYTES_PER_TOKEN]}]
    usage["output_tokens"] = tokens
    return {
        "id": fresh_id("msg_01", rng),
        "type": "message",
        "role": "assistant",
        "model": payload["model"],
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {**usage, "service_tier": "standard"},
    }


def spoil(reply: dict[str, Any], fault: FaultName) -> None:
    """What a gateway makes of a good message."""
    match fault:
        case FaultName.MISSING_USAGE:
            del reply["usage"]
        case FaultName.ABSURD_USAGE:
            reply["usage"]["output_tokens"] = 10**14
        case FaultName.REPEATED_IDS:
            reply["content"] = [{**block, "id": "call_0"} if "id" in block else block for block in reply["content"]]


def fresh_id(prefix: str, rng: random.Random) -> str:
    """An id that looks like the API's."""
    return f"{prefix}{rng.getrandbits(88):022x}"
