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
from tasks.language import N_, _, translated, written
from tasks.money import shown_usd
from tasks.reasons import Reason
from tasks.retold import retold
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
        return translated(PLAN[Reason(reason)].means)
    except ValueError:
        return reason


def waits_for(reason: str) -> str:
    """Why a ticket is parked; without a reason nobody has tried it yet."""
    return means(reason) or _("its producer asked for a later time")


def clock(at_ms: int) -> str:
    """Store time as `2026-11-22 15:04:05 UTC`."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def did(content: Iterable[Mapping[str, Any]]) -> str:
    """What a reply's blocks do: `called lookup_customer`, `submitted its decision`, or what it said."""
    said: list[str] = []
    for block in content:
        if block.get("type") == "tool_use":
            name = block.get("name")
            said.append(_("submitted its decision") if name == SUBMIT else _("called %(tool)s", tool=name))
        elif block.get("type") == "text" and str(block.get("text", "")).strip():
            said.append(_("said “%(text)s”", text=_excerpt(block["text"])))
    return ", ".join(said) or _("said nothing")


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
    return process.headline(result) if result else _("nothing")


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
        return _Words(Tone.ROUTINE, _("context was looked up"), _excerpt(event.result))
    return _Words(
        Tone.ATTENTION,
        _("the context is missing: %(outcome)s", outcome=translated(event.outcome)),
        _excerpt(event.result),
    )


def _tool(event: ev.ToolFinished) -> _Words:
    arguments = json.dumps(event.arguments, ensure_ascii=False, default=str)
    tone = Tone.PROGRESS if event.outcome == "ok" else Tone.FAILURE
    outcome = translated(event.outcome)
    text = _("step %(step)s: %(tool)s → %(outcome)s", step=event.step, tool=event.tool, outcome=outcome)
    return _Words(tone, text, _excerpt(f"{arguments} → {event.result}"))


def _call_detail(event: ev.CallProposed) -> str:
    given = json.dumps(event.arguments, ensure_ascii=False, default=str)
    return _excerpt(f"{event.why}; {event.target}: {given}")


def _submitted(event: ev.DecisionSubmitted, process: Process) -> _Words:
    decision = event.decision or {}
    confidence = decision.get("confidence")
    text = _("step %(step)s: suggested %(result)s", step=event.step, result=in_words(decision, process))
    if isinstance(confidence, int | float):
        share = written(f"{confidence:.2f}")
        text += _(", confidence %(share)s", share=share)
    return _Words(Tone.PROGRESS, text, "; ".join((*rules_in_words(event), _excerpt(decision.get("rationale", "")))))


def rules_in_words(event: ev.DecisionSubmitted) -> tuple[str, ...]:
    """What the process's rules did to a suggestion."""
    priority = (event.decision or {}).get("priority")
    raised = (
        _("priority raised to %(priority)s: %(why)s", priority=translated(str(priority)), why=retold(why))
        for why in event.raised
    )
    return (*raised, *(_("a person must decide: %(why)s", why=retold(why)) for why in event.person))


def _stopped(event: ev.RunStopped) -> _Words:
    why = means(event.reason)
    text = (
        _("stopped at step %(step)s: %(why)s", step=event.step, why=why)
        if event.step
        else _("stopped: %(why)s", why=why)
    )
    return _Words(Tone.FAILURE, text, event.detail)


def _cached(event: ev.ModelReplied) -> str:
    """What the prompt cache did for this call; "" where it had no part in it."""
    if not (event.cache_read_tokens or event.cache_write_tokens):
        return ""
    read, written = event.cache_read_tokens, event.cache_write_tokens
    return _("; cache: %(read)s tokens read, %(written)s written", read=read, written=written)


def _decided(event: ev.Decided, process: Process) -> _Words:
    said = _VERBS.get(event.action, N_("%(person)s decided %(result)s"))
    tone = Tone.PROGRESS if event.by == "agent" else Tone.PERSON
    return _Words(tone, _(said, person=event.by, result=in_words(event.decision, process)), event.why)


_QUIET = {
    AUTOMATIC: N_("%(person)s added a message (a machine sent it)"),
    THANKS: N_("%(person)s added a message (it only says thanks)"),
}


