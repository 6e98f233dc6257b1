"""The checkpoint: a run's state, folded from its journal. Resuming is folding and going on after the last result."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tasks.conversation import Added, as_turn, read_message
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.approval import ProposedCall
from tasks.run.changed import changed
from tasks.run.limits import Usage
from tasks.run.messages import SUBMIT, Block, Message, StopReason, TokenUsage, ToolCall
from tasks.run.opening import whole
from tasks.run.proposed import AnyCallEvent, done_for, not_done, proposed_after
from tasks.run.stuck import Fingerprint


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the run stands still. step: the failing step, 0 before the first.

    waits: nothing was tried, since the model's circuit breaker is open or other calls hold the day's budget. Such a
    wait counts as no try, and only the ticket's deadline ends it.
    """

    reason: Reason
    detail: str
    step: int
    retry_after_seconds: float | None = None
    waits: bool = False


@dataclass(frozen=True)
class Checkpoint:
    """What a run knows.

    tier: index of the model in use. conversation: whether its opening was written. model: whose conversation it is.
    versions: of prompt, taxonomy and tools in it, "" where its journal does not say.
    messages: what the model has been sent and said, verbatim; what its API refuses of that is its make's affair.
    turn: blocks of the user turn not sent yet.
    pending: tool calls asked for and not run. repairs: repair turns used in this conversation; repaired: the last step
    that took one, whose other faults are named in the same turn.
    decision: the validated result, as JSON values. person: why a person must decide it, by the rules.
    draft: the last result of the tiers before, which they did not stand by.
    stop: set while the plan must answer.
    attempts: how often the plan has answered each (reason, answer). trail: (step, fingerprint) of each tool call.
    prior: usage of the last call in this conversation. sent: messages the model had seen by then.
    proposed: a call of `pending` that people were shown, approved or not yet. done_for: (tool, person) of every effect
    that was done by approval.
    added: messages of the ticket. heard: how many of them ask for attention; unseen: those the model was not shown.
    marks: (step, messages sent in it), to rewind by. effects: (key, tool) of every effect begun; no new conversation
    makes them undone.
    """

    tier: int = 0
    context: str | None = None
    conversation: bool = False
    model: str = ""
    versions: tuple[str, ...] = ()
    messages: tuple[Message, ...] = ()
    turn: tuple[Block, ...] = ()
    pending: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    repairs: int = 0
    repaired: int = 0
    tool_errors: int = 0
    decision: Any = None
    draft: Any = None
    person: tuple[str, ...] = ()
    stop: Stop | None = None
    attempts: tuple[tuple[str, str], ...] = ()
    trail: tuple[tuple[int, Fingerprint], ...] = ()
    findings: tuple[str, ...] = ()
    prior: TokenUsage | None = None
    sent: int = 0
    marks: tuple[tuple[int, int], ...] = ()
    effects: tuple[tuple[str, str], ...] = ()
    proposed: ProposedCall | None = None
    done_for: tuple[tuple[str, str], ...] = ()
    added: tuple[Added, ...] = ()
    heard: int = 0
    unseen: int = 0

    def attempted(self, reason: Reason, answer: str) -> int:
        """How often the plan gave this answer to this reason."""
        return self.attempts.count((reason.value, answer))

    @property
    def suggestion(self) -> Any:
        """What a person is shown where no tier stands by its result."""
        return self.decision or self.draft

    @property
    def asked(self) -> tuple[Fingerprint, ...]:
        """What the model asked for, step by step: the same call twice in one reply is one question."""
        return tuple(fingerprint for _, fingerprint in dict.fromkeys(self.trail))

    @property
    def outgoing(self) -> tuple[Message, ...]:
        """What the next call sends: the conversation so far and the user turn that waits."""
        return (*self.messages, {"role": "user", "content": list(self.turn)}) if self.turn else self.messages

    def apply(self, recorded: ev.Recorded) -> "Checkpoint":
        """The checkpoint after one more event. Events that do not concern the run change nothing."""
        fold = _FOLDS.get(type(recorded.event))
        return self if fold is None else fold(self, recorded.event, recorded.at_ms)


def fold(journal: Iterable[ev.Recorded]) -> Checkpoint:
    """The checkpoint of a whole journal."""
    checkpoint = Checkpoint()
    for recorded in journal:
        checkpoint = checkpoint.apply(recorded)
    return checkpoint


def _claimed(cp: Checkpoint, _event: ev.Claimed, at: int) -> Checkpoint:
    """A deployment may have changed the system text or the tools since: the last call's usage bounds nothing now."""
    return changed(cp, prior=None, usage=cp.usage.held(at))


