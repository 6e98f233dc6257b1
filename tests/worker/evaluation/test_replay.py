"""A recorded run again: recorded results, no effects, the same limits, and what comes out otherwise."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tasks.run import events as ev
from tasks.run.agent import Agent
from tasks.run.limits import Limits
from tasks.run.prompt import Prompt
from tasks.run.tool import Effect
from tasks.triage.process import Triage
from tasks.triage.prompt import BUILT_IN
from tests.fakes.desk import LIMITS, TICKET, TRIAGE, Desk, search, submit
from tests.fakes.scripted_model import ScriptedModel, reply, tool_use
from worker.evaluation.replay import Replay, replay
from worker.models.tier import Tier


def recorded(*script: object) -> Desk:
    desk = Desk(ScriptedModel([*script]))  # type: ignore[list-item]
    desk.work()
    return desk


def again(
    desk: Desk,
    model: ScriptedModel,
    from_step: int = 1,
    limits: Limits = LIMITS,
    process: Triage = TRIAGE,
    canary: str = "",
) -> Replay:
    agent = Agent(process, desk.workshop.tools(), canary=canary)
    return asyncio.run(replay(agent, (Tier(model, 0.5),), TICKET, limits, desk.ledger.journal(), from_step))


def called(desk: Desk) -> Sequence[str]:
    return [name for name, _, _ in desk.workshop.called]


def test_the_same_model_comes_to_the_same_and_looks_nothing_up_again() -> None:
    script = [reply(search("a")), reply(submit())]
    desk = recorded(*script)
    before = list(called(desk))
    found = again(desk, ScriptedModel(script))
    assert found.changed == {}
    assert called(desk) == before
    assert (len(found.after.steps), found.paid_nanodollars) == (2, 1200)


def test_another_answer_is_told_by_what_it_changes() -> None:
    desk = recorded(reply(search("a")), reply(submit()))
    found = again(desk, ScriptedModel([reply(submit(label="password_reset", confidence=0.8))]))
    assert found.changed == {
        "label": ("duplicate_charge", "password_reset"),
        "team": ("billing", "access"),
        "confidence": (0.9, 0.8),
        "steps": (2, 1),
        "cost_nanodollars": (1200, 600),
    }


def test_steps_before_the_one_named_are_taken_as_they_were() -> None:
    desk = recorded(reply(search("a")), reply(search("b", "y")), reply(submit()))
    model = ScriptedModel([reply(submit(label="password_reset"))])
    found = again(desk, model, from_step=3)
    assert len(model.asked) == 1
    assert [message["role"] for message in model.asked[0].messages] == ["user", "assistant"] * 2 + ["user"]
    assert found.changed == {"label": ("duplicate_charge", "password_reset"), "team": ("billing", "access")}
    assert (found.after.cost_nanodollars, found.paid_nanodollars) == (1800, 600)


def test_another_model_opens_a_conversation_of_its_own() -> None:
    desk = recorded(reply(search("a")), reply(submit()))
    model = ScriptedModel([reply(submit())], name="other")
    found = again(desk, model, from_step=2)
    assert len(model.asked[0].messages) == 1
    assert found.changed == {"tier": ("scripted", "other")}


def test_another_prompt_opens_a_conversation_of_its_own_and_both_versions_are_told() -> None:
    desk = recorded(reply(search("a")), reply(submit()))
    model, other = ScriptedModel([reply(submit())]), Prompt("Route it by submit_decision.")
    found = again(desk, model, 2, process=replace(TRIAGE, prompt=other), canary="c0ffee")
    assert found.changed == {"prompt": (BUILT_IN.version, other.version)}
    assert (len(model.asked[0].messages), model.asked[0].canary) == (1, "c0ffee")
    assert model.asked[0].system.startswith(other.rules)


def test_a_replay_that_says_the_canary_stops_as_the_run_would() -> None:
    desk = recorded(reply(submit()))
    model = ScriptedModel([reply(submit(summary="c0ffee"))])
    found = again(desk, model, canary="c0ffee")
    assert (found.after.reason, found.after.decision) == ("injection_suspected", None)
    assert "c0ffee" not in str(found)


def test_a_step_that_was_never_made_is_refused() -> None:
    desk = recorded(reply(submit()))
    with pytest.raises(ValueError, match="no step 2: there are 1"):
        again(desk, ScriptedModel([reply(submit())]), from_step=2)


@pytest.mark.parametrize("tool", ["notify", "refund"])
def test_an_effect_is_never_carried_out_again(tool: str) -> None:
    desk = recorded(reply(tool_use("n", tool, {"query": "x"})), reply(submit()))
    assert called(desk).count(tool) == 1
    asks = [reply(tool_use("n", tool, {"query": "x"}), tool_use("m", tool, {"query": "new"})), reply(submit())]
    model = ScriptedModel(asks)
    again(desk, model)
    assert called(desk).count(tool) == 1
    results = [block["content"] for block in model.asked[1].messages[-1]["content"]]
    assert "found" in results[0]
    assert "not carried out" in results[1]


def test_a_lookup_that_was_not_recorded_is_made() -> None:
    desk = recorded(reply(submit()))
    again(desk, ScriptedModel([reply(search("a", "fresh")), reply(submit())]))
    assert ("search", "fresh", "") in desk.workshop.called
    assert desk.workshop.tools()["search"].effect is Effect.NONE


def test_the_limits_of_the_ticket_hold() -> None:
    desk = recorded(reply(submit()))
    endless = ScriptedModel([reply(search(f"s{i}", str(i))) for i in range(9)])
    assert again(desk, endless, limits=Limits(max_steps=3)).after.reason == "step_limit"
    assert again(desk, endless, limits=Limits(max_cost_nanodollars=900)).after.reason == "cost_limit"


def test_a_run_that_stopped_is_told_by_its_reason() -> None:
    desk = recorded(reply(submit(confidence=0.9)))
    found = again(desk, ScriptedModel([reply(submit(confidence=0.1))]))
    assert found.changed["reason"] == ("", "low_confidence")
    assert isinstance(desk.ledger.journal()[0].event, ev.ContextFetched)
