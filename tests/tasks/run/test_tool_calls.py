"""One tool call: what never reaches the function, what is cut, and effects that happen once."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from tasks.errors import EffectUnknown, LeaseLost
from tasks.run import events as ev
from tasks.run.messages import ToolCall
from tasks.run.tool import Effect, Tool
from tasks.run.tool_calls import MAX_RESULT_CHARS, ToolResult, ToolRunner
from tests.fakes.desk import TICKET, TOOL_TROUBLE, Workshop
from tests.fakes.recording_ledger import Crash, RecordingLedger


class Bench:
    """A runner over a workshop's tools."""

    def __init__(self, *more: Tool, workshop: Workshop | None = None) -> None:
        self.workshop = workshop or Workshop()
        self.ledger = RecordingLedger()
        self.before: list[ev.Event] = []
        self.runner = ToolRunner(self.workshop.tools(*more), TICKET, "T-1", self.ledger)

    def call(
        self, name: str, arguments: Any, *, call_id: str = "c1", used: int = 0, seconds_left: float | None = None
    ) -> ToolResult:
        call = ToolCall(call_id, name, arguments)
        return asyncio.run(self.runner.run(call, 1, used, self.before, seconds_left))

    @property
    def called(self) -> list[str]:
        return [name for name, _, _ in self.workshop.called]


def test_a_result_is_json_text() -> None:
    bench = Bench()
    result = bench.call("search", {"query": "grüße"})
    assert result == ToolResult("ok", '{"found":"grüße"}')


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("delete_everything", {}),
        ("ticket_context", {}),
        ("search", {}),
        ("search", {"query": 5}),
        ("search", {"query": "x", "customer_id": "other"}),
        ("search", None),
        ("search", ["x"]),
        ("search", "x"),
    ],
)
def test_what_the_schema_or_the_allow_list_refuses_never_reaches_a_function(name: str, arguments: Any) -> None:
    bench = Bench()
    result = bench.call(name, arguments)
    assert result.outcome == "invalid"
    assert "error" in json.loads(result.text)
    assert bench.called == []


def test_calls_beyond_the_runs_own_cap_are_refused() -> None:
    workshop = Workshop()
    bench = Bench(workshop.tool("search", calls_per_run=2), workshop=workshop)
    assert bench.call("search", {"query": "x"}, used=1).outcome == "ok"
    assert bench.call("search", {"query": "x"}, used=2).outcome == "refused"
    assert bench.called == ["search"]


def test_a_call_beyond_the_fleets_rate_is_refused() -> None:
    bench = Bench()
    bench.ledger.rates["search"] = 1
    assert [bench.call("search", {"query": "x"}).outcome for _ in range(2)] == ["ok", "refused"]
    assert bench.called == ["search"]


def test_a_hung_tool_is_cut_at_its_own_timeout() -> None:
    workshop = Workshop(hangs={"x"})
    bench = Bench(workshop.tool("search", timeout_seconds=0.01), workshop=workshop)
    assert bench.call("search", {"query": "x"}).outcome == "timeout"


def test_a_hung_tool_is_cut_at_the_end_of_the_run() -> None:
    bench = Bench(workshop=Workshop(hangs={"x"}))
    assert bench.call("search", {"query": "x"}, seconds_left=0.01).outcome == "timeout"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (TOOL_TROUBLE, "the directory is closed"),
        (RuntimeError("password=hunter2"), "search failed: RuntimeError"),
        ("x" * (MAX_RESULT_CHARS + 1), "too long"),
        ({("a", "b"): 1}, "search failed: TypeError"),
        ({"name": "\ud800"}, "search failed: UnicodeEncodeError"),
    ],
)
def test_what_a_tool_does_wrong_is_told_to_the_model_in_one_line(answer: Any, told: str) -> None:
    result = Bench(workshop=Workshop(answers={"x": answer})).call("search", {"query": "x"})
    assert result.outcome == "error"
    assert told in json.loads(result.text)["error"]
    assert "hunter2" not in result.text


def test_a_lost_lease_is_no_fault_of_the_tool() -> None:
    bench = Bench(workshop=Workshop(answers={"x": LeaseLost("T-1")}))
    with pytest.raises(LeaseLost):
        bench.call("search", {"query": "x"})


