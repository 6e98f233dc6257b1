"""What the scripts count for `/metrics`, on the fake and on a real server, and that it agrees with the audit."""

import re
from pathlib import Path

import pytest

from fallbacks.ledger.ledger import Conclusion
from fallbacks.ledger.sums.audit import audit
from fallbacks.ledger.sums.meters import BUDGETS, SECONDS, STEPS, Histogram, counted, field, histogram, of_tools, series
from fallbacks.store import keys
from tasks.errors import LeaseLost
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.ticket import Priority
from tests.fallbacks.scene import DECISION, MODEL, Scene, scene

PRELUDE = Path(__file__).parents[3] / "fallbacks" / "store" / "lua" / "_figures.lua"


async def meters(s: Scene) -> dict[str, int]:
    return {name: int(value) for name, value in (await s.store.fields(keys.METERS)).items()}


async def seen(s: Scene, name: str) -> Histogram:
    return histogram(await meters(s), name, STEPS if name == "run_steps" else SECONDS)


def observations(found: Histogram) -> int:
    return found.buckets[-1][1]


@scene
async def test_a_call_counts_its_model_outcome_tokens_and_cost(s: Scene) -> None:
    lease = await s.running()
    await s.begin(lease, 100)
    await s.end(lease, 40)
    await s.begin(lease, 100, call="c2")
    await s.fail(lease, "c2")
    found = await meters(s)
    assert found["llm_requests|model=small|outcome=ok"] == 1
    assert found["llm_requests|model=small|outcome=model_overloaded"] == 1
    assert found["llm_tokens|model=small|direction=input"] == 900
    assert found["llm_tokens|model=small|direction=output"] == 80
    assert found["llm_cost_nanodollars|model=small"] == 40


@scene
async def test_a_repeated_write_counts_once(s: Scene) -> None:
    lease = await s.running()
    for _ in range(2):
        await s.begin(lease, 100)
    for _ in range(2):
        await s.end(lease, 40)
    found = await meters(s)
    assert found["llm_requests|model=small|outcome=ok"] == 1
    assert found["llm_cost_nanodollars|model=small"] == 40


@scene
async def test_a_lost_worker_counts_its_run_and_its_call_in_full(s: Scene) -> None:
    await s.begin(await s.running(), 100)
    await s.pass_ms(31_000)
    await s.sweep()
    found = await meters(s)
    assert found["runs|outcome=lost|reason="] == 1
    assert found["llm_requests|model=small|outcome=lost"] == 1
    assert found["llm_cost_nanodollars|model=small"] == 100
    assert (await seen(s, "run_duration_seconds")).total >= 31


@scene
async def test_every_end_of_a_run_counts_with_its_outcome_and_reason(s: Scene) -> None:
    await s.suggested("t1")
    await s.handed_off("t2", Reason.TOOL_FAILED)
    lease = await s.running("t3")
    await s.ledger.park(lease, (), Reason.DAILY_BUDGET, await s.store.now_ms() + 1000)
    await s.ledger.release(await s.running("t4"), (), "stopping")
    await s.ledger.decide(await s.running("t5"), Conclusion((), DECISION, Priority.NORMAL), ())
    await s.running("t6")
    await s.inbox.cancel("t6", "anna")
    await s.inbox.cancel("t1", "anna")
    ends = {(each["outcome"], each["reason"]): count for each, count in series(await meters(s), "runs")}
    assert ends == {
        ("suggested", ""): 1,
        ("handed_off", "tool_failed"): 1,
        ("parked", "daily_budget"): 1,
        ("released", ""): 1,
        ("decided", ""): 1,
        ("cancelled", ""): 1,
    }