def _added(event: ev.MessageAdded) -> _Words:
    message = read_message(event.message)
    said = _QUIET.get(event.quiet, N_("%(person)s added a message"))
    return _Words(Tone.PERSON, _(said, person=message.wrote), _excerpt(message.body))


CLOSED: dict[str, str] = {
    Closed.AUTOMATIC: N_("a machine sent it"),
    Closed.SPAM: N_("spam"),
    Closed.THANKS: N_("nothing is asked"),
    Closed.DUPLICATE: N_("a duplicate"),
    Closed.OTHER: N_("it needs no decision"),
}
"""Kinds of an end without a decision, in words."""

CLOSE_KEYS = (Closed.SPAM, Closed.THANKS, Closed.DUPLICATE, Closed.AUTOMATIC, Closed.OTHER)
"""In the order of the digits after `z`, in the console as in the terminal."""


def _kind(kind: str) -> str:
    return translated(CLOSED.get(kind, kind))


def _closed(event: ev.Closed) -> str:
    said = _("%(person)s closed it: %(kind)s", person=event.by, kind=_kind(event.kind))
    return said + (_(" of %(ticket)s", ticket=event.of) if event.of else "")


def _acted(event: ev.PersonActed) -> str:
    if event.action == Act.ASSIGN and not event.note:
        return _("%(person)s: assign to nobody", person=event.by)
    return f"{event.by}: {translated(event.action)}"


def _reopened(event: ev.Reopened) -> str:
    if event.stands:
        return _("it is worked again with what was added; %(result)s stands meanwhile", result=event.stands)
    if event.state == "suggested":
        return _("it is worked again with what was added; its suggestion was withdrawn")
    return _("it is worked again with what was added")


_VERBS = {
    Act.APPROVE: N_("%(person)s approved %(result)s"),
    Act.EDIT: N_("%(person)s decided instead: %(result)s"),
    Act.APPROVE_CALL: N_("%(person)s decided by approving the call: %(result)s"),
    Act.CORRECT: N_("%(person)s corrected the decision to %(result)s"),
    ALONE: N_("%(person)s decided alone: %(result)s"),
}

