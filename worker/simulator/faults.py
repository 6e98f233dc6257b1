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
    UNAVAILABLE = "503"
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
    ABSURD_USAGE = "absurd_usage"
    HTML_200 = "html200"
    ERROR_200 = "error200"
    STREAM_200 = "sse200"
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
    REPEATED_IDS = "repeated_ids"
    SCRIPT = "script"


IN_WORDS = (
    ("refused", "400 401 402 403 404 413 429 spend_limit 500 502 503 504 529 prompt_too_long: as the API refuses"),
    ("lost", "timeout (no answer), drip (a byte at a time), cut (half a reply), cut_before_reply, slow"),
    ("garbled", "malformed_json, missing_usage, absurd_usage (10^14 tokens), html200 (a page under status 200)"),
    ("errors under 200", "error200, sse200 (as server-sent events); error200:TYPE where not overloaded_error"),
    ("stopped", "refusal, empty_content, max_tokens, unknown_stop, context_exceeded, pause_turn"),
    ("answered badly", "prose, unknown_tool, bad_arguments, invalid_decision, invented_evidence, low_confidence"),
    ("going round", "endless_loop, alternating_loop; repeated_ids (every tool call has the same id)"),
)
"""What can be switched on by name, for help texts. `script` needs its replies: `POST /_sim/faults`."""


class Fault(BaseModel):
    """One switch.

    fault: what happens. times: how many requests it hits, None for all.
    match: only tickets whose text holds this, or whose id is this. messages: only histories of this many messages.
    model: only calls of this model. error: the API's error type, for `error200` and `sse200`.
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
    model: str | None = None
    error: str = "overloaded_error"
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

    def hits(self, model: str, ticket_id: str, text: str, messages: int) -> bool:
        """Whether this request is of the kind it is meant for."""
        if self.messages not in (None, messages) or self.model not in (None, model):
            return False
        return self.match is None or self.match in text or self.match == ticket_id


def fault_named(name: str, times: int | None = None) -> Fault:
    """The fault of a name, or of NAME:TYPE with an error type. Raises `ValueError` naming the names there are."""
    fault, _, error = name.partition(":")
    known = [each.value for each in FaultName if each is not FaultName.SCRIPT]
    if fault not in known:
        raise ValueError(f"no fault {fault!r}; there are: {', '.join(known)}")
    fields = {"fault": fault, "times": times, **({"error": error} if error else {})}
    return Fault.model_validate(fields)


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

    def take(self, model: str, ticket_id: str, text: str, messages: int) -> Fault | None:
        """The fault that hits this request, if any; it has one time less afterwards."""
        for armed in self._armed:
            fault = armed.fault
            if armed.left == 0 or not fault.hits(model, ticket_id, text, messages):
                continue
            if fault.share < 1 and self._rng.random() >= fault.share:
                continue
            if armed.left is not None:
                armed.left -= 1
            return fault
        return None
