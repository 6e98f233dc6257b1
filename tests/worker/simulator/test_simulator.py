"""The simulator as its users see it: the official SDK in front, its switches and books over plain HTTP."""

import asyncio
import json
import random
import statistics
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import pytest
from anthropic.types import Message

from tests.services.waiting import wait_for
from worker.simulator import Fault, FaultName, Simulator, run_in_thread
from worker.simulator.latency import latency

TICKET = "I was charged twice for my order. Refund &lt;one&gt; of them &amp; tell me."
SYSTEM = """Route the ticket.

Teams:
- billing: money (all of it)

Labels:
- duplicate_charge (billing): charged twice for one purchase
- password_reset (access): cannot sign in
- lost_parcel (shipping): the order never arrived"""
SEARCH = {
    "name": "search_knowledge_base",
    "description": "Search.",
    "input_schema": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
}
SUBMIT = {
    "name": "submit_decision",
    "description": "End.",
    "input_schema": {
        "type": "object",
        "properties": {name: {} for name in ("label", "priority", "summary", "rationale", "evidence", "confidence")},
        "required": ["label", "reviewer", "count"],
    },
}


def payload(ticket: str = TICKET, *, ticket_id: str = "T-1", **changed: Any) -> dict[str, Any]:
    opening = f"<ticket>\n<subject>Money</subject>\n<body>{ticket}</body>\n</ticket>"
    return {
        "model": "claude-haiku-4-5",
        "max_tokens": 500,
        "system": SYSTEM,
        "messages": [{"role": "user", "content": [{"type": "text", "text": opening}]}],
        "tools": [SEARCH, SUBMIT],
        "metadata": {"user_id": ticket_id},
    } | changed


def continued(before: dict[str, Any], reply: Message) -> dict[str, Any]:
    blocks = [block.to_dict() for block in reply.content]
    results = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": "none"}
        for block in blocks
        if block["type"] == "tool_use"
    ]
    user = {"role": "user", "content": results or [{"type": "text", "text": "Use a tool."}]}
    return before | {"messages": [*before["messages"], {"role": "assistant", "content": blocks}, user]}


def served(work: Callable[[Simulator, Callable[..., Awaitable[Message]]], Awaitable[Any]], **options: Any) -> Any:
    """Run `work(simulator, create)`, `create` being the SDK's own, without its retries."""

    async def main() -> Any:
        async with (
            Simulator(**options) as sim,
            anthropic.AsyncAnthropic(api_key="k", base_url=sim.url, max_retries=0) as client,
        ):
            return await work(sim, client.messages.create)

    return asyncio.run(main())


def call(reply: Message) -> tuple[str, Any]:
    (block,) = reply.content
    assert block.type == "tool_use"
    return block.name, block.input


def turns(count: int, **fault: Any) -> list[tuple[str, Any]]:
    """The tool calls of a conversation under one fault."""

    async def work(sim: Simulator, create: Callable[..., Awaitable[Message]]) -> list[tuple[str, Any]]:
        sim.fault(**fault)
        calls, asked = [], payload()
        for _ in range(count):
            reply = await create(**asked)
            calls.append(call(reply))
            asked = continued(asked, reply)
        return calls

    return served(work)


def fetch(method: str, url: str, value: Any = None) -> Any:
    body = None if value is None else json.dumps(value).encode()
    asked = urllib.request.Request(url, body, {"content-type": "application/json"}, method=method)  # noqa: S310
    with urllib.request.urlopen(asked, timeout=60) as response:  # noqa: S310 - 127.0.0.1
        return json.load(response)


def test_the_agent_searches_once_and_then_submits_the_label_the_ticket_speaks_of() -> None:
    async def work(_: Simulator, create: Callable[..., Awaitable[Message]]) -> None:
        asked = payload()
        looked_up = await create(**asked)
        name, arguments = call(looked_up)
        assert (name, looked_up.stop_reason) == ("search_knowledge_base", "tool_use")
        assert "charged twice" in arguments["query"]
        name, decision = call(await create(**continued(asked, looked_up)))
        assert name == "submit_decision"
        assert decision["label"] == "duplicate_charge"
        assert decision["confidence"] > 0.6
        (quote,) = decision["evidence"]
        assert quote in "I was charged twice for my order. Refund <one> of them & tell me."
        assert decision["reviewer"] == "support"  # whatever else the schema requires is filled in

    served(work)


