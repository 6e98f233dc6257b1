"""The journal in words: one line an event, for every screen that shows a timeline."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from fallbacks.ledger.acts import ALONE, Act
from fallbacks.ledger.states import Closed
from fallbacks.plan import PLAN, InboxQueue
from tasks.conversation import AUTOMATIC, THANKS, read_message
from tasks.money import format_usd
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.messages import SUBMIT
from tasks.run.process import Process, Result

EXCERPT_CHARS = 160


class Tone(StrEnum):
    """How a line wants to be read: routine, progress, attention, a failure, or a person's act."""

    ROUTINE = "routine"
    PROGRESS = "progress"
    ATTENTION = "attention"
    FAILURE = "failure"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Line:
    """One event in words. text and detail may quote the ticket or the model: hostile, to be escaped when shown.

    tokens_in / tokens_out / cost_nanodollars / seconds: None where the event has none.
    """

    seq: int
    at_ms: int
    epoch: int
    kind: str
    tone: Tone
    text: str
    detail: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_nanodollars: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class _Words:
    tone: Tone
    text: str
    detail: str = ""


def narrate(timeline: Iterable[ev.Recorded], process: Process) -> tuple[Line, ...]:
    """The whole timeline, oldest first. process: whose results it describes."""
    return tuple(_line(recorded, process) for recorded in timeline)


def means(reason: str) -> str:
    """A stored reason in words; one that this version does not know stands for itself."""
    try:
        return PLAN[Reason(reason)].means
    except ValueError:
        return reason


def waits_for(reason: str) -> str:
    """Why a ticket is parked; without a reason nobody has tried it yet."""
    return means(reason) or "its producer asked for a later time"


def clock(at_ms: int) -> str:
    """Store time as `2026-11-22 15:04:05 UTC`."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def did(content: Iterable[Mapping[str, Any]]) -> str:
    """What a reply's blocks do: `called lookup_customer`, `submitted its decision`, or what it said."""
    said: list[str] = []
    for block in content:
        if block.get("type") == "tool_use":
            name = block.get("name")
            said.append("submitted its decision" if name == SUBMIT else f"called {name}")
        elif block.get("type") == "text" and str(block.get("text", "")).strip():
            said.append(f"said “{_excerpt(block['text'])}”")
    return ", ".join(said) or "said nothing"


def _line(recorded: ev.Recorded, process: Process) -> Line:
    event = recorded.event
    words = _result(event, process) or _NARRATORS[type(event)](event)
    tokens_in = tokens_out = None
    if isinstance(event, ev.ModelReplied):
        tokens_in = event.input_tokens + event.cache_write_tokens + event.cache_read_tokens
        tokens_out = event.output_tokens
    return Line(
        recorded.seq,
        recorded.at_ms,
        recorded.epoch,
        event.type,
        words.tone,
        words.text,
        words.detail,
        tokens_in,
        tokens_out,
        getattr(event, "cost_nanodollars", None),
        getattr(event, "seconds", None),
    )


def _excerpt(text: object, chars: int = EXCERPT_CHARS) -> str:
    line = " ".join(str(text)[: chars * 4].split())
    return line if len(line) <= chars else line[: chars - 1] + "…"


def in_words(result: Result | None, process: Process) -> str:
    """A result in a few words, or that there is none."""
    return process.headline(result) if result else "nothing"


def _result(event: ev.Event, process: Process) -> _Words | None:
    """What only the process has words for."""
    match event:
        case ev.DecisionSubmitted():
            return _submitted(event, process)
        case ev.Decided():
            return _decided(event, process)
        case _:
            return None


def _context(event: ev.ContextFetched) -> _Words:
    if event.outcome == "ok":
        return _Words(Tone.ROUTINE, "context was looked up", _excerpt(event.result))
    return _Words(Tone.ATTENTION, f"the context is missing: {event.outcome}", _excerpt(event.result))


def _tool(event: ev.ToolFinished) -> _Words:
    arguments = json.dumps(event.arguments, ensure_ascii=False, default=str)
    tone = Tone.PROGRESS if event.outcome == "ok" else Tone.FAILURE
    return _Words(tone, f"step {event.step}: {event.tool} → {event.outcome}", _excerpt(f"{arguments} → {event.result}"))