_NARRATORS: dict[type[ev.Event], Callable[[Any], _Words]] = {
    ev.Accepted: lambda e: _Words(Tone.ROUTINE, _("accepted from %(source)s", source=e.source)),
    ev.Claimed: lambda e: _Words(Tone.ROUTINE, _("a worker took it"), e.owner),
    ev.ContextFetched: _context,
    ev.ConversationStarted: lambda e: _Words(
        Tone.ROUTINE,
        _("conversation with %(model)s began (tier %(tier)s)", model=e.model, tier=e.tier + 1),
        _(
            "prompt %(prompt)s, taxonomy %(taxonomy)s, tools %(tools)s",
            prompt=e.prompt_version,
            taxonomy=e.taxonomy_version,
            tools=e.tools_version or _("not recorded"),
        ),
    ),
    ev.StepStarted: lambda e: _Words(
        Tone.ROUTINE,
        _("step %(step)s: calling %(model)s", step=e.step, model=e.model),
        _("%(sum)s reserved", sum=shown_usd(e.reserved_nanodollars)),
    ),
    ev.ModelReplied: lambda e: _Words(
        Tone.PROGRESS,
        _("step %(step)s: the model %(did)s", step=e.step, did=did(e.content)),
        f"stop: {e.stop}{_cached(e)}",
    ),
    ev.ModelFailed: lambda e: _Words(
        Tone.FAILURE, _("step %(step)s: %(why)s", step=e.step, why=means(e.reason)), e.detail
    ),
    ev.CallLost: lambda __: _Words(Tone.ATTENTION, _("a call's result was lost; it is charged in full")),
    ev.ToolFinished: _tool,
    ev.RepairAsked: lambda e: _Words(
        Tone.ATTENTION, _("step %(step)s: the model was shown what was wrong", step=e.step), _excerpt(e.message)
    ),
    ev.RunStopped: _stopped,
    ev.Retried: lambda e: _Words(Tone.ATTENTION, _("tried again at once: %(why)s", why=means(e.reason))),
    ev.TierRaised: lambda e: _Words(
        Tone.ATTENTION, _("went to tier %(tier)s: %(why)s", tier=e.tier + 1, why=means(e.reason))
    ),
    ev.Parked: lambda e: _Words(
        Tone.ATTENTION, _("parked until %(time)s: %(why)s", time=clock(e.until_ms), why=waits_for(e.reason))
    ),
    ev.Unparked: lambda __: _Words(Tone.ROUTINE, _("its waiting time was over")),
    ev.Released: lambda e: _Words(Tone.ROUTINE, _("the worker gave it back"), e.why),
    ev.LeaseExpired: lambda e: _Words(
        Tone.FAILURE, _("its worker was lost (loss %(losses)s)", losses=e.losses), e.owner
    ),
    ev.CallProposed: lambda e: _Words(
        Tone.ATTENTION,
        _("step %(step)s: %(tool)s waits for a person: %(does)s", step=e.step, tool=e.tool, does=_excerpt(e.does)),
        _call_detail(e),
    ),
    ev.CallEdited: lambda e: _Words(
        Tone.PERSON,
        _("%(person)s changed what the call is given", person=e.by),
        _excerpt(json.dumps(e.arguments, ensure_ascii=False)),
    ),
    ev.CallApproved: lambda e: _Words(
        Tone.PERSON,
        _("%(person)s approved the call, to be begun by %(time)s", person=e.by, time=clock(e.until_ms)),
        e.digest,
    ),
    ev.CallRejected: lambda e: _Words(Tone.PERSON, _("%(person)s refused the call", person=e.by), e.why),
    ev.EffectBegun: lambda e: _Words(Tone.PROGRESS, _("%(tool)s began to act outside", tool=e.tool), e.key),
    ev.EffectEnded: lambda e: _Words(Tone.PROGRESS, _("the action outside is done"), e.key),
    ev.Suggested: lambda e: _Words(
        Tone.PROGRESS,
        _("its call waits for a person") if e.queue == InboxQueue.APPROVALS else _("its suggestion waits for a person"),
        "; ".join(filter(None, (_("inbox queue %(queue)s", queue=translated(e.queue)), e.why))),
    ),
    ev.HandedOff: lambda e: _Words(
        Tone.FAILURE, _("handed off to %(queue)s: %(why)s", queue=translated(e.queue), why=means(e.reason)), e.detail
    ),
    ev.Closed: lambda e: _Words(Tone.PERSON, _closed(e), e.detail),
    ev.Cancelled: lambda e: _Words(Tone.PERSON, _("%(person)s cancelled it", person=e.by)),
    ev.Rejected: lambda e: _Words(
        Tone.FAILURE, _("could not be read as a ticket (from %(origin)s)", origin=e.origin), e.error
    ),
    ev.PersonActed: lambda e: _Words(Tone.PERSON, _acted(e), e.note),
    ev.Resumed: lambda e: _Words(
        Tone.PERSON,
        _("%(person)s sent it back to the agent from step %(step)s", person=e.by, step=e.from_step)
        if e.from_step
        else _("%(person)s sent it back to the agent", person=e.by),
        e.hint,
    ),
    ev.MessageAdded: lambda e: _added(e),
    ev.Reopened: lambda e: _Words(Tone.ATTENTION, _reopened(e)),
    ev.Upheld: lambda e: _Words(
        Tone.PERSON if e.kind else Tone.PROGRESS,
        _("%(person)s closed what was added (%(kind)s): the decision stands", person=e.by, kind=_kind(e.kind))
        if e.kind
        else _("with what was added in view, the decision stands"),
    ),
    ev.TextsErased: lambda e: _Words(
        Tone.PERSON, _("%(person)s erased its texts", person=e.by), _("receipt %(receipt)s", receipt=e.receipt)
    ),
    ev.Unreadable: lambda e: _Words(
        Tone.ATTENTION, _("an event this version cannot read"), _excerpt(json.dumps(e.raw, default=str))
    ),
}
"""One narrator for every event but those of `_result`; a test compares both with the vocabulary."""