def _handed_off(cp: Checkpoint, _event: ev.HandedOff, at: int) -> Checkpoint:
    """An approval that was not used up is none any more: the call is put before people again."""
    return changed(_let_go(cp, _event, at), proposed=cp.proposed if _begun(cp) else None)


def _let_go(cp: Checkpoint, _event: ev.Event, at: int) -> Checkpoint:
    return changed(cp, usage=cp.usage.let_go(at))


def _lease_expired(cp: Checkpoint, event: ev.LeaseExpired, at: int) -> Checkpoint:
    """What the worker, or the store, was away for is nobody's work."""
    return changed(cp, usage=cp.usage.let_go(event.heard_ms or at))


def _context(cp: Checkpoint, event: ev.ContextFetched, _at: int) -> Checkpoint:
    return changed(cp, context=event.result)


def _conversation(cp: Checkpoint, event: ev.ConversationStarted, _at: int) -> Checkpoint:
    opening: Block = {"type": "text", "text": whole(event.opening, event.context_at, cp.context or "")}
    versions = (event.prompt_version, event.taxonomy_version, event.tools_version)
    fresh = _fresh_conversation(cp)
    late = tuple(_turn_of(message) for message in cp.added[event.messages :] if not message.quiet)
    return changed(
        fresh, conversation=True, tier=event.tier, model=event.model, versions=versions, turn=(opening, *late)
    )


def _step_started(cp: Checkpoint, event: ev.StepStarted, at: int) -> Checkpoint:
    messages = cp.outgoing
    started = at if cp.usage.started_ms is None else cp.usage.started_ms
    usage = changed(cp.usage, steps=max(event.step, cp.usage.steps), started_ms=started).held(at)
    marks = (*cp.marks, (event.step, len(messages)))
    return changed(cp, messages=messages, turn=(), usage=usage, marks=marks, unseen=0)


def _model_replied(cp: Checkpoint, event: ev.ModelReplied, _at: int) -> Checkpoint:
    tokens = TokenUsage(event.input_tokens, event.output_tokens, event.cache_write_tokens, event.cache_read_tokens)
    said: Message = {"role": "assistant", "content": list(event.content)}
    if event.stop == StopReason.PAUSE_TURN:
        said = {**said, "paused": True}
    asked = tuple(
        ToolCall(str(block["id"]), str(block["name"]), block.get("input"))
        for block in event.content
        if block.get("type") == "tool_use" and block.get("name") != SUBMIT
    )
    usage = changed(
        cp.usage,
        tokens=cp.usage.tokens + tokens,
        cost_nanodollars=cp.usage.cost_nanodollars + event.cost_nanodollars,
    )
    sent = len(cp.messages)
    return changed(cp, messages=(*cp.messages, said), pending=asked, usage=usage, prior=tokens, sent=sent)


def _model_failed(cp: Checkpoint, event: ev.ModelFailed | ev.CallLost, _at: int) -> Checkpoint:
    cost = cp.usage.cost_nanodollars + event.cost_nanodollars
    return changed(cp, usage=changed(cp.usage, cost_nanodollars=cost))


def _effect_begun(cp: Checkpoint, event: ev.EffectBegun, _at: int) -> Checkpoint:
    begun = (event.key, event.tool)
    return cp if begun in cp.effects else changed(cp, effects=(*cp.effects, begun))


def _tool_finished(cp: Checkpoint, event: ev.ToolFinished, _at: int) -> Checkpoint:
    result: dict[str, Any] = {"type": "tool_result", "tool_use_id": event.tool_call_id, "content": event.result}
    if event.outcome != "ok":
        result["is_error"] = True
    return changed(
        _repair_turn(cp, event.step) if event.outcome == "invalid" else cp,
        turn=(*cp.turn, result),
        pending=tuple(call for call in cp.pending if call.id != event.tool_call_id),
        usage=changed(cp.usage, tool_calls=cp.usage.tool_calls + 1),
        trail=(*cp.trail, (event.step, (event.tool, json.dumps(event.arguments, sort_keys=True), event.result))),
        tool_errors=cp.tool_errors + (event.outcome in ("error", "timeout")),
        proposed=None if cp.proposed and cp.proposed.call_id == event.tool_call_id else cp.proposed,
        done_for=(*cp.done_for, *done_for(cp.proposed, event)),
    )


def _call_shown(cp: Checkpoint, event: AnyCallEvent, _at: int) -> Checkpoint:
    return changed(cp, proposed=proposed_after(cp.proposed, event))