@scene
async def test_every_claim_has_waited_and_every_run_has_a_length_and_steps(s: Scene) -> None:
    await s.accept("t1")
    await s.pass_ms(45_000)
    lease = await s.claim("t1")
    for number in range(3):
        await s.begin(lease, 100, call=f"c{number}")
        await s.end(lease, 10, call=f"c{number}")
    await s.pass_ms(7_000)
    await s.ledger.release(lease, (), "stopping")
    again = await s.claim("t1")
    await s.begin(again, 100, call="d")
    await s.end(again, 10, call="d")
    await s.hand_off(again)
    waited, ran, steps = [await seen(s, name) for name in ("queue_wait_seconds", "run_duration_seconds", "run_steps")]
    assert dict(waited.buckets)["30"] == 1
    assert dict(waited.buckets)["60"] == observations(waited) == 2
    assert 45 <= waited.total < 50
    assert dict(ran.buckets)["10"] == observations(ran) == 2
    assert 7 <= ran.total < 10
    assert (dict(steps.buckets)["1"], dict(steps.buckets)["3"], steps.total) == (1, 2, 4)


@scene
async def test_tools_and_used_up_budgets_count_with_the_write_that_tells_them(s: Scene) -> None:
    lease = await s.running()
    told = [
        ev.ContextFetched("{}", "ok", 0.1),
        ev.ToolFinished(1, "a", "search_knowledge_base", {}, "[1, 2]", "ok", 0.3),
        ev.ToolFinished(1, "b", "my card is 4111", {}, "{}", "invalid"),
        ev.RunStopped(1, Reason.STEP_LIMIT.value, "3 of 3 steps"),
    ]
    await s.ledger.park(lease, told, Reason.DAILY_BUDGET, await s.store.now_ms())
    found = await meters(s)
    took = of_tools(found)["search_knowledge_base"]
    assert (dict(took.buckets)["0.25"], dict(took.buckets)["0.5"], took.total) == (0, 1, 0.3)
    assert found["tool_result_tokens|tool=search_knowledge_base"] == 2
    others = ("run", "queue", "tool_seconds", "tool_result")
    assert {name: count for name, count in found.items() if not name.startswith(others)} == {
        "tool_calls|tool=ticket_context|outcome=ok": 1,
        "tool_calls|tool=search_knowledge_base|outcome=ok": 1,
        "tool_calls|tool=unnamed|outcome=invalid": 1,
        "budget_exhausted|budget=steps": 1,
    }


@scene
async def test_an_effects_intent_counts_what_is_written_with_it_once(s: Scene) -> None:
    lease = await s.running()
    before = [ev.ToolFinished(1, "a", "notify_team", {}, "{}", "ok")]
    await s.ledger.begin_effect(lease, "k", "notify_team", before, key_honoured=True)
    await s.ledger.end_effect(lease, "k", "{}")
    await s.ledger.begin_effect(lease, "k", "notify_team", before, key_honoured=True)
    assert (await meters(s))["tool_calls|tool=notify_team|outcome=ok"] == 1


@scene
async def test_what_a_zombie_writes_counts_nothing(s: Scene) -> None:
    lease = await s.running()
    await s.begin(lease, 100)
    await s.inbox.cancel("t1", "anna")
    before = await meters(s)
    with pytest.raises(LeaseLost):
        await s.end(lease, 40)
    assert await meters(s) == before


@scene
async def test_handling_is_timed_from_the_first_hold_to_the_decision(s: Scene) -> None:
    version = await s.suggested()
    assert await s.inbox.next("anna")
    await s.pass_ms(20_000)
    assert await s.inbox.next("anna")  # held anew, not from anew
    await s.pass_ms(20_000)
    await s.inbox.approve("t1", "anna", version)
    handled = await seen(s, "human_handle_seconds")
    assert observations(handled) == 1
    assert 40 <= handled.total < 45
    assert "human_leases_expired" not in await meters(s)


@scene
async def test_a_hold_that_ran_out_is_counted_when_somebody_goes_on(s: Scene) -> None:
    await s.suggested("t1")
    assert await s.inbox.next("anna")
    await s.pass_ms(300_001)
    assert await s.inbox.next("ben")
    assert (await meters(s))["human_leases_expired"] == 1
    await s.pass_ms(300_001)
    version = await s.version()
    await s.inbox.claim("t1", "anna", version)
    await s.inbox.approve("t1", "anna", await s.version())
    assert (await meters(s))["human_leases_expired"] == 2
    assert (await seen(s, "human_handle_seconds")).total < 5


