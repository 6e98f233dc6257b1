"""The journal's vocabulary: what happened to a ticket, in the past tense.

Stored as one JSON object per event. The ledger adds `at` (store time, ms since the epoch) and `epoch`.
Readers ignore unknown fields and default missing ones, so that old journals stay readable.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from tasks.run.call_events import CallApproved, CallEdited, CallProposed, CallRejected
from tasks.run.event import VERSION, Event, field_names
from tasks.run.messages import Block
from tasks.run.people_events import MessageAdded, PersonActed, Reopened, Resumed, TextsErased, Upheld

__all__ = [
    "VERSION",
    "CallApproved",
    "CallEdited",
    "CallProposed",
    "CallRejected",
    "Event",
    "MessageAdded",
    "PersonActed",
    "Reopened",
    "Resumed",
    "TextsErased",
    "Upheld",
]


@dataclass(frozen=True, slots=True)
class Accepted(Event):
    type: ClassVar[str] = "accepted"
    source: str = ""


@dataclass(frozen=True, slots=True)
class Claimed(Event):
    type: ClassVar[str] = "claimed"
    owner: str = ""


@dataclass(frozen=True, slots=True)
class ContextFetched(Event):
    """What was looked up before the first model call. result: JSON text."""

    type: ClassVar[str] = "context_fetched"
    result: str = ""
    outcome: str = "ok"
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ConversationStarted(Event):
    """A fresh conversation on one tier's model. opening: the first user message; what was looked up stood in it at
    `context_at`, and is in the journal before (`tasks.run.opening`); 0: it is verbatim.

    prompt_version, taxonomy_version, tools_version: what the model is given besides; another one restarts it.
    code_version: the release that began it. messages: of the ticket, that the opening shows.
    """

    type: ClassVar[str] = "conversation_started"
    tier: int = 0
    model: str = ""
    prompt_version: str = ""
    taxonomy_version: str = ""
    opening: str = ""
    tools_version: str = ""
    code_version: str = ""
    messages: int = 0
    context_at: int = 0


@dataclass(frozen=True, slots=True)
class StepStarted(Event):
    """The intent of a model call, written with its reservation."""

    type: ClassVar[str] = "step_started"
    step: int = 0
    call_id: str = ""
    model: str = ""
    reserved_nanodollars: int = 0


@dataclass(frozen=True, slots=True)
class ModelReplied(Event):
    """A finished call, paid once. content: blocks verbatim. stop: the raw stop reason."""

    type: ClassVar[str] = "model_replied"
    step: int = 0
    call_id: str = ""
    content: tuple[Block, ...] = ()
    stop: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cache_write_tokens: int = 0
    cache_read_tokens: int = 0
    cost_nanodollars: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelFailed(Event):
    """A call without a usable reply. cost_nanodollars: 0, or the full reservation where it may have been paid."""

    type: ClassVar[str] = "model_failed"
    step: int = 0
    call_id: str = ""
    reason: str = ""
    detail: str = ""
    cost_nanodollars: int = 0
    retry_after_seconds: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class CallLost(Event):
    """A call whose worker vanished: settled at its full reservation."""

    type: ClassVar[str] = "call_lost"
    call_id: str = ""
    cost_nanodollars: int = 0


@dataclass(frozen=True, slots=True)
class ToolFinished(Event):
    """A tool call the model asked for. outcome: ok, error, timeout, refused or invalid. result: JSON text."""

    type: ClassVar[str] = "tool_finished"
    step: int = 0
    tool_call_id: str = ""
    tool: str = ""
    arguments: Any = None
    result: str = ""
    outcome: str = "ok"
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class RepairAsked(Event):
    """The model was asked to mend what was wrong with its reply. tool_call_id: the block it answers, "" for prose."""

    type: ClassVar[str] = "repair_asked"
    step: int = 0
    tool_call_id: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class DecisionSubmitted(Event):
    """A decision that satisfies the contract. raised, person: see `tasks.run.process.Suggestion`."""

    type: ClassVar[str] = "decision_submitted"
    step: int = 0
    decision: Mapping[str, Any] | None = None
    raised: tuple[str, ...] = ()
    person: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunStopped(Event):
    """The run could not go on. The plan's answer is the next event. waits: see `tasks.run.checkpoint.Stop`."""

    type: ClassVar[str] = "run_stopped"
    step: int = 0
    reason: str = ""
    detail: str = ""
    retry_after_seconds: float | None = None
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Retried(Event):
    """The plan lets the same run try again now."""

    type: ClassVar[str] = "retried"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TierRaised(Event):
    """The plan hands the ticket to the next tier, which starts a conversation of its own.

    leaning: what the tier before would have suggested, in words; "" for nothing, None where an older journal says none.
    """

    type: ClassVar[str] = "tier_raised"
    tier: int = 0
    reason: str = ""
    leaning: str | None = None