def _call_rejected(cp: Checkpoint, event: ev.CallRejected, _at: int) -> Checkpoint:
    return _not_done(cp, f"a person refused this call: {event.why}")


def _not_done(cp: Checkpoint, why: str) -> Checkpoint:
    """Without the call that people were shown, unless it was begun; its model hears why."""
    if (call := cp.proposed) is None or _begun(cp):
        return cp
    left = tuple(one for one in cp.pending if one.id != call.call_id)
    asked = len(cp.pending) - len(left)
    turn = (*cp.turn, not_done(call, why)) if asked else cp.turn
    usage = changed(cp.usage, tool_calls=cp.usage.tool_calls + asked)
    return changed(cp, proposed=None, pending=left, turn=turn, usage=usage)


def _begun(cp: Checkpoint) -> bool:
    return cp.proposed is not None and any(key == cp.proposed.key for key, _ in cp.effects)


def _repair_asked(cp: Checkpoint, event: ev.RepairAsked, _at: int) -> Checkpoint:
    block: Block = {"type": "text", "text": event.message}
    if event.tool_call_id:
        block = {
            "type": "tool_result",
            "tool_use_id": event.tool_call_id,
            "content": event.message,
            "is_error": True,
        }
    return changed(_repair_turn(cp, event.step), turn=(*cp.turn, block))


def _repair_turn(cp: Checkpoint, step: int) -> Checkpoint:
    return changed(cp, repairs=cp.repairs + (step != cp.repaired), repaired=step)


def _decision_submitted(cp: Checkpoint, event: ev.DecisionSubmitted, _at: int) -> Checkpoint:
    if cp.unseen:  # its model did not know what was added while it answered
        return changed(cp, pending=())
    return changed(cp, decision=event.decision, person=event.person, pending=())


def _run_stopped(cp: Checkpoint, event: ev.RunStopped, _at: int) -> Checkpoint:
    try:
        reason, detail = Reason(event.reason), event.detail
    except ValueError:  # a later version's; a journal that could not be read would keep its ticket for ever
        reason, detail = Reason.INTERNAL_ERROR, f"{event.reason}: {event.detail}"
    return changed(cp, stop=Stop(reason, detail, event.step, event.retry_after_seconds, event.waits))


def _retried(cp: Checkpoint, event: ev.Retried, _at: int) -> Checkpoint:
    return changed(cp, stop=None, attempts=(*cp.attempts, (event.reason, "retry")))


def _parked(cp: Checkpoint, event: ev.Parked, at: int) -> Checkpoint:
    if not event.reason:  # its producer's wish, before anything was tried
        return cp
    kind = "wait" if event.waits else "park"
    return changed(cp, stop=None, usage=cp.usage.let_go(at), attempts=(*cp.attempts, (event.reason, kind)))


def _tier_raised(cp: Checkpoint, event: ev.TierRaised, _at: int) -> Checkpoint:
    note = f"An earlier attempt stopped: {event.reason}."
    if leaning := _leaning_then(cp) if event.leaning is None else event.leaning:
        note += f" It leaned towards {leaning}."
    fresh = _fresh_conversation(cp)
    return changed(
        fresh,
        tier=event.tier,
        draft=cp.decision or cp.draft,
        attempts=(*cp.attempts, (event.reason, "tier")),
        findings=(*cp.findings, note),
    )


def _leaning_then(cp: Checkpoint) -> str:
    """Journals had no `TierRaised.leaning` while triage was the only process."""
    return f"{cp.decision['label']} (confidence {cp.decision['confidence']:.2f})" if cp.decision else ""


def _message_added(cp: Checkpoint, event: ev.MessageAdded, at: int) -> Checkpoint:
    message = Added(read_message(event.message), event.quiet, at)
    added = changed(cp, added=(*cp.added, message))
    if event.quiet:
        return added
    added = _not_done(added, "something was added to the ticket before a person had approved it")
    turn = (*added.turn, _turn_of(message)) if cp.conversation else cp.turn
    return changed(added, heard=cp.heard + 1, unseen=cp.unseen + 1, turn=turn, decision=None, person=())


def _turn_of(added: Added) -> Block:
    return {"type": "text", "text": as_turn(added.message)}


def _reopened(cp: Checkpoint, event: ev.Reopened, _at: int) -> Checkpoint:
    stands = f"Decided before the newest message: {event.stands}. Where that still fits, decide the same."
    return _begun_anew(cp, stands if event.stands else "")


