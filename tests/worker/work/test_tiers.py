"""The next tier goes on where one could not: with the findings, with the draft, or instead of it."""

from dataclasses import replace

import pytest

from fallbacks.ledger.states import State
from tasks.reasons import Reason
from tests.fakes.desk import submit
from tests.fakes.scripted_model import ScriptedModel, reply
from tests.worker.work.office import LIMITS, Office, Serve
from worker.models.tier import Tier


@pytest.mark.parametrize("reason", [Reason.LOW_CONFIDENCE, Reason.NO_DECISION, Reason.MODEL_REFUSED])
def test_the_next_tier_starts_its_own_conversation_with_the_findings(office: Serve, reason: Reason) -> None:
    script = {
        Reason.LOW_CONFIDENCE: reply(submit(label="card_arrival", evidence=["two weeks"], confidence=0.2)),
        Reason.NO_DECISION: reply({"type": "text", "text": "hm"}),
        Reason.MODEL_REFUSED: reply(stop="refusal"),
    }

    async def work(it: Office) -> None:
        first = ScriptedModel([script[reason]], name="first")
        second = ScriptedModel([reply(submit(label="card_arrival", evidence=["two weeks"]))], name="second")
        await it.accept()
        view = await it.rest(it.executor(Tier(first, 0.5), Tier(second, 0.5)))
        assert view.state is State.SUGGESTED
        assert view.decision is not None
        assert view.decision["tier"] == "second"
        (asked,) = second.asked
        assert len(asked.messages) == 1
        assert f"An earlier attempt stopped: {reason.value}." in str(asked.messages)
        assert ("leaned towards card_arrival" in str(asked.messages)) == (reason is Reason.LOW_CONFIDENCE)
        await it.balanced()

    office(work)


def test_a_hand_off_keeps_the_draft_of_the_tier_before(office: Serve) -> None:
    async def work(it: Office) -> None:
        unsure = reply(submit(label="card_arrival", evidence=["two weeks"], confidence=0.2))
        first, second = ScriptedModel([unsure], name="first"), ScriptedModel([reply(stop="refusal")], name="second")
        await it.accept()
        view = await it.rest(it.executor(Tier(first, 0.5), Tier(second, 0.5)))
        assert (view.state, view.reason) == (State.HANDED_OFF, Reason.MODEL_REFUSED)
        assert view.decision is not None
        assert (view.decision["label"], view.decision["tier"]) == ("card_arrival", "first")
        await it.balanced()

    office(work)


def test_a_provider_that_stays_down_hands_over_to_the_next_tier(office: Serve) -> None:
    async def work(it: Office) -> None:
        second = ScriptedModel([reply(submit(label="card_arrival", evidence=["two weeks"]))], name="second")
        it.simulator.fault("529")
        await it.accept(limits=replace(LIMITS, max_steps=30, max_cost_nanodollars=10**10))
        view = await it.rest(it.executor(Tier(it.small, 0.5), Tier(second, 0.5)))
        assert view.state is State.SUGGESTED
        assert (await it.views.checkpoint("T-1")).tier == 1

    office(work)
