"""An effect is done once for a ticket: by whatever model, in whatever conversation, after whatever crash."""

import asyncio

import pytest

from tasks.run import events as ev
from tasks.run.checkpoint import fold
from tasks.run.tool import Effect
from tests.fakes.desk import Desk, Workshop, submit
from tests.fakes.recording_ledger import Crash
from tests.fakes.scripted_model import ScriptedModel, reply, tool_use


def refund(call_id: str, query: str = "x") -> dict[str, object]:
    return tool_use(call_id, "refund", {"query": query})


def desk_of(*script: object, workshop: Workshop | None = None) -> Desk:
    shop = workshop or Workshop()
    tools = shop.tools(shop.tool("refund", Effect.KEYED, calls_per_run=1))
    return Desk(ScriptedModel(script), workshop=shop, tools=tools, min_confidence=0.5)  # type: ignore[arg-type]


def refunds(desk: Desk) -> list[str]:
    return [key for name, _, key in desk.workshop.called if name == "refund"]


def test_a_stronger_model_does_not_do_again_what_the_smaller_one_did() -> None:
    desk = desk_of(reply(refund("a")), reply(submit(confidence=0.1)), reply(refund("b")), reply(submit()))
    assert desk.work() is not None
    desk.ledger.write([ev.TierRaised(1, "low_confidence")])
    desk.model.name = "large"
    assert desk.work() is None
    assert refunds(desk) == ["T-1:1:a"]
    assert "not to be done again: refund" in str(desk.model.asked[2].messages)


def test_nor_does_a_run_that_a_person_sent_back_to_before_it() -> None:
    desk = desk_of(reply(refund("a")), reply(submit()), reply(refund("b")), reply(submit()))
    assert desk.work() is None
    desk.resume("think again", from_step=1)
    assert desk.work() is None
    assert refunds(desk) == ["T-1:1:a"]


def test_nor_does_another_model_after_a_crash_that_lost_the_result() -> None:
    desk = desk_of(reply(refund("a")), reply(refund("b")), reply(submit()))
    desk.ledger.crash_after = 4  # begin, end, intent, result of the effect
    with pytest.raises(Crash):
        asyncio.run(desk.run().advance())
    desk.ledger.claimed_again()
    desk.model.name = "deployed since"
    assert desk.work() is None
    assert refunds(desk) == ["T-1:1:a"]


def test_an_effect_that_may_not_have_happened_may_be_done_once_a_person_has_looked() -> None:
    shop = Workshop(answers={"x": TimeoutError()})
    desk = desk_of(reply(refund("a")), reply(refund("b", "y")), reply(submit()), workshop=shop)
    assert desk.work() is not None
    desk.resume("it never arrived, do it again")
    assert desk.work() is None
    assert refunds(desk) == ["T-1:1:a", "T-1:1:a", "T-1:2:b"]


def test_the_run_knows_of_its_effects_what_the_journal_knows() -> None:
    desk = desk_of(reply(refund("a")), reply(submit()))
    run = desk.run()
    asyncio.run(run.advance())
    assert run.checkpoint.effects == fold(desk.ledger.journal()).effects == (("T-1:1:a", "refund"),)