def _resumed(cp: Checkpoint, event: ev.Resumed, _at: int) -> Checkpoint:
    hint = f"A person looked at this ticket and adds: {event.hint}" if event.hint else ""
    return _begun_anew(cp, hint, event.from_step)


def _begun_anew(cp: Checkpoint, hint: str, from_step: int = 0) -> Checkpoint:
    """The same conversation where it can go on, with fresh limits. hint: what the model has to know, "" for nothing."""
    cp = _not_done(cp, "a person sent the ticket back to you instead of approving it")
    findings = (*cp.findings, hint) if hint else cp.findings
    renewed = changed(
        cp,
        usage=changed(cp.usage, started_ms=None, worked_ms=0, held_ms=None),
        attempts=(),
        findings=findings,
        draft=None,
    )
    if cp.stop is not None and cp.stop.reason is Reason.EFFECT_UNKNOWN:  # the person has looked whether it happened
        open_ends = tuple(f":{cp.usage.steps}:{call.id}" for call in cp.pending)
        renewed = changed(renewed, effects=tuple(begun for begun in cp.effects if not begun[0].endswith(open_ends)))
    if not cp.conversation or (cp.stop is not None and cp.stop.reason in _DEAD_ENDS):
        return _fresh_conversation(renewed)
    if from_step:
        renewed = _rewound(renewed, from_step)
    if cp.stop is not None and cp.stop.reason in _BLOCKED_CALLS:
        renewed = changed(renewed, pending=(), proposed=None)
    said: tuple[Block, ...] = ({"type": "text", "text": hint},) if hint else ()
    turn = (*renewed.turn, *said)
    return changed(renewed, stop=None, decision=None, trail=(), repairs=0, tool_errors=0, turn=turn)


def _rewound(cp: Checkpoint, step: int) -> Checkpoint:
    """The conversation as it was when the call of `step` was about to be made; finished calls stay paid."""
    marks = [length for number, length in cp.marks if number >= step]
    if not marks:
        return cp
    kept = tuple(mark for mark in cp.marks if mark[0] < step)
    rest = cp.messages[: marks[0]]
    return changed(cp, messages=rest, marks=kept, turn=(), pending=(), proposed=None, prior=None, sent=0)


def _fresh_conversation(cp: Checkpoint) -> Checkpoint:
    return changed(
        cp,
        conversation=False, messages=(), turn=(), pending=(), marks=(), prior=None, sent=0,
        decision=None, stop=None, repairs=0, tool_errors=0, trail=(), proposed=None,
    )  # fmt: skip


_DEAD_ENDS = frozenset(
    {
        Reason.REPLY_TRUNCATED,
        Reason.MODEL_REFUSED,
        Reason.CONTEXT_EXCEEDED,
        Reason.UNKNOWN_STOP,
        Reason.MODEL_REQUEST_INVALID,
        Reason.INJECTION_SUSPECTED,
    }
)
"""Stops whose conversation cannot be continued: it, or its last reply, is unfit to be replayed."""

_BLOCKED_CALLS = frozenset({Reason.TOOL_CALL_LIMIT, Reason.EFFECT_UNKNOWN})
"""Stops whose pending calls would stop the run again at once: after a person looked, they are answered instead."""

_FOLDS: dict[type[ev.Event], Any] = {
    ev.Claimed: _claimed,
    ev.Released: _let_go,
    ev.LeaseExpired: _lease_expired,
    ev.Suggested: _let_go,
    ev.Decided: _let_go,
    ev.HandedOff: _handed_off,
    ev.Cancelled: _let_go,
    ev.ContextFetched: _context,
    ev.ConversationStarted: _conversation,
    ev.StepStarted: _step_started,
    ev.ModelReplied: _model_replied,
    ev.ModelFailed: _model_failed,
    ev.CallLost: _model_failed,
    ev.EffectBegun: _effect_begun,
    ev.ToolFinished: _tool_finished,
    ev.CallProposed: _call_shown,
    ev.CallEdited: _call_shown,
    ev.CallApproved: _call_shown,
    ev.CallRejected: _call_rejected,
    ev.RepairAsked: _repair_asked,
    ev.DecisionSubmitted: _decision_submitted,
    ev.RunStopped: _run_stopped,
    ev.Retried: _retried,
    ev.Parked: _parked,
    ev.TierRaised: _tier_raised,
    ev.Resumed: _resumed,
    ev.MessageAdded: _message_added,
    ev.Reopened: _reopened,
    ev.Upheld: _let_go,
}
