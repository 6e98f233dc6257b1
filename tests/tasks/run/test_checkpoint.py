"""The checkpoint: what the journal folds to, and what a person's resume makes of it."""

import asyncio

import pytest

from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.checkpoint import Checkpoint, fold
from tasks.run.limits import Limits
from tasks.run.loop import Action, CallModel, OpenConversation, RunTools, next_action
from tests.fakes.desk import Desk, Workshop, search, submit, take_unwritten, unfit
from tests.fakes.scripted_model import ScriptedModel, reply, text, tool_use


def recorded(*events: ev.Event, at_ms: int = 1000) -> list[ev.Recorded]:
    return [ev.Recorded(seq, at_ms + seq, 1, event) for seq, event in enumerate(events)]


def resumed(desk: Desk, hint: str = "", from_step: int = 0) -> list[str | None]:
    """Resume a run that rested and let it go on; what the API would say to each request made after it."""
    before = len(desk.model.asked)
    desk.resume(hint, from_step)
    desk.work()
    assert len(desk.model.asked) > before, desk.checkpoint.stop
    return [unfit(request.messages) for request in desk.model.asked[before:]]


def texts(desk: Desk) -> str:
    return str(desk.model.asked[-1].messages)


def test_an_empty_journal_is_a_run_that_knows_nothing() -> None:
    assert fold([]) == Checkpoint()


def test_time_counts_from_the_first_step_and_not_from_the_claim() -> None:
    journal = recorded(ev.Claimed("w"), ev.ContextFetched("{}"), ev.StepStarted(1, "c"), ev.StepStarted(2, "d"))
    assert fold(journal).usage.started_ms == 1002


def test_time_without_a_worker_is_not_the_runs() -> None:
    began = [ev.Claimed("w"), ev.StepStarted(1, "c")]
    lost = recorded(*began, ev.LeaseExpired("w", 1, heard_ms=1003), ev.Claimed("v"))
    assert fold(lost).usage.worked_ms == 2
    assert fold(recorded(*began, ev.LeaseExpired("w", 1), ev.Claimed("v"))).usage.worked_ms == 1, "an older journal"
    parked = recorded(*began, ev.Parked("model_overloaded", 9), ev.Unparked(), ev.Claimed("w"))
    assert fold(parked).usage.seconds(1004) == fold(parked[:3]).usage.seconds(9999) == 0.001
    assert fold(recorded(*began, ev.HandedOff())).usage.seconds(10**9) == 0.001


def test_a_lost_call_costs_its_reservation_and_its_step() -> None:
    used = fold(recorded(ev.StepStarted(1, "c", "m", 70), ev.CallLost("c", 70))).usage
    assert (used.steps, used.cost_nanodollars) == (1, 70)


def test_events_of_people_and_of_later_versions_change_nothing() -> None:
    later = ev.read_event('{"type":"teleported","v":9,"at":5}')
    assert fold([*recorded(ev.PersonActed("ada", "note", "hm")), later]) == Checkpoint()


def test_the_plans_answers_are_counted_across_parks_and_forgotten_by_a_resume() -> None:
    journal = recorded(
        ev.RunStopped(1, "model_timeout"), ev.Retried("model_timeout"),
        ev.RunStopped(2, "model_timeout"), ev.Parked("model_timeout", 9), ev.Unparked(), ev.Claimed("w"),
    )  # fmt: skip
    cp = fold(journal)
    assert cp.stop is None
    assert cp.attempted(Reason.MODEL_TIMEOUT, "retry") == cp.attempted(Reason.MODEL_TIMEOUT, "park") == 1
    assert cp.attempted(Reason.MODEL_OVERLOADED, "park") == 0
    assert cp.apply(recorded(ev.Resumed("ada"))[0]).attempts == ()


def test_the_next_tier_starts_afresh_with_what_the_last_one_leaned_towards() -> None:
    desk = Desk(ScriptedModel([reply(search("a")), reply(submit(confidence=0.2))]), min_confidence=0.6)
    run = desk.run()
    stop = asyncio.run(run.advance())
    assert stop is not None
    desk.ledger.write([*take_unwritten(run), ev.TierRaised(1, stop.reason.value, run.leaning)])
    cp = desk.checkpoint
    assert (cp.tier, cp.messages, cp.conversation, cp.decision, cp.stop) == (1, (), False, None, None)
    assert cp.usage.steps == 2
    desk.model = ScriptedModel([reply(submit())], name="larger")
    assert desk.work() is None
    (first,) = desk.model.asked
    assert len(first.messages) == 1
    assert "leaned towards duplicate_charge for billing (confidence 0.20)" in str(first.messages)
    assert first.prior_usage is None