def _call_detail(event: ev.CallProposed) -> str:
    given = json.dumps(event.arguments, ensure_ascii=False, default=str)
    return _excerpt(f"{event.why}; {event.target}: {given}")


def _submitted(event: ev.DecisionSubmitted, process: Process) -> _Words:
    decision = event.decision or {}
    confidence = decision.get("confidence")
    sure = f", confidence {confidence:.2f}" if isinstance(confidence, int | float) else ""
    text = f"step {event.step}: suggested {in_words(decision, process)}{sure}"
    return _Words(Tone.PROGRESS, text, "; ".join((*rules_in_words(event), _excerpt(decision.get("rationale", "")))))


def rules_in_words(event: ev.DecisionSubmitted) -> tuple[str, ...]:
    """What the process's rules did to a suggestion."""
    priority = (event.decision or {}).get("priority")
    raised = (f"priority raised to {priority}: {why}" for why in event.raised)
    return (*raised, *(f"a person must decide: {why}" for why in event.person))


def _stopped(event: ev.RunStopped) -> _Words:
    where = f" at step {event.step}" if event.step else ""
    return _Words(Tone.FAILURE, f"stopped{where}: {means(event.reason)}", event.detail)


def _cached(event: ev.ModelReplied) -> str:
    """What the prompt cache did for this call; "" where it had no part in it."""
    if not (event.cache_read_tokens or event.cache_write_tokens):
        return ""
    return f"; cache: {event.cache_read_tokens} tokens read, {event.cache_write_tokens} written"


def _decided(event: ev.Decided, process: Process) -> _Words:
    verb = _VERBS.get(event.action, "decided")
    tone = Tone.PROGRESS if event.by == "agent" else Tone.PERSON
    return _Words(tone, f"{event.by} {verb} {in_words(event.decision, process)}", event.why)


_QUIET = {AUTOMATIC: " (a machine sent it)", THANKS: " (it only says thanks)"}


def _added(event: ev.MessageAdded) -> _Words:
    message = read_message(event.message)
    return _Words(Tone.PERSON, f"{message.wrote} added a message{_QUIET.get(event.quiet, '')}", _excerpt(message.body))


CLOSED: dict[str, str] = {
    Closed.AUTOMATIC: "a machine sent it",
    Closed.SPAM: "spam",
    Closed.THANKS: "nothing is asked",
    Closed.DUPLICATE: "a duplicate",
    Closed.OTHER: "it needs no decision",
}
"""Kinds of an end without a decision, in words."""

CLOSE_KEYS = (Closed.SPAM, Closed.THANKS, Closed.DUPLICATE, Closed.AUTOMATIC, Closed.OTHER)
"""In the order of the digits after `z`, in the console as in the terminal."""


def _freed(event: ev.PersonActed) -> bool:
    return event.action == Act.ASSIGN and not event.note


_VERBS = {
    Act.APPROVE: "approved",
    Act.EDIT: "decided instead:",
    Act.APPROVE_CALL: "decided by approving the call:",
    Act.CORRECT: "corrected the decision to",
    ALONE: "decided alone:",
}