def test_a_ticket_without_a_known_word_is_not_decided_with_confidence() -> None:
    async def work(_: Simulator, create: Callable[..., Awaitable[Message]]) -> None:
        _, decision = call(await create(**payload("Qwertz uiop.", tools=[SUBMIT])))
        assert decision["confidence"] < 0.5

    served(work)


def test_ids_look_like_the_apis_and_repeat_with_the_seed() -> None:
    async def work(_: Simulator, create: Callable[..., Awaitable[Message]]) -> tuple[str, str]:
        reply = await create(**payload())
        return reply.id, reply.content[0].to_dict()["id"]

    first, again, other = served(work, seed=5), served(work, seed=5), served(work, seed=6)
    assert first == again != other
    assert first[0].startswith("msg_01")
    assert first[1].startswith("toolu_01")


def test_a_prefix_seen_before_is_read_from_the_cache_where_caching_is_asked_for() -> None:
    async def work(_: Simulator, create: Callable[..., Awaitable[Message]]) -> None:
        cached = payload(system=[{"type": "text", "text": SYSTEM, "cache_control": {"type": "ephemeral"}}])
        usages = [(await create(**cached)).usage for _ in range(2)]
        written, read = usages[0].cache_creation_input_tokens, usages[1].cache_read_input_tokens
        assert written == read > 0
        assert usages[0].cache_read_input_tokens == usages[1].cache_creation_input_tokens == 0
        assert usages[0].input_tokens == usages[1].input_tokens
        plain = (await create(**payload())).usage
        assert plain.cache_creation_input_tokens == plain.cache_read_input_tokens == 0

    served(work)


def test_output_beyond_max_tokens_is_cut() -> None:
    async def work(_: Simulator, create: Callable[..., Awaitable[Message]]) -> None:
        reply = await create(**payload(max_tokens=5))
        assert (reply.stop_reason, reply.usage.output_tokens) == ("max_tokens", 5)

    served(work)


USER = {"role": "user", "content": "hello"}
ASKS = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "x", "input": {}}]}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "r"}]}
STRICT = {"type": "object", "properties": {"q": {"type": "string", "maxLength": 5}}, "additionalProperties": False}
INVALID = {
    "max_tokens: Field required": {"max_tokens": None},
    "max_tokens: Input should be": {"max_tokens": 0},
    "temperature: Extra inputs": {"extra_body": {"temperature": 0}},
    "messages: at least one": {"messages": []},
    "messages.0.role": {"messages": [{"role": "system", "content": "x"}]},
    "first message must use": {"messages": [{"role": "assistant", "content": "x"}, USER]},
    "prefill": {"messages": [USER, {"role": "assistant", "content": "{"}]},
    "non-empty content": {"messages": [{"role": "user", "content": []}]},
    "text content blocks": {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]},
    "Input tag 'smell'": {"messages": [{"role": "user", "content": [{"type": "smell"}]}]},
    "without `tool_result`": {"messages": [USER, ASKS, USER]},
    "unexpected `tool_use_id`": {"messages": [USER, RESULT]},
    "must be unique": {"tools": [SEARCH, SEARCH]},
    "tools.0.custom: Field required": {"tools": [{"name": "x"}]},
    "'maxLength' is not supported": {"tools": [{"name": "x", "strict": True, "input_schema": STRICT}]},
    "'additionalProperties' must be": {"tools": [SEARCH | {"strict": True}]},
    "'any' is not supported": {"model": "claude-sonnet-5-5", "tool_choice": {"type": "any"}},
}


