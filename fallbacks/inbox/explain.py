"""Why a ticket is where it is, as values: what a person must know in five seconds. Console and `show` print it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from fallbacks.inbox.bounds import Waiting, bound, waiting
from fallbacks.inbox.narrate import (
    CLOSED,
    Line,
    clock,
    did,
    in_words,
    means,
    narrate,
    rules_in_words,
    waits_for,
)
from fallbacks.ledger.acts import Act
from fallbacks.ledger.states import State
from fallbacks.ledger.views import TicketView
from fallbacks.plan import PLAN
from tasks.language import N_, _, translated, written
from tasks.money import NANO
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.checkpoint import Checkpoint
from tasks.run.messages import SUBMIT
from tasks.run.process import Process

LAST_STEPS = 3

BLIND = N_("The agent has a suggestion that you are not shown: decide for yourself.")


@dataclass(frozen=True, slots=True)
class Used:
    """One limit of the run. name: steps, tool calls, tokens, dollars or seconds. limit: None for unlimited."""

    name: str
    used: float
    limit: float | None

    @property
    def exhausted(self) -> bool:
        """Nothing of it is left."""
        return self.limit is not None and self.used >= self.limit


@dataclass(frozen=True, slots=True)
class StepSummary:
    """One model call and what came of it. did: in words, quoting the model. ok: False where the call failed."""

    step: int
    call_id: str
    model: str
    did: str
    ok: bool = True
    tokens: int = 0
    cost_nanodollars: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Explanation:
    """The cause card.

    headline: the whole in one sentence. reason, means, detail: of what stopped the run; None and "" where nothing did.
    failing_step: where it stopped, None before the first step or where nothing failed. next: what to do, in words.
    actions: what a person may do now, by its verb. rules: what the process's rules did to the suggestion.
    waiting: beside `usage`, which counts work. bound: the one that gave it to people, "" where none did.
    """

    state: State
    headline: str
    reason: Reason | None
    means: str
    detail: str
    failing_step: int | None
    usage: tuple[Used, ...]
    last_steps: tuple[StepSummary, ...]
    next: str
    actions: tuple[Act, ...]
    waiting: Waiting
    rules: tuple[str, ...] = ()
    bound: str = ""


def explain(
    view: TicketView, checkpoint: Checkpoint, timeline: Sequence[ev.Recorded], now_ms: int, process: Process
) -> Explanation:
    """The cause card of one ticket, with nothing of a suggestion that is to be decided blind. now_ms: store time."""
    card = _explained(view, checkpoint, timeline, now_ms, process)
    if not view.blind:
        return card
    steps = tuple(replace(step, did=_("worked on it")) for step in card.last_steps)
    actions = tuple(action for action in card.actions if action not in (Act.APPROVE, Act.REJECT))
    return replace(
        card, headline=translated(BLIND), last_steps=steps, next=_("Decide by hand."), actions=actions, rules=()
    )


def shown_lines(view: TicketView, timeline: Sequence[ev.Recorded], process: Process) -> tuple[Line, ...]:
    """The timeline in words, with nothing in it of a suggestion that is blind or may yet become so."""
    return tuple(
        replace(line, text=_("the agent suggested something"), detail="") if _withheld(view, recorded.event) else line
        for line, recorded in zip(narrate(timeline, process), timeline, strict=True)
    )


def shown_events(view: TicketView, timeline: Sequence[ev.Recorded]) -> list[ev.Recorded]:
    """The timeline with nothing in it of a suggestion that is blind or may yet become so."""
    return [
        replace(recorded, event=_unsaid(recorded.event)) if _withheld(view, recorded.event) else recorded
        for recorded in timeline
    ]


def _withheld(view: TicketView, event: ev.Event) -> bool:
    """Whether it is decided blind is drawn when the run ends, after the model's reply was written down."""
    if view.blind:
        return isinstance(event, _TELLING)
    if view.state not in _AT_WORK:
        return False
    suggests = isinstance(event, ev.ModelReplied) and any(block.get("name") == SUBMIT for block in event.content)
    return suggests or isinstance(event, ev.DecisionSubmitted)


def _unsaid(event: ev.Event) -> ev.Event:
    match event:
        case ev.DecisionSubmitted():
            return replace(event, decision=None, raised=(), person=())
        case ev.ModelReplied():
            return replace(event, content=())
        case _:
            return event


_TELLING = (ev.DecisionSubmitted, ev.ModelReplied)
_AT_WORK = frozenset({State.QUEUED, State.RUNNING, State.PARKED})