def test_a_resumed_suggestion_goes_on_with_the_hint_behind_the_results_it_owes() -> None:
    desk = Desk(ScriptedModel([reply(submit("s1")), reply(submit("s2", label="password_reset"))]))
    desk.work()
    assert resumed(desk, "they cannot sign in") == [None]
    assert "they cannot sign in" in texts(desk)
    assert desk.checkpoint.decision["label"] == "password_reset"


def test_a_resume_owes_results_for_the_calls_beside_a_submission_too() -> None:
    desk = Desk(ScriptedModel([reply(search("a"), submit("s"), search("b")), reply(submit("s2"))]))
    desk.work()
    assert desk.workshop.called == [("ticket_context", "", "")]
    assert resumed(desk, "look again") == [None]


def test_a_resume_after_prose_does_not_end_the_conversation_with_the_assistant() -> None:
    desk = Desk(ScriptedModel([reply(text("hm")), reply(text("well")), reply(submit())]))
    stop = desk.work()
    assert stop is not None
    assert stop.reason is Reason.NO_DECISION
    assert resumed(desk) == [None]


def test_a_resume_runs_the_calls_a_limit_left_pending() -> None:
    script = [reply(search("a", "one"), search("b", "two")), reply(submit())]
    desk = Desk(ScriptedModel(script), Limits(max_steps=1, max_cost_nanodollars=None))
    desk.work()
    assert ("search", "one", "") not in desk.workshop.called
    desk.limits = Limits(max_steps=2, max_cost_nanodollars=None)
    assert resumed(desk, "go on") == [None]
    assert desk.workshop.called[1:] == [("search", "one", ""), ("search", "two", "")]


def test_more_calls_than_any_limit_allows_are_answered_and_not_run_after_a_resume() -> None:
    script = [reply(*(search(f"c{n}", str(n)) for n in range(5))), reply(submit())]
    desk = Desk(ScriptedModel(script), Limits(max_tool_calls=3, max_cost_nanodollars=None))
    stop = desk.work()
    assert stop is not None
    assert stop.reason is Reason.TOOL_CALL_LIMIT
    assert resumed(desk) == [None]
    assert desk.checkpoint.decision is not None
    assert [name for name, _, _ in desk.workshop.called] == ["ticket_context"]


def test_after_a_person_looked_an_effect_of_unknown_result_does_not_stop_the_run_again() -> None:
    workshop = Workshop(answers={"x": TimeoutError()})
    desk = Desk(ScriptedModel([reply(tool_use("n", "notify", {"query": "x"})), reply(submit())]), workshop=workshop)
    stop = desk.work()
    assert stop is not None
    assert stop.reason is Reason.EFFECT_UNKNOWN
    assert resumed(desk, "it was sent") == [None]
    assert desk.checkpoint.decision is not None
    assert [name for name, _, _ in workshop.called].count("notify") == 1


@pytest.mark.parametrize("stop", ["max_tokens", "refusal", "model_context_window_exceeded", "simmered_down"])
def test_a_conversation_whose_last_reply_is_unfit_starts_again_with_the_hint(stop: str) -> None:
    cut = reply(text("Let me"), tool_use("t", "search", {}), stop=stop)
    desk = Desk(ScriptedModel([cut, reply(submit())]))
    desk.work()
    assert resumed(desk, "be brief") == [None]
    assert len(desk.model.asked[-1].messages) == 1
    assert "be brief" in texts(desk)


def test_a_conversation_the_provider_called_invalid_starts_again() -> None:
    journal = recorded(
        ev.ConversationStarted(opening="hi"), ev.StepStarted(1, "c"), ev.RunStopped(1, "model_request_invalid"),
        ev.Resumed("ada"),
    )  # fmt: skip
    assert fold(journal).messages == ()


def test_a_resume_from_a_step_sends_again_what_that_step_was_sent() -> None:
    script = [reply(search("a", "one")), reply(search("b", "two")), reply(submit()), reply(submit("s2"))]
    desk = Desk(ScriptedModel(script))
    desk.work()
    asked = [request.messages for request in desk.model.asked]
    assert resumed(desk, "rather this", from_step=2) == [None]
    again = desk.model.asked[-1]
    assert again.messages[: len(asked[1])] == asked[1]
    assert again.prior_usage is None
    assert "rather this" in str(again.messages[len(asked[1]) :])
    assert desk.checkpoint.usage.steps == 4


def test_a_resume_renews_the_wall_clock_and_keeps_what_was_used() -> None:
    desk = Desk(ScriptedModel([reply(submit())]))
    desk.work()
    used = desk.checkpoint.usage
    desk.resume("again")
    renewed = desk.checkpoint.usage
    assert renewed.started_ms is None
    assert (renewed.steps, renewed.cost_nanodollars, renewed.tokens) == (1, used.cost_nanodollars, used.tokens)


