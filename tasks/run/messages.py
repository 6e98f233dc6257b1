"""The conversation with a model as journals keep it: append-only, in blocks that each make translates both ways."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tasks.ticket import Ticket

SUBMIT = "submit_decision"
"""The tool that ends a run, whatever the process: a journal is read without knowing whose it is."""

Block = Mapping[str, Any]
"""One block of a turn, kept as received. A make leaves out, mends and adds what its API wants, as it sends them:

- {"type": "text", "text"}
- {"type": "tool_use", "id", "name", "input"}; `added`: what a server has given besides, of its make's own
- {"type": "tool_result", "tool_use_id", "content", "is_error"?}
- what the model thought, for its own make alone: "thinking", "redacted_thinking", or "reasoning" with `added`
"""

Message = Mapping[str, Any]
"""{"role": "user" | "assistant", "content": [Block, ...]}; "paused": the reply was not ended, and is gone on from."""


class StopReason(StrEnum):
    """Why the model stopped, whatever its make calls it; anything new is `UNKNOWN` and goes to the plan."""

    END_TURN = "end_turn"
    MAX_TOKENS = "max_tokens"
    STOP_SEQUENCE = "stop_sequence"
    TOOL_USE = "tool_use"
    PAUSE_TURN = "pause_turn"
    REFUSAL = "refusal"
    CONTEXT_WINDOW = "model_context_window_exceeded"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens of one call, or of a run when added up.

    input_tokens: uncached input. output_tokens: includes thinking.
    cache_write_tokens / cache_read_tokens: input written to and read from the prompt cache.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_write_tokens: int = 0
    cache_read_tokens: int = 0

    @property
    def billed_input(self) -> int:
        """All input the provider charges for, at whatever rate."""
        return self.input_tokens + self.cache_write_tokens + self.cache_read_tokens

    @property
    def total(self) -> int:
        """Every token, in and out."""
        return self.billed_input + self.output_tokens

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
        )


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it. input_schema: JSON Schema of an object, no additional properties."""

    name: str
    description: str
    input_schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool_use block. arguments: what the model sent, not yet validated."""

    id: str
    name: str
    arguments: Any


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ModelRequest:
    """Everything a model needs for one call.

    call_id: unique per try; the key of its reservation.
    ticket: for models that read the ticket itself (the local classifier); remote ones use `messages` only.
    system: the stable instruction. tools: in stable order. Both form the cacheable prefix.
    max_tokens: hard bound on the output, thinking included.
    prior_usage: the previous call's usage in this conversation, None for the first: tightens the worst case.
    new_from: index of the first message the previous call has not seen.
    canary: a token of `system` that no reply may have; "" for none. What has it is kept nowhere.
    """

    call_id: str
    ticket: Ticket
    system: str
    tools: tuple[ToolSpec, ...]
    messages: tuple[Message, ...]
    max_tokens: int
    prior_usage: TokenUsage | None = None
    new_from: int = 0
    canary: str = ""


@dataclass(frozen=True, slots=True)
class ModelReply:
    """One model answer. content: blocks exactly as received, so that they can be replayed.

    abstained: why the model itself does not stand by its answer, in words; "" where it does.
    """

    content: tuple[Block, ...]
    stop: StopReason
    usage: TokenUsage
    model: str
    raw_stop: str = ""
    abstained: str = ""

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool_use blocks in order."""
        return tuple(
            ToolCall(str(block["id"]), str(block["name"]), block.get("input"))
            for block in self.content
            if block.get("type") == "tool_use"
        )
