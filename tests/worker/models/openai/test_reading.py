"""How a completion is read: what a server adds or leaves out, why a model stopped, and what was used."""

from dataclasses import replace
from typing import Any

import pytest

from tasks.errors import ModelError
from tasks.reasons import Reason
from tasks.run.call_ids import with_own_ids
from tasks.run.checkpoint import Checkpoint
from tasks.run.events import ModelReplied, Recorded
from tasks.run.messages import StopReason, TokenUsage
from tests.worker.models.asking import request, served
from tests.worker.models.openai.replies import call, completion, read, sent, under
from worker.models.remote import RemoteModel
from worker.simulator import Simulator

ADDED = [
    {"reasoning_content": "The customer was charged twice."},
    {"reasoning": "Hm.", "reasoning_details": [{"type": "reasoning.encrypted", "data": "b3BhcXVl"}]},
]


@pytest.mark.parametrize("added", ADDED, ids=["reasoning_content", "reasoning_details"])
def test_what_a_server_adds_goes_back_as_it_came(added: dict[str, Any]) -> None:
    signed = {"extra_content": {"google": {"thought_signature": "c2ln"}}}
    reply = read(completion({**added, "tool_calls": [call('{"query":"x"}', **signed)]}, "tool_calls"))
    kept = Checkpoint().apply(Recorded(0, 0, 0, ModelReplied(1, "c", reply.content)))
    assistant = sent(replace(request(), messages=kept.messages))["messages"][1]
    assert {name: assistant[name] for name in added} == added
    assert assistant["tool_calls"] == [call('{"query":"x"}', **signed)]
    assert assistant["content"] is None


@pytest.mark.parametrize(
    ("arguments", "read_as"),
    [
        ('{"query": "x"}', {"query": "x"}),
        ({"query": "x"}, {"query": "x"}),
        ("", {}),
        (None, {}),
        ('{"query": "x"', '{"query": "x"'),
        ('{"query": NaN}', '{"query": NaN}'),
        ("[" * 100_000, "[" * 100_000),
        ('"text"', "text"),
    ],
    ids=range(8),
)
def test_arguments_are_read_as_far_as_they_are_json(arguments: Any, read_as: Any) -> None:
    (found,) = read(completion({"tool_calls": [call(arguments)]}, "tool_calls")).tool_calls
    assert found.arguments == read_as


@pytest.mark.parametrize(
    ("given", "kept"),
    [(None, "call_1_0"), ("", "call_1_0"), ("x" * 200, "call_1_0"), (7, "call_1_0"), ("functions.search:0", None)],
)
def test_a_call_without_a_fit_id_gets_one(given: Any, kept: str | None) -> None:
    reply = read(completion({"tool_calls": [call("{}", id=given)]}, "tool_calls"))
    assert [each.id for each in with_own_ids(reply, 1, ()).tool_calls] == [kept or given]


STOPS = [
    ({"tool_calls": [call("{}")]}, "stop", 20, StopReason.TOOL_USE),
    ({"tool_calls": [call("{}")]}, None, 20, StopReason.TOOL_USE),
    ({"content": "Hm."}, "tool_calls", 20, StopReason.END_TURN),
    ({"content": "Hm."}, None, 20, StopReason.UNKNOWN),
    ({"content": "Hm."}, "length", 1_024, StopReason.MAX_TOKENS),
    ({"tool_calls": [call('{"que')]}, "length", 1_024, StopReason.MAX_TOKENS),
    ({"content": "Hm."}, "length", 1_023, StopReason.CONTEXT_WINDOW),
    ({"content": "Hm."}, "content_filter", 20, StopReason.REFUSAL),
    ({"refusal": "I cannot."}, "stop", 20, StopReason.REFUSAL),
    ({"content": "Hm."}, "eos", 20, StopReason.UNKNOWN),
]


@pytest.mark.parametrize(("message", "raw", "tokens", "stop"), STOPS, ids=range(len(STOPS)))
def test_servers_say_in_different_ways_why_a_model_stopped(
    message: dict[str, Any], raw: str | None, tokens: int, stop: StopReason
) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": tokens}
    assert read(completion(message, raw, usage=usage)).stop is stop


def test_a_refusals_words_are_kept() -> None:
    assert read(completion({"refusal": "I cannot."})).content == ({"type": "text", "text": "I cannot."},)


def test_text_in_parts_is_one_text_and_blanks_are_none() -> None:
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "He"}, {"type": "text", "text": "y"}]
    assert read(completion({"content": parts})).content == ({"type": "text", "text": "Hey"},)
    assert read(completion({"content": " \n"})).content == ()


USAGES = [
    ({"prompt_tokens": 100, "completion_tokens": 20}, TokenUsage(100, 20)),
    ({"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 150}, TokenUsage(100, 50)),
    (
        {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 60}},
        TokenUsage(40, 20, 0, 60),
    ),
    (
        {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cache_write_tokens": 30}},
        TokenUsage(70, 20, 30, 0),
    ),
    ({"prompt_tokens": 100, "completion_tokens": 20, "prompt_cache_hit_tokens": 64}, TokenUsage(36, 20, 0, 64)),
    ({"prompt_tokens": 10, "completion_tokens": 2.0, "prompt_tokens_details": None}, TokenUsage(10, 2)),
    ({"prompt_tokens": 10, "completion_tokens": 2, "prompt_cache_hit_tokens": 64}, TokenUsage(0, 2, 0, 10)),
]


@pytest.mark.parametrize(("usage", "tokens"), USAGES, ids=range(len(USAGES)))
def test_what_was_used_is_read_as_it_is_billed(usage: dict[str, Any], tokens: TokenUsage) -> None:
    assert read(completion({"content": "Hm."}, usage=usage)).usage == tokens


def test_without_a_usage_the_worst_case_counts() -> None:
    async def work(_: Simulator, model: RemoteModel) -> None:
        asked = request()
        reply = await model.call(asked)
        assert reply.stop is StopReason.TOOL_USE
        assert model.cost(reply.usage) == model.worst_case(asked)

    served("openai", work, {"name": "missing_usage"})


BAD = [
    b"",
    b"null",
    b"[]",
    b"\xff\xfe",
    b"[" * 100_000,
    {"choices": []},
    {"choices": [None]},
    {"choices": [{"message": None}]},
    {"choices": [{"message": {"content": 7}}], "usage": {}},
    {"choices": [{"message": {"content": "x", "tool_calls": [{"id": "a"}]}}]},
    {"choices": [{"message": {"content": "x"}, "finish_reason": 7}]},
    *(
        {"choices": [{"message": {"content": "x"}}], "usage": usage}
        for usage in (
            {},
            {"prompt_tokens": -1, "completion_tokens": 1},
            {"prompt_tokens": True, "completion_tokens": 1},
        )
    ),
    {"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": 10**14, "completion_tokens": 1}},
    {"choices": [{"message": {"content": "\ud800"}}]},
    b"data: [DONE]\n\n",
    b'data: {"choices":[{"delta":{}}]}\n\n',
]


@pytest.mark.parametrize("body", BAD, ids=range(len(BAD)))
def test_no_body_is_read_as_a_completion_that_is_none(body: Any) -> None:
    with pytest.raises(ModelError) as caught:
        read(under(200, body))
    assert (caught.value.reason, caught.value.maybe_paid) == (Reason.MALFORMED_REPLY, True)