def test_a_hint_outlives_the_conversation_it_was_given_in() -> None:
    desk = Desk(ScriptedModel([reply(submit())]))
    desk.work()
    desk.resume("they mean the blue card")
    desk.ledger.write([ev.TierRaised(1, "low_confidence")])
    desk.work()
    assert "they mean the blue card" in texts(desk)


def test_a_conversation_is_never_continued_on_another_model() -> None:
    desk = Desk(ScriptedModel([reply(text("hm")), reply(text("well"))], name="first"))
    desk.work()
    desk.resume("try this")
    desk.model = ScriptedModel([reply(submit())], name="second")
    assert desk.work() is None
    (request,) = desk.model.asked
    assert len(request.messages) == 1
    assert request.prior_usage is None
    assert "try this" in str(request.messages)


def test_the_first_call_after_a_claim_is_bounded_by_the_whole_request() -> None:
    """Between two claims a deployment may have changed the system text or the tools: the last usage bounds nothing."""
    said = (ev.ConversationStarted(opening="hi"), ev.StepStarted(1, "c"), ev.ModelReplied(1, "c", input_tokens=9))
    assert fold(recorded(*said)).prior is not None
    assert fold(recorded(*said, ev.Claimed("w"))).prior is None


def test_a_stop_for_a_reason_of_a_later_version_is_still_a_stop() -> None:
    stop = fold(recorded(ev.RunStopped(3, "solar_flare", "ouch"))).stop
    assert stop is not None
    assert (stop.reason, stop.step) == (Reason.INTERNAL_ERROR, 3)
    assert "solar_flare" in stop.detail


def test_blank_text_is_kept_in_the_journal_and_not_sent_back() -> None:
    desk = Desk(ScriptedModel([reply(text(""), search("a")), reply(text(" \n")), reply(submit())]))
    desk.work()
    assert [unfit(request.messages) for request in desk.model.asked] == [None, None, None]
    first = next(event for event in desk.ledger.events() if isinstance(event, ev.ModelReplied))
    assert first.content[0] == text("")


def test_the_order_of_argument_names_does_not_hide_a_repetition() -> None:
    one = fold(recorded(ev.ToolFinished(1, "a", "t", {"x": 1, "y": 2}, "{}")))
    other = fold(recorded(ev.ToolFinished(1, "b", "t", {"y": 2, "x": 1}, "{}")))
    assert one.trail == other.trail


def test_the_same_call_asked_twice_in_one_reply_is_one_question() -> None:
    twice = [ev.ToolFinished(1, f"t{i}", "search", {"q": "a"}, "[]") for i in range(2)]
    again = ev.ToolFinished(2, "t9", "search", {"q": "a"}, "[]")
    checkpoint = fold([ev.Recorded(0, 0, 1, event) for event in (*twice, again)])
    assert len(checkpoint.trail) == 3
    assert len(checkpoint.asked) == 2


@pytest.mark.parametrize(
    ("now", "action"),
    [
        (("p1", "x1", "t1"), CallModel()),
        (("p2", "x1", "t1"), OpenConversation()),
        (("p1", "x2", "t1"), OpenConversation()),
        (("p1", "x1", "t2"), OpenConversation()),
    ],
)
def test_a_conversation_told_other_things_than_now_is_begun_anew(now: tuple[str, ...], action: Action) -> None:
    begun = ev.ConversationStarted(0, "m", "p1", "x1", "opening", "t1", "0.1.0")
    checkpoint = fold(recorded(ev.ContextFetched("{}"), begun))
    assert next_action(checkpoint, Limits(), 2000, "m", now) == action


def test_what_an_older_journal_does_not_say_has_not_changed() -> None:
    checkpoint = fold(recorded(ev.ContextFetched("{}"), ev.ConversationStarted(0, "m", "p1", "x1", "opening")))
    assert next_action(checkpoint, Limits(), 2000, "m", ("p1", "x1", "t1")) == CallModel()


def test_tools_that_were_asked_for_run_before_anything_is_begun_anew() -> None:
    asked = ev.ModelReplied(1, "c", (search("a"),), "tool_use")
    started = ev.ConversationStarted(0, "m", "p1", "x1", "opening", "t1")
    checkpoint = fold(recorded(ev.ContextFetched("{}"), started, ev.StepStarted(1, "c", "m"), asked))
    assert next_action(checkpoint, Limits(), 2000, "m", ("p2", "x1", "t1")) == RunTools()