@dataclass(frozen=True, slots=True)
class Parked(Event):
    """The run waits, holding no slot. until_ms: store time. reason: "" where its producer asked for a later time.

    waits: as of the stop before it.
    """

    type: ClassVar[str] = "parked"
    reason: str = ""
    until_ms: int = 0
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Unparked(Event):
    type: ClassVar[str] = "unparked"


@dataclass(frozen=True, slots=True)
class Released(Event):
    """A worker gave the ticket back in good order, e.g. while draining."""

    type: ClassVar[str] = "released"
    why: str = ""


@dataclass(frozen=True, slots=True)
class LeaseExpired(Event):
    """The worker was not heard of in time. losses: how often that has happened to this ticket.

    heard_ms: store time of its last sign of life, 0 where the journal does not say.
    """

    type: ClassVar[str] = "lease_expired"
    owner: str = ""
    losses: int = 0
    heard_ms: int = 0


@dataclass(frozen=True, slots=True)
class EffectBegun(Event):
    """digest: of the approval that was used up for it, "" where it needs none."""

    type: ClassVar[str] = "effect_begun"
    key: str = ""
    tool: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class EffectEnded(Event):
    type: ClassVar[str] = "effect_ended"
    key: str = ""


@dataclass(frozen=True, slots=True)
class Suggested(Event):
    """A validated decision waits for a person. why: what it still lacks for autonomy, in words."""

    type: ClassVar[str] = "suggested"
    queue: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class HandedOff(Event):
    """A person must take over. queue: the inbox queue."""

    type: ClassVar[str] = "handed_off"
    reason: str = ""
    detail: str = ""
    queue: str = ""
    severity: str = ""


@dataclass(frozen=True, slots=True)
class Decided(Event):
    """The decision that stands. by: "agent" or a person. action: auto, approve, edit, decide or correct.

    why: what allowed the agent to decide alone, or why the decision before it was corrected, in words.
    """

    type: ClassVar[str] = "decided"
    by: str = ""
    action: str = ""
    decision: Mapping[str, Any] | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Cancelled(Event):
    type: ClassVar[str] = "cancelled"
    by: str = ""


@dataclass(frozen=True, slots=True)
class Closed(Event):
    """It ended without a decision. by: "intake" or a person. kind: spam, automatic and so on. detail: of which sort.

    of: the ticket that it is a duplicate of, "" for none.
    """

    type: ClassVar[str] = "closed"
    by: str = ""
    kind: str = ""
    detail: str = ""
    of: str = ""


@dataclass(frozen=True, slots=True)
class Rejected(Event):
    """It could not be read as a ticket. origin: the door it came through."""

    type: ClassVar[str] = "rejected"
    error: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable(Event):
    """An event this version does not know, kept as it was."""

    type: ClassVar[str] = "unreadable"
    raw: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with the ledger's stamp. seq: its place in the journal, from 0. at_ms: store time."""

    seq: int
    at_ms: int
    epoch: int
    event: Event


_TYPES: dict[str, type[Event]] = {
    cls.type: cls
    for cls in Event.__subclasses__()
    if "__slots__" in vars(cls)  # dataclass(slots=True) leaves the class it replaced behind
}


def read_event(stored: str | bytes, seq: int = 0) -> Recorded:
    """Read one stored event. An unknown type becomes `Unreadable`, never an error: journals outlive versions."""
    raw: dict[str, Any] = json.loads(stored)
    cls = _TYPES.get(str(raw.get("type")))
    event: Event
    if cls is None:
        event = Unreadable(raw)
    else:
        known = field_names(cls)
        event = cls(**{n: tuple(v) if isinstance(v, list) else v for n, v in raw.items() if n in known})
    return Recorded(seq, int(raw.get("at", 0)), int(raw.get("epoch", 0)), event)