_NARRATORS: dict[type[ev.Event], Callable[[Any], _Words]] = {
    ev.Accepted: lambda e: _Words(Tone.ROUTINE, f"accepted from {e.source}"),
    ev.Claimed: lambda e: _Words(Tone.ROUTINE, "a worker took it", e.owner),
    ev.ContextFetched: _context,
    ev.ConversationStarted: lambda e: _Words(
        Tone.ROUTINE,
        f"conversation with {e.model} began (tier {e.tier + 1})",
        f"prompt {e.prompt_version}, taxonomy {e.taxonomy_version}, tools {e.tools_version or 'not recorded'}",
    ),
    ev.StepStarted: lambda e: _Words(
        Tone.ROUTINE, f"step {e.step}: calling {e.model}", f"{format_usd(e.reserved_nanodollars)} reserved"
    ),
    ev.ModelReplied: lambda e: _Words(
        Tone.PROGRESS, f"step {e.step}: the model {did(e.content)}", f"stop: {e.stop}{_cached(e)}"
    ),
    ev.ModelFailed: lambda e: _Words(Tone.FAILURE, f"step {e.step}: {means(e.reason)}", e.detail),
    ev.CallLost: lambda _: _Words(Tone.ATTENTION, "a call's result was lost; it is charged in full"),
    ev.ToolFinished: _tool,
    ev.RepairAsked: lambda e: _Words(
        Tone.ATTENTION, f"step {e.step}: the model was shown what was wrong", _excerpt(e.message)
    ),
    ev.RunStopped: _stopped,
    ev.Retried: lambda e: _Words(Tone.ATTENTION, f"tried again at once: {means(e.reason)}"),
    ev.TierRaised: lambda e: _Words(Tone.ATTENTION, f"went to tier {e.tier + 1}: {means(e.reason)}"),
    ev.Parked: lambda e: _Words(Tone.ATTENTION, f"parked until {clock(e.until_ms)}: {waits_for(e.reason)}"),
    ev.Unparked: lambda _: _Words(Tone.ROUTINE, "its waiting time was over"),
    ev.Released: lambda e: _Words(Tone.ROUTINE, "the worker gave it back", e.why),
    ev.LeaseExpired: lambda e: _Words(Tone.FAILURE, f"its worker was lost (loss {e.losses})", e.owner),
    ev.CallProposed: lambda e: _Words(
        Tone.ATTENTION, f"step {e.step}: {e.tool} waits for a person: {_excerpt(e.does)}", _call_detail(e)
    ),
    ev.CallEdited: lambda e: _Words(
        Tone.PERSON, f"{e.by} changed what the call is given", _excerpt(json.dumps(e.arguments, ensure_ascii=False))
    ),
    ev.CallApproved: lambda e: _Words(
        Tone.PERSON, f"{e.by} approved the call, to be begun by {clock(e.until_ms)}", e.digest
    ),
    ev.CallRejected: lambda e: _Words(Tone.PERSON, f"{e.by} refused the call", e.why),
    ev.EffectBegun: lambda e: _Words(Tone.PROGRESS, f"{e.tool} began to act outside", e.key),
    ev.EffectEnded: lambda e: _Words(Tone.PROGRESS, "the action outside is done", e.key),
    ev.Suggested: lambda e: _Words(
        Tone.PROGRESS,
        f"its {'call' if e.queue == InboxQueue.APPROVALS else 'suggestion'} waits for a person",
        "; ".join(filter(None, (f"inbox queue {e.queue}", e.why))),
    ),
    ev.HandedOff: lambda e: _Words(Tone.FAILURE, f"handed off to {e.queue}: {means(e.reason)}", e.detail),
    ev.Closed: lambda e: _Words(
        Tone.PERSON, f"{e.by} closed it: {CLOSED.get(e.kind, e.kind)}" + (f" of {e.of}" if e.of else ""), e.detail
    ),
    ev.Cancelled: lambda e: _Words(Tone.PERSON, f"{e.by} cancelled it"),
    ev.Rejected: lambda e: _Words(Tone.FAILURE, f"could not be read as a ticket (from {e.origin})", e.error),
    ev.PersonActed: lambda e: _Words(Tone.PERSON, f"{e.by}: {e.action}{' to nobody' * _freed(e)}", e.note),
    ev.Resumed: lambda e: _Words(
        Tone.PERSON,
        f"{e.by} sent it back to the agent" + (f" from step {e.from_step}" if e.from_step else ""),
        e.hint,
    ),
    ev.MessageAdded: lambda e: _added(e),
    ev.Reopened: lambda e: _Words(
        Tone.ATTENTION,
        "it is worked again with what was added"
        + (
            f"; {e.stands} stands meanwhile"
            if e.stands
            else "; its suggestion was withdrawn" * (e.state == "suggested")
        ),
    ),
    ev.Upheld: lambda e: _Words(
        Tone.PERSON if e.kind else Tone.PROGRESS,
        f"{e.by} closed what was added ({CLOSED.get(e.kind, e.kind)}): the decision stands"
        if e.kind
        else "with what was added in view, the decision stands",
    ),
    ev.TextsErased: lambda e: _Words(Tone.PERSON, f"{e.by} erased its texts", f"receipt {e.receipt}"),
    ev.Unreadable: lambda e: _Words(
        Tone.ATTENTION, "an event this version cannot read", _excerpt(json.dumps(e.raw, default=str))
    ),
}
"""One narrator for every event but those of `_result`; a test compares both with the vocabulary."""