@pytest.mark.parametrize("message", INVALID)
def test_a_request_the_real_api_refuses_is_refused(message: str) -> None:
    async def work(sim: Simulator, create: Callable[..., Awaitable[Message]]) -> None:
        changed = dict(INVALID[message])
        if changed.get("max_tokens", 1) is None:
            changed = {"max_tokens": anthropic.omit, "timeout": 10}
        with pytest.raises(anthropic.BadRequestError) as caught:
            await create(**payload(**changed))
        assert message in str(caught.value.api_message)
        assert caught.value.type == "invalid_request_error"
        assert str(caught.value.request_id).startswith("req_")
        assert sim.calls.report()["total"] == {"requests": 0, "finished": 0}

    served(work)


def test_consecutive_messages_of_one_role_and_answered_tool_calls_are_accepted() -> None:
    async def work(_: Simulator, create: Callable[..., Awaitable[Message]]) -> None:
        await create(**payload(messages=[USER, USER, ASKS, RESULT]))

    served(work)


def test_a_key_is_required_and_may_be_checked() -> None:
    with run_in_thread(require_key="right") as sim:
        for headers in ({}, {"x-api-key": "wrong"}, {"authorization": "Bearer wrong"}):
            asked = urllib.request.Request(f"{sim.url}/v1/messages", b"{}", headers)  # noqa: S310 - 127.0.0.1
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(asked, timeout=60)  # noqa: S310
            with caught.value as error:
                assert error.code == 401
                assert error.headers["request-id"].startswith("req_")
                body = json.load(error)
            assert body["type"] == "error"
            assert body["error"]["type"] == "authentication_error"


def test_an_unknown_model_is_not_found() -> None:
    async def work(_: Simulator, create: Callable[..., Awaitable[Message]]) -> None:
        with pytest.raises(anthropic.NotFoundError):
            await create(**payload(model="gpt-4o"))

    served(work)


def test_an_endless_loop_repeats_one_call_and_an_alternating_loop_two() -> None:
    same = turns(3, name="endless_loop")
    assert same[0] == same[1] == same[2]
    first, second, third, fourth = turns(4, name="alternating_loop")
    assert first == third != second == fourth


def test_bad_calls_and_decisions_are_bad_in_their_own_way() -> None:
    assert turns(1, name="unknown_tool")[0][0] == "delete_all_tickets"
    name, arguments = turns(1, name="bad_arguments")[0]
    assert (name, "label" in arguments) == ("submit_decision", False)
    assert turns(1, name="invalid_decision")[0][1]["label"] == "label_that_does_not_exist"
    assert turns(1, name="invented_evidence")[0][1]["evidence"][0] not in TICKET
    assert turns(1, name="low_confidence")[0][1]["confidence"] < 0.2


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


@pytest.mark.parametrize("wrong", [{"fault": "gremlins"}, {"fault": "429", "tmies": 1}, {"fault": "script"}, 7])
def test_a_switch_that_does_not_exist_is_refused(wrong: Any) -> None:
    with run_in_thread() as sim:
        with pytest.raises(urllib.error.HTTPError) as caught:
            fetch("POST", f"{sim.url}/_sim/faults", wrong)
        with caught.value as error:
            assert error.code == 400
        assert fetch("GET", f"{sim.url}/_sim/faults") == []


def test_typical_latency_has_a_long_tail_and_repeats_with_the_seed() -> None:
    def drawn(seed: int) -> list[float]:
        typical = latency("typical", random.Random(seed))
        return [typical(100) for _ in range(500)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 1.5 < statistics.median(drawn(1)) < 2.2
    assert max(drawn(1)) > 3
    assert latency("0.25", random.Random())(100) == 0.25
    for wrong in ("fast", "-1", "nan", "inf"):
        with pytest.raises(ValueError, match="latency is"):
            latency(wrong, random.Random())


def test_it_runs_as_a_module_and_prints_its_url_first() -> None:
    command = [sys.executable, "-m", "worker.simulator", "--latency", "none", "--fault", "529", "--times", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        try:
            with anthropic.Anthropic(api_key="k", base_url=url, max_retries=0) as client:
                with pytest.raises(anthropic.OverloadedError):
                    client.messages.create(**payload())
                assert client.messages.create(**payload()).stop_reason == "tool_use"
            assert fetch("GET", f"{url}/_sim/calls")["total"] == {"requests": 2, "finished": 1}
        finally:
            process.terminate()