def test_an_effect_is_written_down_with_what_went_before_and_then_attempted() -> None:
    bench = Bench()
    seen: list[list[str]] = []
    bench.workshop.answers["x"] = lambda: seen.append(bench.ledger.types()) or "done"
    bench.before.append(ev.ToolFinished(1, "c0", "search"))
    assert bench.call("notify", {"query": "x"}).outcome == "ok"
    assert seen == [["tool_finished", "effect_begun"]]
    assert bench.ledger.types() == ["tool_finished", "effect_begun", "effect_ended"]
    assert bench.before == []
    assert bench.workshop.called == [("notify", "x", "T-1:1:c1")]


def test_a_done_effect_is_answered_from_the_ledger() -> None:
    bench = Bench()
    first = bench.call("notify", {"query": "x"})
    bench.before.append(ev.ToolFinished(1, "c0", "search"))
    assert bench.call("notify", {"query": "x"}) == first
    assert bench.called == ["notify"]
    assert bench.before, "nothing was written, so nothing is taken from what waits to be written"


def test_another_call_of_the_model_is_another_effect() -> None:
    bench = Bench()
    bench.call("notify", {"query": "x"}, call_id="c1")
    bench.call("notify", {"query": "x"}, call_id="c2")
    assert bench.called == ["notify", "notify"]


def test_an_effect_whose_result_was_lost_is_not_tried_again_without_an_honoured_key() -> None:
    bench = Bench()
    bench.ledger.crash_after = 1
    with pytest.raises(Crash):
        bench.call("notify", {"query": "x"})
    bench.ledger.crash_after = None
    with pytest.raises(EffectUnknown):
        bench.call("notify", {"query": "x"})
    assert bench.called == []


def test_an_effect_whose_result_was_lost_is_tried_again_under_the_same_honoured_key() -> None:
    bench = Bench()
    bench.ledger.crash_after = 2  # the intent was written, the effect happened, its result was the second write
    with pytest.raises(Crash):
        bench.call("refund", {"query": "x"})
    bench.ledger.effects["T-1:1:c1"] = "begun"
    bench.ledger.crash_after = None
    assert bench.call("refund", {"query": "x"}).outcome == "ok"
    assert {key for _, _, key in bench.workshop.called} == {"T-1:1:c1"}
    assert bench.ledger.types().count("effect_begun") == 1


@pytest.mark.parametrize("answer", [TOOL_TROUBLE, TimeoutError(), RuntimeError()])
def test_an_effect_of_unknown_result_is_never_told_to_the_model(answer: Exception) -> None:
    """Its next call would carry another key, and the effect could happen twice."""
    for name, tries in (("notify", 1), ("refund", 2)):
        bench = Bench(workshop=Workshop(answers={"x": answer}))
        with pytest.raises(EffectUnknown):
            bench.call(name, {"query": "x"})
        assert len(bench.called) == tries
        assert len({key for _, _, key in bench.workshop.called}) == 1


def test_a_keyed_effect_that_fails_once_is_tried_again_with_its_key() -> None:
    answers = iter([TOOL_TROUBLE, "refunded"])

    def answer() -> Any:
        if isinstance(said := next(answers), Exception):
            raise said
        return said

    bench = Bench(workshop=Workshop(answers={"x": answer}))
    assert bench.call("refund", {"query": "x"}) == ToolResult("ok", '"refunded"')
    assert bench.ledger.effects == {"T-1:1:c1": 'done:"refunded"'}


def test_refused_arguments_of_an_effect_leave_no_trace() -> None:
    bench = Bench()
    assert bench.call("notify", {"text": "x"}).outcome == "invalid"
    assert (bench.ledger.stored, bench.ledger.effects) == ([], {})


def test_a_stale_worker_attempts_no_effect() -> None:
    bench = Bench()
    bench.ledger.lost = True
    with pytest.raises(LeaseLost):
        bench.call("notify", {"query": "x"})
    assert bench.called == []


def test_a_tool_may_be_offered_and_changed_by_replacing_it() -> None:
    workshop = Workshop()
    bench = Bench(replace(workshop.tool("search"), offered=False), workshop=workshop)
    assert bench.call("search", {"query": "x"}).outcome == "invalid"
    assert workshop.tool("search").effect is Effect.NONE
