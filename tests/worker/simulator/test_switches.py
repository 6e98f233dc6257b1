"""Scripts and faults are switched on and hit what they should, and every call is counted."""

import asyncio
from collections.abc import Awaitable, Callable

import anthropic
import pytest
from anthropic.types import Message

from tests.services.waiting import wait_for
from tests.worker.simulator.asking import call, continued, fetch, payload, served
from worker.simulator import Fault, FaultName, Simulator, run_in_thread


def test_a_paused_turn_goes_on_when_it_is_sent_back() -> None:
    async def work(sim: Simulator, create: Callable[..., Awaitable[Message]]) -> None:
        sim.fault("pause_turn")
        asked = payload()
        paused = await create(**asked)
        assert paused.stop_reason == "pause_turn"
        said = {"role": "assistant", "content": [block.to_dict() for block in paused.content]}
        reply = await create(**asked | {"messages": [*asked["messages"], said]})
        assert reply.stop_reason == "tool_use"

    served(work)


def test_scripted_replies_follow_the_turns_of_a_ticket_and_then_the_agent_takes_over() -> None:
    script = [
        "Let me think.",
        [{"type": "tool_use", "name": "submit_decision", "input": {"label": "x"}}],
        {"content": [], "stop_reason": "refusal", "model": "claude-other"},
    ]

    async def work(sim: Simulator, create: Callable[..., Awaitable[Message]]) -> None:
        sim.faults.add(Fault.model_validate({"script": script, "match": "charged twice"}))
        asked = payload()
        for _ in range(2):  # a retry of the same turn gets the same reply
            first = await create(**asked)
            assert (first.content[0].to_dict()["text"], first.stop_reason) == ("Let me think.", "end_turn")
        asked = continued(asked, first)
        second = await create(**asked)
        assert call(second) == ("submit_decision", {"label": "x"})
        asked = continued(asked, second)
        third = await create(**asked)
        assert (third.content, third.stop_reason, third.model) == ([], "refusal", "claude-other")
        assert call(await create(**payload("Where is my parcel?")))[0] == "search_knowledge_base"

    served(work)


def test_a_fault_hits_as_often_as_told_and_only_what_it_matches() -> None:
    async def work(sim: Simulator, create: Callable[..., Awaitable[Message]]) -> None:
        sim.fault("500", times=1, match="T-2")
        sim.fault("529", messages=3)
        asked = payload(ticket_id="T-1")
        reply = await create(**asked)
        with pytest.raises(anthropic.InternalServerError):
            await create(**payload(ticket_id="T-2"))
        await create(**payload(ticket_id="T-2"))
        with pytest.raises(anthropic.OverloadedError):
            await create(**continued(asked, reply))

    served(work)


def test_a_share_of_requests_fails_repeatably() -> None:
    async def work(sim: Simulator, create: Callable[..., Awaitable[Message]]) -> int:
        sim.fault("429", share=0.5)
        failed = 0
        for _ in range(20):
            try:
                await create(**payload())
            except anthropic.RateLimitError:
                failed += 1
        return failed

    assert 0 < served(work, seed=3) == served(work, seed=3) < 20


@pytest.mark.parametrize("name", [name.value for name in FaultName if name is not FaultName.SCRIPT])
def test_no_fault_breaks_the_server(name: str) -> None:
    async def work(sim: Simulator, create: Callable[..., Awaitable[Message]]) -> None:
        sim.fault(name, times=1, seconds=0)
        try:
            async with asyncio.timeout(3):
                await create(**payload())
        except (anthropic.APIError, TimeoutError, ValueError):
            pass
        assert (await create(**payload())).stop_reason == "tool_use"
        assert sim.calls.report()["total"]["requests"] == 2

    served(work)


def test_the_ledger_knows_a_repeated_call_from_a_continued_one() -> None:
    async def work(sim: Simulator, create: Callable[..., Awaitable[Message]]) -> None:
        asked = payload()
        reply = await create(**asked)
        await create(**continued(asked, reply))
        assert sim.calls.report()["repeated"] == []
        await create(**asked)
        report = sim.calls.report()
        assert report["repeated"] == [{"ticket": "T-1", "messages": 1, "finished": 2}]
        assert report["total"] == {"requests": 3, "finished": 3}
        assert report["tokens"]["output_tokens"] > 0

    served(work)


def test_a_reply_nobody_waited_for_is_not_finished() -> None:
    async def work(sim: Simulator, create: Callable[..., Awaitable[Message]]) -> None:
        sim.fault("timeout", times=1)
        impatient = asyncio.ensure_future(create(**payload()))
        await asyncio.to_thread(wait_for, lambda: sim.calls.in_flight)
        impatient.cancel()
        await create(**payload(ticket_id="T-2"))
        assert sim.calls.report()["tickets"]["T-1"] == {"requests": 1, "finished": 0}

    served(work)


def test_faults_are_switched_and_calls_are_read_over_http() -> None:
    with run_in_thread(Fault(fault=FaultName.RATE_LIMITED, times=1)) as sim:
        client = anthropic.Anthropic(api_key="k", base_url=sim.url, max_retries=0)
        with client, pytest.raises(anthropic.RateLimitError):
            client.messages.create(**payload())
        active = fetch("POST", f"{sim.url}/_sim/faults", [{"fault": "500", "times": 2}, {"script": ["hi"]}])
        assert [(fault["fault"], fault["times"]) for fault in active] == [("429", 0), ("500", 2), ("script", None)]
        assert fetch("GET", f"{sim.url}/_sim/faults") == active
        assert fetch("DELETE", f"{sim.url}/_sim/faults") == []
        assert fetch("GET", f"{sim.url}/_sim/calls")["tickets"] == {"T-1": {"requests": 1, "finished": 0}}
