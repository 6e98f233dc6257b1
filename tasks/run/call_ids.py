"""The ids of a conversation's tool calls: ours to keep apart, whatever a model or a gateway gives."""

import re
from collections.abc import Iterable
from dataclasses import replace

from tasks.run.messages import Block, Message, ModelReply

_ID = re.compile(r"[!-~]{1,100}")
"""What an idempotency key may hold, and a header."""


def with_own_ids(reply: ModelReply, step: int, messages: Iterable[Message]) -> ModelReply:
    """The reply, with ids of its tool calls that no other call of the conversation has. Gateways repeat theirs.

    An id that is fit stays: some models read their own again. messages: the conversation so far.
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
