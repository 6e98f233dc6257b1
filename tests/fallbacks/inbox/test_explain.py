"""The cause card says what happened, where, what was used, and what to do, for every state and reason."""

from dataclasses import replace
from typing import Any

import pytest

from fallbacks.inbox.explain import Explanation, Used, explain, shown_events, shown_lines
from fallbacks.ledger.states import State
from fallbacks.ledger.views import TicketView, read_row
from fallbacks.plan import PLAN
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.checkpoint import fold
from tests.fakes.desk import TRIAGE

SECOND = 1000
DECISION = {"label": "card_lost", "team": "cards", "priority": "high", "confidence": 0.8}


def view(state: State, reason: Reason | None = None, decision: dict[str, Any] | None = None) -> TicketView:
    row = {"state": state.value, "version": "1", "epoch": "1", "source": "t", "priority": "normal", "accepted": "0"}
    return replace(read_row("t1", row, 0), reason=reason, decision=decision, spent_nanodollars=3_000_000)


def steps(count: int, *after: ev.Event) -> list[ev.Recorded]:
    """`count` calls, one a second, then what came after."""
    events: list[ev.Event] = []
    for number in range(1, count + 1):
        content = ({"type": "tool_use", "id": "t", "name": "look", "input": {}},)
        events += [
            ev.StepStarted(number, f"c{number}", "model"),
            ev.ModelReplied(number, f"c{number}", content, "tool_use", 90, 10, cost_nanodollars=1_000_000),
        ]
    return [ev.Recorded(seq, (seq + 2) // 2 * SECOND, 1, event) for seq, event in enumerate((*events, *after))]


def card(view: TicketView, timeline: list[ev.Recorded], now_ms: int = 99 * SECOND) -> Explanation:
    return explain(view, fold(timeline), timeline, now_ms, TRIAGE)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_told_in_words_with_its_step_and_what_to_do(reason: Reason) -> None:
    told = card(view(State.HANDED_OFF, reason), steps(3, ev.RunStopped(3, reason.value, "why")))
    assert told.headline == f"It needs a person at step 3: {PLAN[reason].means}."
    assert (told.failing_step, told.next) == (3, PLAN[reason].advice)


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_headline_and_a_next_step_even_with_nothing_recorded(state: State) -> None:
    told = card(view(state), [])
    assert told.headline.endswith(".")
    assert told.next.endswith(".")


def test_what_was_used_is_told_of_each_limit() -> None:
    usage = card(view(State.HANDED_OFF, Reason.STEP_LIMIT), steps(8, ev.HandedOff("step_limit"))).usage
    assert usage == (
        Used("steps", 8, 8),
        Used("tool calls", 0, 16),
        Used("tokens", 800, None),
        Used("dollars", 0.003, 0.05),
        Used("seconds", 8.0, 60.0),
    )
    assert [used.exhausted for used in usage] == [True, False, False, False, False]


def test_time_goes_on_while_a_worker_is_at_it_and_stands_still_when_it_waits_or_people_act() -> None:
    assert card(view(State.RUNNING), steps(2)).usage[-1].used == 98.0
    parked = steps(2, ev.Parked("model_overloaded", 50 * SECOND))
    assert card(view(State.PARKED, Reason.MODEL_OVERLOADED), parked).usage[-1].used == 2.0
    ended = steps(2, ev.HandedOff("step_limit"))
    noted = [*ended, ev.Recorded(9, 500 * SECOND, 1, ev.PersonActed("anna", "note"))]
    assert card(view(State.HANDED_OFF, Reason.STEP_LIMIT), noted).usage[-1].used == 2.0


def test_the_last_three_steps_are_told_with_what_came_of_them() -> None:
    timeline = steps(3, ev.StepStarted(4, "c4", "model"), ev.ModelFailed(4, "c4", "model_timeout", cost_nanodollars=7))
    last = card(view(State.HANDED_OFF, Reason.MODEL_TIMEOUT), timeline).last_steps
    assert [(step.step, step.did, step.ok) for step in last] == [
        (2, "called look", True),
        (3, "called look", True),
        (4, "failed: the model did not answer in time", False),
    ]
    assert last[-1].cost_nanodollars == 7


def test_a_stop_before_a_resume_is_not_the_failing_step_of_what_came_after() -> None:
    timeline = steps(3, ev.RunStopped(3, "worker_lost"), ev.Resumed("anna"))
    assert card(view(State.HANDED_OFF, Reason.WORKER_LOST), timeline).failing_step is None


def test_a_correction_names_what_was_suggested() -> None:
    suggested = ev.DecisionSubmitted(1, {"label": "refund"})
    timeline = steps(1, suggested, ev.Decided("anna", "edit", DECISION))
    told = card(view(State.DECIDED, None, DECISION), timeline)
    assert told.headline == "anna decided card_lost for cards where the agent had suggested refund."


def test_what_the_rules_did_is_told_and_nothing_of_it_where_the_suggestion_is_not_shown() -> None:
    ruled = ev.DecisionSubmitted(1, DECISION, ("the customer is vip",), ("the customer is vip",))
    first = ev.DecisionSubmitted(1, DECISION, (), ("of an earlier suggestion",))
    suggested, timeline = view(State.SUGGESTED, None, DECISION), steps(1, first, ruled)
    told = ("priority raised to high: the customer is vip", "a person must decide: the customer is vip")
    assert card(suggested, timeline).rules == told
    assert shown_lines(suggested, timeline, TRIAGE)[-1].detail.startswith("; ".join(told))
    blind = replace(suggested, blind=True)
    assert card(blind, timeline).rules == ()
    assert "vip" not in str(shown_lines(blind, timeline, TRIAGE)) + str(shown_events(blind, timeline))


def test_only_what_can_be_done_is_offered() -> None:
    assert "approve" in card(view(State.SUGGESTED, None, DECISION), []).actions
    assert "approve" not in card(view(State.HANDED_OFF, Reason.NO_DECISION), []).actions
    assert card(view(State.RUNNING), []).actions == ("cancel",)
    assert card(view(State.CANCELLED), []).actions == ()
