"""The simulated agent as its users see it: the official SDK in front, its replies, and what the real API refuses."""

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

from tests.worker.simulator.asking import SEARCH, SUBMIT, SYSTEM, TICKET, call, continued, fetch, payload, served, turns
from worker.simulator import Simulator, run_in_thread
from worker.simulator.latency import latency


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