def _explained(
    view: TicketView, checkpoint: Checkpoint, timeline: Sequence[ev.Recorded], now_ms: int, process: Process
) -> Explanation:
    failing = _failing_step(view, timeline)
    return Explanation(
        state=view.state,
        headline=_headline(view, timeline, failing, process),
        reason=view.reason,
        means=means(view.reason) if view.reason else "",
        detail=view.detail,
        failing_step=failing,
        usage=_usage(view, checkpoint, now_ms),
        last_steps=steps(timeline, process)[-LAST_STEPS:],
        next=_next(view),
        actions=_actions(view),
        waiting=waiting(view, timeline, now_ms),
        rules=_rules(timeline),
        bound=bound(view, checkpoint),
    )


def _rules(timeline: Sequence[ev.Recorded]) -> tuple[str, ...]:
    """Of the last suggestion."""
    events = (recorded.event for recorded in reversed(timeline))
    last = next((event for event in events if isinstance(event, ev.DecisionSubmitted)), None)
    return rules_in_words(last) if last else ()


def steps(timeline: Sequence[ev.Recorded], process: Process) -> tuple[StepSummary, ...]:
    """Every model call of the ticket, oldest first."""
    found: list[StepSummary] = []
    for recorded in timeline:
        if isinstance(recorded.event, ev.StepStarted):
            event = recorded.event
            found.append(StepSummary(event.step, event.call_id, event.model, _("has not answered yet")))
        elif found:
            found[-1] = _continued(found[-1], recorded.event, process)
    return tuple(found)


def _continued(step: StepSummary, event: ev.Event, process: Process) -> StepSummary:
    match event:
        case ev.ModelReplied():
            tokens = event.input_tokens + event.output_tokens + event.cache_write_tokens + event.cache_read_tokens
            cost, seconds = event.cost_nanodollars, event.seconds
            return replace(step, did=did(event.content), tokens=tokens, cost_nanodollars=cost, seconds=seconds)
        case ev.ModelFailed():
            cost, seconds = event.cost_nanodollars, event.seconds
            return replace(
                step,
                did=_("failed: %(why)s", why=means(event.reason)),
                ok=False,
                cost_nanodollars=cost,
                seconds=seconds,
            )
        case ev.CallLost():
            lost = _("failed: its worker was lost during the call")
            return replace(step, did=lost, ok=False, cost_nanodollars=event.cost_nanodollars)
        case ev.ToolFinished() if event.outcome != "ok":
            return replace(step, did=f"{step.did} ({event.tool}: {translated(event.outcome)})", ok=False)
        case ev.RepairAsked():
            return replace(step, did=_("%(did)s (refused as invalid)", did=step.did), ok=False)
        case ev.DecisionSubmitted() if event.decision:
            return replace(step, did=_("suggested %(result)s", result=process.headline(event.decision)))
        case _:
            return step


def _failing_step(view: TicketView, timeline: Sequence[ev.Recorded]) -> int | None:
    if view.reason is None:
        return None
    for recorded in reversed(timeline):
        event = recorded.event
        if isinstance(event, ev.RunStopped) and event.reason == view.reason.value:
            return event.step or None
        if isinstance(event, ev.Resumed | ev.Reopened):
            return None
    return None


def _usage(view: TicketView, checkpoint: Checkpoint, now_ms: int) -> tuple[Used, ...]:
    used, limits = checkpoint.usage, view.limits
    dollars = None if limits.max_cost_nanodollars is None else limits.max_cost_nanodollars / NANO
    return (
        Used("steps", used.steps, limits.max_steps),
        Used("tool calls", used.tool_calls, limits.max_tool_calls),
        Used("tokens", used.tokens.total, limits.max_tokens),
        Used("dollars", view.spent_nanodollars / NANO, dollars),
        Used("seconds", round(used.seconds(now_ms), 1), limits.max_seconds),
    )


def _headline(view: TicketView, timeline: Sequence[ev.Recorded], failing: int | None, process: Process) -> str:
    result = in_words(view.decision, process)
    match view.state:
        case State.QUEUED:
            return _("It waits for a worker.")
        case State.RUNNING:
            return _("A worker is on it, %(num)s model calls so far.", num=view.steps)
        case State.PARKED:
            return _(
                "It waits until %(time)s: %(why)s.", time=_parked_until(timeline), why=waits_for(view.reason or "")
            )
        case State.SUGGESTED if view.call is not None:
            return _("The agent asks to do this: %(does)s", does=view.call.does)
        case State.SUGGESTED:
            return _suggested(view, result)
        case State.HANDED_OFF | State.REJECTED:
            return _needs_a_person(view, failing)
        case State.DECIDED:
            return _decided(view, timeline, result, process)
        case State.CLOSED:
            kind = translated(CLOSED[view.closed]) if view.closed else _("no kind is recorded")
            return _("It is closed: %(kind)s.", kind=kind)
        case State.CANCELLED:
            return _("%(person)s cancelled it.", person=_who(timeline, ev.Cancelled))
        case unknown:
            assert_never(unknown)