@scene
async def test_a_decision_without_a_hold_is_not_timed(s: Scene) -> None:
    await s.inbox.approve("t1", "anna", await s.suggested())
    assert observations(await seen(s, "human_handle_seconds")) == 0


@scene
async def test_the_same_history_counts_the_same_on_fake_and_server(s: Scene) -> None:
    lease = await s.running()
    await s.begin(lease, 100)
    await s.end(lease, 60)
    await s.suggested("t2")
    names = {name for name in await meters(s) if "|sum" not in name}
    assert names == {
        "llm_cost_nanodollars|model=small",
        "llm_requests|model=small|outcome=ok",
        "llm_tokens|model=small|direction=input",
        "llm_tokens|model=small|direction=output",
        "queue_wait_seconds|le=0.1",
        "run_duration_seconds|le=0.1",
        "run_steps|le=0",
        "runs|outcome=suggested|reason=",
    }


def test_figures_match_the_audits(play_for_real: object) -> None:
    async def story(s: Scene) -> None:
        for number in range(12):
            lease = await s.running(f"t{number}")
            await s.begin(lease, 1000, call=f"c{number}")
            if number % 3:
                await s.end(lease, 10 * number, call=f"c{number}")
            if number % 4 == 0:
                await s.hand_off(lease)
            elif number % 4 == 1:
                await s.ledger.suggest(lease, Conclusion((), DECISION, Priority.NORMAL))
            elif number % 4 == 2:
                await s.ledger.release(lease, (), "stopping")
        await s.pass_ms(31_000)
        await s.sweep()
        report, found = await audit(s.store), await meters(s)
        assert report.balanced, report.problems
        spent = sum(count for _, count in series(found, "llm_cost_nanodollars"))
        assert spent == report.spent > 0
        ends = {each["outcome"]: count for each, count in series(found, "runs")}
        assert ends["handed_off"] == report.alerts_raised == report.states["handed_off"]
        assert ends["suggested"] == report.states["suggested"]
        ended, waited = await seen(s, "run_duration_seconds"), await seen(s, "queue_wait_seconds")
        assert sum(ends.values()) == observations(ended) == observations(waited) - report.states["running"] == 12

    play_for_real(story)  # type: ignore[operator]


def test_the_bounds_of_the_buckets_are_those_of_the_scripts() -> None:
    tables = re.findall(r"\{([\d., ]+)\}", PRELUDE.read_text())
    assert [tuple(map(float, table.split(","))) for table in tables] == [STEPS, SECONDS]


def test_a_value_on_a_bound_belongs_below_it() -> None:
    found = histogram({"x|le=1": 2, "x|le=+Inf": 1, "x|sum": 1500}, "x", (0.5, 1))
    assert found == Histogram((("0.5", 0), ("1", 2), ("+Inf", 3)), 1.5)


def test_labels_come_back_as_they_were_written() -> None:
    stored = {field("llm_requests", model="a=b|c", outcome="ok"): 3, "llm_requests_more|x=1": 1}
    assert list(series(stored, "llm_requests")) == [({"model": "a=b_c", "outcome": "ok"}, 3)]


def test_every_budget_that_can_run_out_is_named() -> None:
    limits = {reason for reason in Reason if reason.value.endswith("_limit")} - {Reason.MODEL_SPEND_LIMIT}
    assert set(BUDGETS) == limits | {Reason.DAILY_BUDGET, Reason.SOURCE_BUDGET}
    stops = [ev.RunStopped(1, reason.value) for reason in Reason]
    assert counted(stops, MODEL) == {field("budget_exhausted", budget=budget): "1" for budget in BUDGETS.values()}
    assert counted([ev.Accepted()]) is None
