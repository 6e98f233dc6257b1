"""What can go wrong, as switches: each fault says which requests it hits and how often."""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class FaultName(StrEnum):
    """One member per way a call can fail or a model can misbehave."""

    # refused by the API
    BAD_REQUEST = "400"
    UNAUTHORIZED = "401"
    BILLING = "402"
    FORBIDDEN = "403"
    NOT_FOUND = "404"
    TOO_LARGE = "413"
    RATE_LIMITED = "429"
    SPEND_LIMIT = "spend_limit"
    INTERNAL = "500"
    BAD_GATEWAY = "502"
    GATEWAY_TIMEOUT = "504"
    OVERLOADED = "529"
    PROMPT_TOO_LONG = "prompt_too_long"
    # lost or broken on the way
    TIMEOUT = "timeout"
    DRIP = "drip"
    CUT = "cut"
    CUT_BEFORE_REPLY = "cut_before_reply"
    MALFORMED_JSON = "malformed_json"
    MISSING_USAGE = "missing_usage"
    SLOW = "slow"
    # stopped early
    REFUSAL = "refusal"
    EMPTY_CONTENT = "empty_content"
    MAX_TOKENS = "max_tokens"
    UNKNOWN_STOP = "unknown_stop"
    CONTEXT_EXCEEDED = "context_exceeded"
    PAUSE_TURN = "pause_turn"
    # answered badly
    PROSE = "prose"
    UNKNOWN_TOOL = "unknown_tool"
    BAD_ARGUMENTS = "bad_arguments"
    ENDLESS_LOOP = "endless_loop"
    ALTERNATING_LOOP = "alternating_loop"
    INVALID_DECISION = "invalid_decision"
    INVENTED_EVIDENCE = "invented_evidence"
    LOW_CONFIDENCE = "low_confidence"
    SCRIPT = "script"


class Fault(BaseModel):
    """One switch.

    fault: what happens. times: how many requests it hits, None for all.
    match: only tickets whose text holds this, or whose id is this. messages: only histories of this many messages.
    share: fraction of the matching requests that are hit, 0..1.
    retry_after: the header of that name, seconds or an HTTP date.
    spend_limit: makes a 429 the kind that waiting does not cure.
    seconds: for `slow` the added latency, for `drip` the pause between bytes.
    script: for `script` the replies by turn: text, content blocks, or an object with `content` and `stop_reason`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: FaultName
    times: Annotated[int, Field(ge=0)] | None = None
    match: str | None = None
    messages: Annotated[int, Field(ge=1)] | None = None
    share: Annotated[float, Field(ge=0, le=1)] = 1.0
    retry_after: float | str | None = None
    spend_limit: bool = False
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    script: tuple[str | list[dict[str, Any]] | dict[str, Any], ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _script_names_itself(cls, fields: Any) -> Any:
        if isinstance(fields, dict) and fields.get("script") and "fault" not in fields:
            return {"fault": FaultName.SCRIPT, **fields}
        return fields

    @model_validator(mode="after")
    def _script_has_replies(self) -> Self:
        if (self.fault is FaultName.SCRIPT) != bool(self.script):
            raise ValueError("the fault 'script' and the field 'script' need each other")
        return self

    def hits(self, ticket_id: str, text: str, messages: int) -> bool:
        """Whether this request is of the kind it is meant for."""
        if self.messages is not None and self.messages != messages:
            return False
        return self.match is None or self.match in text or self.match == ticket_id


@dataclass(slots=True)
class _Armed:
    fault: Fault
    left: int | None


class FaultBoard:
    """The faults switched on. The first that hits a request is used up by one."""

    def __init__(self, faults: tuple[Fault, ...], rng: random.Random) -> None:
        self._rng = rng
        self._armed: list[_Armed] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Switch one on, behind those that are on already."""
        self._armed = [*self._armed, _Armed(fault, fault.times)]

    def clear(self) -> None:
        """Switch all off."""
        self._armed = []

    def active(self) -> list[dict[str, Any]]:
        """Every fault that is on, with the times it has left."""
        return [{**armed.fault.model_dump(mode="json"), "times": armed.left} for armed in self._armed]

    def take(self, ticket_id: str, text: str, messages: int) -> Fault | None:
        """The fault that hits this request, if any; it has one time less afterwards."""
        for armed in self._armed:
            fault = armed.fault
            if armed.left == 0 or not fault.hits(ticket_id, text, messages):
                continue
            if fault.share < 1 and self._rng.random() >= fault.share:
                continue
            if armed.left is not None:
                armed.left -= 1
            return fault
        return None