def _suggested(view: TicketView, result: str) -> str:
    if not view.decision:
        return _("The agent suggests %(result)s.", result=result)
    sure = written(f"{view.decision['confidence']:.2f}")
    return _("The agent suggests %(result)s (confidence %(share)s).", result=result, share=sure)


def _needs_a_person(view: TicketView, failing: int | None) -> str:
    why = means(view.reason) if view.reason else _("no reason is recorded")
    if failing:
        return _("It needs a person at step %(step)s: %(why)s.", step=failing, why=why)
    return _("It needs a person: %(why)s.", why=why)


def _who(timeline: Sequence[ev.Recorded], kind: type[ev.Decided] | type[ev.Cancelled]) -> str:
    acts = [recorded.event.by for recorded in timeline if isinstance(recorded.event, kind)]
    if acts[-1:] == ["agent"]:
        return _("The agent")
    return "".join(acts[-1:]) or _("Somebody")


def _decided(view: TicketView, timeline: Sequence[ev.Recorded], result: str, process: Process) -> str:
    who, instead = _who(timeline, ev.Decided), _instead(view, timeline, process)
    if not instead:
        return _("%(person)s decided %(result)s.", person=who, result=result)
    return _(
        "%(person)s decided %(result)s where the agent had suggested %(suggested)s.",
        person=who,
        result=result,
        suggested=instead,
    )


def _instead(view: TicketView, timeline: Sequence[ev.Recorded], process: Process) -> str:
    decided_at = max((at for at, one in enumerate(timeline) if isinstance(one.event, ev.Decided)), default=0)
    before = (recorded.event for recorded in timeline[:decided_at])  # what came after it was closed: the decision stood
    offered = [event.decision for event in before if isinstance(event, ev.DecisionSubmitted)]
    suggested = offered[-1] if offered else None
    differs = suggested and view.decision and process.key(suggested) != process.key(view.decision)
    return process.key(suggested) if suggested and differs else ""


def _parked_until(timeline: Sequence[ev.Recorded]) -> str:
    waits = [recorded.event.until_ms for recorded in timeline if isinstance(recorded.event, ev.Parked)]
    return clock(waits[-1]) if waits else _("its time comes")


def _next(view: TicketView) -> str:
    match view.state:
        case State.QUEUED:
            return _("Nothing: it starts when a worker is free.")
        case State.RUNNING | State.PARKED:
            return _("Nothing: it goes on by itself.")
        case State.SUGGESTED if view.call is not None:
            return _("Look at what would happen: approve it, change it or refuse it.")
        case State.SUGGESTED if view.stands is not None:
            return _(
                "Something was added since it was decided: approve the new decision, or decide as before to keep it."
            )
        case State.SUGGESTED:
            return _("Approve it, decide otherwise, reject it or close it.")
        case State.HANDED_OFF | State.REJECTED:
            return translated(PLAN[view.reason].advice) if view.reason else _("Decide by hand.")
        case State.DECIDED:
            first = translated(_UNDOABLE) if view.undo_until_ms else _("Nothing: the decision stands.")
            return first + " " + _("If it is wrong, correct it.")
        case State.CLOSED:
            return translated(_UNDOABLE) if view.undo_until_ms else _("Nothing: nobody waits for an answer.")
        case State.CANCELLED:
            return _("Nothing: it is withdrawn.")
        case unknown:
            assert_never(unknown)


_UNDOABLE = N_("Nothing, or undo it while you still can.")


_OF_CALLS = (Act.APPROVE_CALL, Act.EDIT_CALL, Act.REJECT_CALL)


def _actions(view: TicketView) -> tuple[Act, ...]:
    undo = (Act.UNDO,) if view.undo_until_ms else ()
    match view.state:
        case State.QUEUED | State.RUNNING | State.PARKED:
            return (Act.CANCEL,)
        case State.SUGGESTED if view.call is not None:
            return (*_OF_CALLS, Act.EDIT, Act.CLOSE, Act.RESUME, Act.SNOOZE, Act.CANCEL)
        case State.SUGGESTED:
            return (Act.APPROVE, Act.EDIT, Act.REJECT, Act.CLOSE, Act.RESUME, Act.SNOOZE, Act.CANCEL)
        case State.HANDED_OFF:
            draft = (Act.APPROVE, Act.REJECT) if view.decision else ()
            return (*draft, Act.EDIT, Act.CLOSE, Act.RESUME, Act.SNOOZE, Act.CANCEL)
        case State.REJECTED:
            return (Act.REPAIR, Act.REJECT, Act.CLOSE, Act.SNOOZE, Act.CANCEL)
        case State.DECIDED:
            return (*undo, Act.CORRECT)
        case State.CLOSED:
            return undo
        case State.CANCELLED:
            return ()
        case unknown:
            assert_never(unknown)
