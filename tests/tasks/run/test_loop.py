"""The bounded loop: every limit, every stop, and what a crash leaves to do."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tasks.errors import Draining, LeaseLost, ModelError, StepRefused
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.checkpoint import Checkpoint
from tasks.run.limits import Limits, Usage
from tasks.run.loop import CallModel, FetchContext, Halt, OpenConversation, RunTools, Submit, next_action
from tasks.run.messages import ModelReply, ModelRequest, TokenUsage, ToolCall
from tests.fakes.desk import LIMITS, TOOL_TROUBLE, Desk, Workshop, search, submit, take_unwritten, unfit
from tests.fakes.recording_ledger import Crash, RecordingLedger
from tests.fakes.scripted_model import Said, ScriptedModel, hang, reply, text, tool_use

UNLIMITED = Limits(None, None, None, None, None)


def stopped(desk: Desk) -> Reason:
    stop = desk.work()
    assert stop is not None
    assert desk.checkpoint.stop == stop, "the journal tells the same"
    assert all(unfit(request.messages) is None for request in desk.model.asked)
    return stop.reason


def desk(*script: Said, limits: Limits = LIMITS, **more: Any) -> Desk:
    return Desk(ScriptedModel(script), limits, **more)


def test_the_usual_ticket_takes_one_step_with_its_context_fetched_before() -> None:
    quick = desk(reply(submit()))
    assert quick.work() is None
    assert quick.ledger.types() == [
        "context_fetched", "conversation_started", "step_started", "model_replied", "decision_submitted",
    ]  # fmt: skip
    assert quick.workshop.called == [("ticket_context", "", "")]
    assert "&quot;" not in str(quick.model.asked[0].messages)
    assert '{"found":""}' in str(quick.model.asked[0].messages)


def test_a_run_without_a_prefetch_tool_goes_on_without_context() -> None:
    bare = desk(reply(submit()), tools={})
    assert bare.work() is None
    assert "<context>" not in str(bare.model.asked[0].messages)


def test_a_failing_prefetch_stops_nothing() -> None:
    assert desk(reply(submit()), workshop=Workshop(answers={"": TOOL_TROUBLE})).work() is None


def test_what_comes_next_is_decided_from_the_checkpoint_alone() -> None:
    opened = Checkpoint(context="{}", conversation=True, model="m")
    call = ToolCall("a", "search", {})
    for checkpoint, action in (
        (Checkpoint(), FetchContext()),
        (Checkpoint(context=""), OpenConversation()),
        (opened, CallModel()),
        (replace(opened, pending=(call,)), RunTools()),
        (replace(opened, model="another", pending=(call,)), OpenConversation()),
        (replace(opened, decision={"label": "x"}), Submit()),
    ):
        assert next_action(checkpoint, UNLIMITED, 0, "m") == action


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (replace(UNLIMITED, max_steps=0), Reason.STEP_LIMIT),
        (replace(UNLIMITED, max_tokens=0), Reason.TOKEN_LIMIT),
        (replace(UNLIMITED, max_seconds=0), Reason.TIME_LIMIT),
    ],
)
def test_zero_is_zero(limits: Limits, reason: Reason) -> None:
    none = desk(reply(submit()), limits=limits)
    assert stopped(none) is reason
    assert none.model.asked == []
    assert none.ledger.spent == 0


def test_no_tool_call_means_none() -> None:
    none = desk(reply(search("a")), limits=replace(UNLIMITED, max_tool_calls=0))
    assert stopped(none) is Reason.TOOL_CALL_LIMIT
    assert [name for name, _, _ in none.workshop.called] == ["ticket_context"]


def test_none_is_unlimited() -> None:
    used = Usage(10**6, 10**6, TokenUsage(10**9), 10**15, started_ms=0, held_ms=0)
    assert next_action(Checkpoint(context="", conversation=True, usage=used), UNLIMITED, 10**12, "") == CallModel()


def test_steps_are_counted_with_those_that_failed() -> None:
    failing = desk(ModelError(Reason.MODEL_UNAVAILABLE, "x", maybe_paid=False), limits=replace(LIMITS, max_steps=1))
    assert stopped(failing) is Reason.MODEL_UNAVAILABLE
    failing.ledger.write([ev.Retried("model_unavailable")])
    assert stopped(failing) is Reason.STEP_LIMIT
    assert len(failing.model.asked) == 1


def test_the_steps_are_over_before_the_next_call() -> None:
    looking = desk(*(reply(search(str(n), str(n))) for n in range(9)), limits=replace(LIMITS, max_steps=3))
    assert stopped(looking) is Reason.STEP_LIMIT
    assert len(looking.model.asked) == 3


def test_tool_calls_of_one_reply_are_all_run_or_none() -> None:
    script = [reply(search("a", "1"), search("b", "2")), reply(search("c", "3"), search("d", "4"))]
    greedy = desk(*script, limits=replace(LIMITS, max_tool_calls=3))
    assert stopped(greedy) is Reason.TOOL_CALL_LIMIT
    assert [query for _, query, _ in greedy.workshop.called] == ["", "1", "2"]


def test_tokens_in_and_out_are_counted_before_the_next_call() -> None:
    many = reply(search("a"), usage=TokenUsage(50, 20, 20, 10))
    assert stopped(desk(many, reply(submit()), limits=replace(LIMITS, max_tokens=100))) is Reason.TOKEN_LIMIT
    assert desk(many, reply(submit()), limits=replace(LIMITS, max_tokens=101)).work() is None


def test_the_ledger_refuses_a_call_that_could_cost_too_much_and_nothing_is_reserved() -> None:
    dear = desk(*(reply(search(str(n), str(n))) for n in range(9)), ledger=RecordingLedger(cap=2000))
    assert stopped(dear) is Reason.COST_LIMIT
    # 600 spent twice, and 1000 more would pass 2000
    assert (len(dear.model.asked), dear.ledger.spent, dear.ledger.reserved) == (2, 1200, 0)


@pytest.mark.parametrize("reason", [Reason.DAILY_BUDGET, Reason.AUTONOMY_OFF, Reason.MODEL_OVERLOADED])
def test_whatever_the_ledger_refuses_a_step_for_is_the_reason(reason: Reason) -> None:
    refused = desk(reply(submit()), ledger=RecordingLedger(refusal=StepRefused(reason, "no", 7.5)))
    stop = refused.work()
    assert stop is not None
    assert (stop.reason, stop.detail, stop.retry_after_seconds, stop.step) == (reason, "no", 7.5, 0)
    assert refused.model.asked == []


def test_a_model_without_a_price_is_never_called() -> None:
    unpriced = Desk(ScriptedModel([reply(submit())], worst=-1))
    assert stopped(unpriced) is Reason.PRICE_UNKNOWN
    assert unpriced.model.asked == []


def test_the_wall_clock_is_looked_at_before_each_call() -> None:
    def slowly(_: object) -> Any:
        slow.clock.pass_seconds(61)
        return reply(search("a"))

    slow = desk(slowly)
    stop = slow.work()
    assert stop is not None
    assert stop.reason is Reason.TIME_LIMIT
    assert "61.0 of 60.0 seconds" in stop.detail
    assert len(slow.model.asked) == 1
    assert [name for name, _, _ in slow.workshop.called] == ["ticket_context"]


def test_only_the_time_in_which_a_worker_holds_it_counts() -> None:
    busy = desk(ModelError(Reason.MODEL_RATE_LIMITED, "x", maybe_paid=False), reply(submit()))
    busy.work()
    busy.ledger.write([ev.Parked("model_rate_limited", 0)])
    busy.clock.pass_seconds(3600)
    busy.ledger.claimed_again()
    busy.clock.pass_seconds(59)
    busy.ledger.write([ev.LeaseExpired("w", 1, heard_ms=busy.clock.now_ms() - 1000)])
    busy.clock.pass_seconds(3600)
    busy.ledger.claimed_again()
    busy.clock.pass_seconds(1)
    assert busy.checkpoint.usage.seconds(busy.clock.now_ms()) == 59
    busy.clock.pass_seconds(1)
    assert stopped(busy) is Reason.TIME_LIMIT


def test_a_hung_call_is_cut_when_the_run_is_over_and_charged_in_full() -> None:
    hung = desk(hang, limits=replace(LIMITS, max_seconds=0.02))
    assert stopped(hung) is Reason.TIME_LIMIT
    assert (hung.ledger.spent, hung.ledger.reserved) == (1000, 0)


def test_a_hung_call_is_cut_after_its_own_time_where_the_run_has_more() -> None:
    hung = desk(hang, call_seconds=0.02)
    assert stopped(hung) is Reason.MODEL_TIMEOUT
    assert hung.ledger.spent == 1000


def test_a_hung_tool_is_cut_when_the_run_is_over() -> None:
    workshop = Workshop(hangs={"x"})
    hung = desk(reply(search("a", "x")), limits=replace(LIMITS, max_seconds=0.05), workshop=workshop)

    async def work() -> Reason | None:
        asyncio.get_running_loop().call_later(0.02, hung.clock.pass_seconds, 1)  # the run's clock is not the loop's
        run = hung.run()
        stop = await run.advance()
        assert [block for block in run.checkpoint.turn if block.get("is_error")]
        return stop.reason if stop else None

    assert asyncio.run(work()) is Reason.TIME_LIMIT


def test_no_call_of_a_reply_is_begun_after_the_time_is_over() -> None:
    workshop = Workshop(answers={"slow": lambda: late.clock.pass_seconds(61)})
    late = desk(reply(search("a", "slow"), tool_use("b", "notify", {"query": "x"})), workshop=workshop)
    assert stopped(late) is Reason.TIME_LIMIT
    assert late.ledger.effects == {}
    assert [call.id for call in late.checkpoint.pending] == ["b"]


@pytest.mark.parametrize(("maybe_paid", "cost"), [(True, 1000), (False, 0)])
def test_a_failed_call_is_charged_in_full_only_where_it_may_have_been_paid(maybe_paid: bool, cost: int) -> None:
    failing = desk(ModelError(Reason.MODEL_OVERLOADED, "busy", maybe_paid=maybe_paid, retry_after_seconds=3))
    stop = failing.work()
    assert stop is not None
    assert (stop.reason, stop.step, stop.retry_after_seconds) == (Reason.MODEL_OVERLOADED, 1, 3)
    assert (failing.ledger.spent, failing.ledger.reserved, failing.checkpoint.usage.cost_nanodollars) == (cost, 0, cost)
    assert failing.ledger.types()[-2:] == ["model_failed", "run_stopped"]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (reply(text("hm"), stop="max_tokens"), Reason.REPLY_TRUNCATED),
        (reply(stop="refusal"), Reason.MODEL_REFUSED),
        (reply(stop="model_context_window_exceeded"), Reason.CONTEXT_EXCEEDED),
        (reply(stop="new_in_2027"), Reason.UNKNOWN_STOP),
    ],
)
def test_a_reply_that_is_none_stops_the_run_at_once(said: Any, reason: Reason) -> None:
    cut = desk(said)
    assert stopped(cut) is reason
    assert len(cut.model.asked) == 1
    assert cut.ledger.spent == 600


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (reply(text("billing, I think")), Reason.NO_DECISION),
        (reply(), Reason.NO_DECISION),
        (reply(submit(label="nonsense")), Reason.INVALID_DECISION),
        (reply(tool_use("t", "search", {"q": 1})), Reason.INVALID_TOOL_CALL),
        (reply(tool_use("t", "delete_all", {})), Reason.INVALID_TOOL_CALL),
    ],
)
def test_there_is_one_repair_turn_and_then_the_plan(wrong: Any, reason: Reason) -> None:
    assert desk(wrong, reply(submit("again"))).work() is None
    hopeless = desk(wrong)
    assert stopped(hopeless) is reason
    assert len(hopeless.model.asked) == 2


def test_the_repair_turn_is_one_for_all_kinds_of_faults() -> None:
    mixed = desk(reply(text("hm")), reply(tool_use("t", "nonsense", {})), reply(submit()))
    assert stopped(mixed) is Reason.INVALID_TOOL_CALL


@pytest.mark.parametrize(
    "faults",
    [
        [tool_use("a", "search", {}), tool_use("b", "search", {"q": 1})],
        [submit("a", label="nonsense"), submit("b"), submit("c")],
        [tool_use("a", "nonsense", {}), submit("b", label="nonsense"), search("c")],
    ],
)
def test_all_faults_of_one_reply_share_the_repair_turn(faults: list[Any]) -> None:
    repaired = desk(reply(*faults), reply(submit("z")))
    assert repaired.work() is None
    assert [unfit(request.messages) for request in repaired.model.asked] == [None, None]


def test_parallel_calls_are_answered_together_and_in_order() -> None:
    both = desk(reply(text("both"), search("a", "1"), search("b", "2")), reply(submit()))
    assert both.work() is None
    turn = both.model.asked[1].messages[-1]
    assert [(block["tool_use_id"], block["content"]) for block in turn["content"]] == [
        ("a", '{"found":"1"}'), ("b", '{"found":"2"}'),
    ]  # fmt: skip


def test_a_refused_submission_beside_other_calls_is_answered_with_them() -> None:
    mixed = desk(reply(submit("s", label="nonsense"), search("a")), reply(submit()))
    assert mixed.work() is None
    turn = mixed.model.asked[1].messages[-1]["content"]
    assert {block["tool_use_id"] for block in turn} == {"s", "a"}


def test_a_paused_turn_is_continued_as_it_is() -> None:
    paused = desk(reply(text("..."), stop="pause_turn"), reply(submit()))
    assert paused.work() is None
    assert paused.model.asked[1].messages[-1]["role"] == "assistant"


def test_the_same_call_with_the_same_result_is_a_loop() -> None:
    looping = desk(*(reply(search(str(n), "x")) for n in range(9)))
    assert stopped(looping) is Reason.LOOP_DETECTED
    assert len(looping.model.asked) == 3


def test_a_cycle_of_calls_is_a_loop() -> None:
    cycling = desk(*(reply(search(str(n), "ab"[n % 2])) for n in range(9)))
    assert stopped(cycling) is Reason.LOOP_DETECTED
    assert len(cycling.model.asked) == 4


def test_the_same_call_with_new_results_is_progress() -> None:
    news = iter(range(100))
    script = [*(reply(search(str(n), "x")) for n in range(6)), reply(submit())]
    assert desk(*script, workshop=Workshop(answers={"x": lambda: next(news)})).work() is None


def test_tools_that_keep_failing_stop_the_run() -> None:
    workshop = Workshop(answers={"x": TOOL_TROUBLE, "y": TOOL_TROUBLE, "z": TOOL_TROUBLE})
    broken = desk(*(reply(search(c, c)) for c in "xyz"), reply(submit()), workshop=workshop)
    assert stopped(broken) is Reason.TOOL_FAILED


def test_an_effect_of_unknown_result_stops_the_run() -> None:
    workshop = Workshop(answers={"x": TOOL_TROUBLE})
    unknown = desk(reply(search("a"), tool_use("b", "notify", {"query": "x"})), workshop=workshop)
    assert stopped(unknown) is Reason.EFFECT_UNKNOWN
    assert unknown.ledger.types()[-4:] == ["model_replied", "tool_finished", "effect_begun", "run_stopped"]


def test_a_draining_worker_stops_before_the_next_step_and_keeps_what_was_not_written() -> None:
    drained = desk(reply(search("a")), reply(submit()))
    drained.workshop.answers["x"] = lambda: setattr(drained.ledger, "draining", True) or "found"
    run = drained.run()
    with pytest.raises(Draining):
        asyncio.run(run.advance())
    assert [event.type for event in take_unwritten(run)] == ["tool_finished"]
    assert take_unwritten(run) == []
    assert drained.ledger.reserved == 0


def test_a_lost_lease_ends_the_run_and_nothing_more_is_written() -> None:
    def stolen(_: object) -> Any:
        stale.ledger.lost = True
        return reply(submit())

    stale = desk(stolen)
    with pytest.raises(LeaseLost):
        asyncio.run(stale.run().advance())
    assert stale.ledger.types()[-1] == "step_started"


def test_a_cancelled_call_writes_nothing_and_leaves_its_reservation_to_the_sweep() -> None:
    called = asyncio.Event()

    async def answer(request: ModelRequest) -> ModelReply:
        called.set()
        return await hang(request)

    cut = desk(answer)

    async def work() -> None:
        task = asyncio.ensure_future(cut.run().advance())
        await called.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())
    assert cut.ledger.types()[-1] == "step_started"
    assert cut.ledger.reserved == 1000


def test_a_decision_that_was_written_is_concluded_without_another_call() -> None:
    done = desk(reply(submit()), reply(text("never asked")))
    done.ledger.crash_after = 2
    with pytest.raises(Crash):
        done.work()
    done.ledger.claimed_again()
    assert done.work() is None
    assert len(done.model.asked) == 1


def test_a_stopped_run_stays_stopped_until_the_plan_answers() -> None:
    still = desk(reply(stop="refusal"), reply(submit()))
    assert stopped(still) is Reason.MODEL_REFUSED
    assert stopped(still) is Reason.MODEL_REFUSED
    assert len(still.model.asked) == 1
    assert still.ledger.types().count("run_stopped") == 1


def test_the_halt_names_the_reason() -> None:
    looping = Checkpoint(context="", trail=tuple((step, ("t", "{}", "r")) for step in range(3)))
    action = next_action(looping, UNLIMITED, 0, "m")
    assert isinstance(action, Halt)
    assert action.reason is Reason.LOOP_DETECTED
