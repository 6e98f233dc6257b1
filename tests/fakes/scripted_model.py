"""A model that says what it was told to say, and remembers what it was asked."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tasks.errors import ModelError
from tasks.money import Nanodollars
from tasks.reasons import Reason
from tasks.run.messages import ModelReply, ModelRequest, StopReason, TokenUsage

Said = ModelReply | Exception | Callable[[ModelRequest], ModelReply | Awaitable[ModelReply]]

USAGE = TokenUsage(input_tokens=100, output_tokens=10)


@dataclass
class ScriptedModel:
    """`tasks.run.ports.Model`. script: one entry per call, the last one repeated for ever.

    worst: nanodollars reserved for each call; price: what a call then costs. asked: every request, in order.
    """

    script: Sequence[Said]
    name: str = "scripted"
    worst: int = 1000
    price: int = 600
    asked: list[ModelRequest] = field(default_factory=list)

    async def call(self, request: ModelRequest) -> ModelReply:
        said = self.script[min(len(self.asked), len(self.script) - 1)]
        self.asked.append(request)
        if isinstance(said, Exception):
            raise said
        if isinstance(said, ModelReply):
            return said
        answer = said(request)
        return answer if isinstance(answer, ModelReply) else await answer

    def worst_case(self, request: ModelRequest) -> Nanodollars:
        if self.worst < 0:
            raise ModelError(Reason.PRICE_UNKNOWN, "no price", maybe_paid=False)
        return Nanodollars(self.worst)

    def cost(self, usage: TokenUsage) -> Nanodollars:
        return Nanodollars(self.price)


def reply(*blocks: dict[str, Any], stop: str | None = None, usage: TokenUsage = USAGE) -> ModelReply:
    """A reply of these blocks. stop: by default what fits them."""
    raw = stop or ("tool_use" if any(block["type"] == "tool_use" for block in blocks) else "end_turn")
    known = raw in {reason.value for reason in StopReason}
    return ModelReply(blocks, StopReason(raw) if known else StopReason.UNKNOWN, usage, "scripted", raw)


def text(words: str) -> dict[str, Any]:
    """A text block."""
    return {"type": "text", "text": words}


def tool_use(call_id: str, name: str, arguments: Any) -> dict[str, Any]:
    """A tool_use block."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


async def hang(_: ModelRequest) -> ModelReply:
    """Never answers; can only be cut."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets that event")
