"""What is the chat completions' own: how a conversation is written and read, and where its servers differ."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from openai import AsyncOpenAI

from tasks.errors import ModelError
from tasks.reasons import Reason
from tasks.run.call_ids import with_own_ids
from tasks.run.checkpoint import Checkpoint
from tasks.run.events import ModelReplied, Recorded
from tasks.run.messages import ModelReply, StopReason, TokenUsage
from tests.worker.models.asking import KEY, SEARCH, SUBMIT, answered, refused, replied, request, served
from worker.models.genai_pricing import Prices
from worker.models.httpx2_failures import from_response
from worker.models.openai.model import OpenAIModel, line_of
from worker.models.openai.wire import at_openai, most_input_tokens, read_reply, request_body
from worker.models.remote import RemoteModel
from worker.simulator import Simulator

MODEL = "gpt-5-mini"
WORST = TokenUsage(cache_write_tokens=9_000, output_tokens=1_024)


def sent(asked: Any, *, own: bool = False) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(request_body(MODEL, asked, own=own))
    return body


def completion(message: dict[str, Any], finish_reason: str | None = "stop", **fields: Any) -> httpx2.Response:
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    choice = {"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": finish_reason}
    return under(200, {"model": MODEL, "choices": [choice], "usage": usage, **fields})


def under(status: int, body: Any, headers: dict[str, str] | None = None) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    to = httpx2.Request("POST", "http://127.0.0.1:1/")
    return httpx2.Response(status, content=content, headers=headers, request=to)


def read(response: httpx2.Response) -> ModelReply:
    return read_reply(response, 1_024, lambda: WORST)


def call(arguments: Any, **fields: Any) -> dict[str, Any]:
    return {"id": "c1", "type": "function", "function": {"name": SEARCH.name, "arguments": arguments}, **fields}


def test_a_request_goes_out_as_the_sdk_itself_would_send_it() -> None:
    """Except for what the SDK says of its own retries and timeouts."""
    seen: list[httpx2.Request] = []

    def keep(arrived: httpx2.Request) -> httpx2.Response:
        seen.append(arrived)
        return httpx2.Response(200, json={})

    async def main() -> None:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(keep))
        client = AsyncOpenAI(api_key=KEY, base_url="http://127.0.0.1:1/a/proxy/v1", http_client=http)
        await client.post("/chat/completions", cast_to=httpx2.Response, content=b"{}")
        await line_of(client, http, with_key=True).post(b"{}")
        await line_of(client, http, with_key=False).post(b"{}")
        await client.close()

    asyncio.run(main())
    theirs, ours, keyless = seen
    assert (ours.method, ours.url, ours.content) == (theirs.method, theirs.url, theirs.content)
    said = {"x-stainless-retry-count", "x-stainless-timeout", "x-stainless-read-timeout", "x-stainless-raw-response"}
    assert dict(ours.headers) == {name: value for name, value in theirs.headers.items() if name not in said}
    assert ours.headers["authorization"] == f"Bearer {KEY}"
    assert "authorization" not in keyless.headers


def test_further_headers_go_along_and_a_url_without_a_path_is_a_servers_root() -> None:
    seen: list[httpx2.Request] = []

    def answer(arrived: httpx2.Request) -> httpx2.Response:
        seen.append(arrived)
        return completion({"content": "hello"})

    async def main() -> None:
        def http() -> httpx2.AsyncClient:
            return httpx2.AsyncClient(transport=httpx2.MockTransport(answer))

        for url in ("http://gpu:8080", "http://gpu:8080/api/v1"):
            own = {"X-Title": "Deskhand"}
            model = OpenAIModel("qwen3", Prices(), name="openai:qwen3", base_url=url, headers=own, http=http)
            await model.call(request())
            await model.aclose()

    asyncio.run(main())
    assert [str(each.url) for each in seen] == [
        "http://gpu:8080/v1/chat/completions",
        "http://gpu:8080/api/v1/chat/completions",
    ]
    assert all(each.headers["x-title"] == "Deskhand" and "authorization" not in each.headers for each in seen)


def test_the_request_bounds_its_output_by_the_name_that_the_server_knows() -> None:
    elsewhere, own = sent(request(SEARCH, SUBMIT)), sent(request(SEARCH, SUBMIT), own=True)
    assert elsewhere["max_tokens"] == own["max_completion_tokens"] == 1_024
    assert "max_completion_tokens" not in elsewhere
    assert "max_tokens" not in own
    assert own["service_tier"] == "default"
    assert [tool["function"]["name"] for tool in own["tools"]] == [SEARCH.name, SUBMIT.name]
    assert elsewhere["messages"][0]["role"] == "system"
    assert elsewhere["user"] == "T-7"


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("https://api.openai.com/v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("https://desk.openai.azure.com/openai/v1", True),
        ("https://openrouter.ai/api/v1", False),
        ("http://api.openai.com.example/v1", False),
        ("http://127.0.0.1:11434/v1", False),
    ],
)
def test_openais_own_servers_are_known_by_their_host(url: str, own: bool) -> None:
    assert at_openai(url) is own


def test_a_long_id_of_a_ticket_is_sent_as_its_hash() -> None:
    asked = request(ticket=request().ticket.model_copy(update={"id": "T-" + "7" * 100}))
    assert len(sent(asked)["user"]) == 64


def test_results_are_messages_of_their_own_right_behind_the_calls() -> None:
    blocks = [
        {"type": "text", "text": "Looking."},
        {"type": "tool_use", "id": "a", "name": SEARCH.name, "input": {"query": "ü"}},
        {"type": "tool_use", "id": "b", "name": SEARCH.name, "input": {}},
    ]
    reply = ModelReply(tuple(blocks), StopReason.TOOL_USE, TokenUsage(), MODEL)
    then = answered(request(), reply, '{"found":[]}')
    hinted = [*then.messages[-1]["content"], {"type": "text", "text": "Hurry."}]
    _, _, said, *results = sent(replace(then, messages=(*then.messages[:-1], {"role": "user", "content": hinted})))[
        "messages"
    ]
    assert said["content"] == "Looking."
    assert [json.loads(each["function"]["arguments"]) for each in said["tool_calls"]] == [{"query": "ü"}, {}]
    assert [(each["role"], each.get("tool_call_id")) for each in results] == [
        ("tool", "a"),
        ("tool", "b"),
        ("user", None),
    ]
    assert results[-1]["content"] == "Hurry."


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


@pytest.mark.parametrize("arguments", ['{"query": "x"', '"text"', "[]"])
def test_arguments_that_are_no_object_go_back_in_a_form_that_every_server_reads(arguments: str) -> None:
    reply = read(completion({"tool_calls": [call(arguments)]}, "tool_calls"))
    kept = Checkpoint().apply(Recorded(0, 0, 0, ModelReplied(1, "c", reply.content)))
    (again,) = sent(replace(request(), messages=kept.messages))["messages"][1]["tool_calls"]
    assert again["function"]["arguments"] == "{}"


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


FAILURES: list[tuple[int, Any, Reason, bool]] = [
    (400, {"message": "maximum context length is 8192 tokens"}, Reason.CONTEXT_EXCEEDED, False),
    (400, {"message": "the request exceeds the available context size", "type": "exceed_context_size_error"},
     Reason.CONTEXT_EXCEEDED, False),
    (400, {"code": "content_filter", "message": "filtered"}, Reason.MODEL_REFUSED, False),
    (400, {"message": "bad", "type": "invalid_request_error"}, Reason.MODEL_REQUEST_INVALID, False),
    (401, {"message": "no"}, Reason.MODEL_AUTH, False),
    (402, {"message": "Insufficient Balance"}, Reason.MODEL_SPEND_LIMIT, False),
    (404, {"message": "model not found"}, Reason.MODEL_NOT_FOUND, False),
    (407, None, Reason.MODEL_UNAVAILABLE, False),
    (421, None, Reason.MODEL_UNAVAILABLE, False),
    (422, {"message": "bad"}, Reason.MODEL_REQUEST_INVALID, False),
    (451, {"message": "not from here"}, Reason.MODEL_UNAVAILABLE, False),
    (429, {"message": "your quota", "type": "insufficient_quota"}, Reason.MODEL_SPEND_LIMIT, False),
    (429, {"message": "slow down", "type": "requests"}, Reason.MODEL_RATE_LIMITED, False),
    (500, {"message": "oops", "type": "server_error"}, Reason.MODEL_UNAVAILABLE, False),
    (500, "upstream", Reason.MODEL_UNAVAILABLE, True),
    (503, {"message": "Loading model", "type": "unavailable_error"}, Reason.MODEL_OVERLOADED, False),
    (503, {"message": "The engine is currently overloaded", "type": "server_error"}, Reason.MODEL_OVERLOADED, False),
    (504, {"message": "late", "type": "server_error"}, Reason.MODEL_TIMEOUT, True),
    (529, None, Reason.MODEL_OVERLOADED, True),
]  # fmt: skip


@pytest.mark.parametrize(("status", "error", "reason", "paid"), FAILURES, ids=range(len(FAILURES)))
def test_a_failure_is_read_by_code_and_status_and_by_words_where_there_is_no_code(
    status: int, error: Any, reason: Reason, paid: bool
) -> None:
    found = from_response(under(status, {"error": error}))
    assert (found.reason, found.maybe_paid) == (reason, paid)
    assert found.detail.startswith(f"HTTP {status}")


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[" * 100_000, b"[]", b'{"error":[]}', b'{"error":{"code":[],"type":{},"message":7}}']
, ids=range(6))  # fmt: skip
def test_whatever_a_gateway_says_its_status_is_read(body: bytes) -> None:
    assert from_response(under(502, body)).reason is Reason.MODEL_UNAVAILABLE


UNDER_200 = [
    ({"code": 429, "message": "x"}, Reason.MODEL_RATE_LIMITED, False),
    ({"code": 402, "message": "x"}, Reason.MODEL_SPEND_LIMIT, False),
    ({"code": 502, "message": "x"}, Reason.MODEL_UNAVAILABLE, True),
    ({"code": "insufficient_quota"}, Reason.MODEL_SPEND_LIMIT, False),
    ({"message": "x"}, Reason.MODEL_UNAVAILABLE, True),
    ("something", Reason.MODEL_UNAVAILABLE, True),
]


@pytest.mark.parametrize(("error", "reason", "paid"), UNDER_200, ids=range(len(UNDER_200)))
def test_an_error_under_status_200_is_read_by_its_code(error: Any, reason: Reason, paid: bool) -> None:
    said = json.dumps({"error": error}).encode()
    for body in (said, b"event: error\ndata: " + said + b"\n\n"):
        with pytest.raises(ModelError) as caught:
            read(under(200, body, {"retry-after": "7"}))
        found = caught.value
        assert (found.reason, found.maybe_paid, found.retry_after_seconds) == (reason, paid, 7)


def test_an_error_after_a_reply_has_begun_may_have_been_paid() -> None:
    error = {"code": 429, "message": "x"}
    bodies = [
        json.dumps({"choices": [{"message": {"content": "The"}, "finish_reason": "error", "error": error}]}).encode(),
        b'data: {"choices":[{"delta":{}}]}\n\ndata: ' + json.dumps({"error": error}).encode() + b"\n\n",
    ]
    for body in bodies:
        with pytest.raises(ModelError) as caught:
            read(under(200, body))
        assert (caught.value.reason, caught.value.maybe_paid) == (Reason.MODEL_RATE_LIMITED, True)


HINTS: list[tuple[dict[str, str], float | None]] = [
    ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
    ({"retry-after": "9"}, 9.0),
    ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0.5s"}, 360.5),
    ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20ms"}, 0.02),
    ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "soon"}, None),
    ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "1h"}, None),
    ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1000000h"}, 24 * 3600.0),
]


@pytest.mark.parametrize(("headers", "seconds"), HINTS, ids=range(len(HINTS)))
def test_each_hint_of_when_to_come_back_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert from_response(under(429, {}, headers)).retry_after_seconds == seconds


@pytest.mark.parametrize("body", ["plain", "中文" * 500, "\ufdfa" * 500], ids=["ascii", "wide", "expanding"])
def test_the_bound_of_a_prompt_counts_a_token_for_each_byte_of_what_a_tokenizer_may_see(body: str) -> None:
    asked = request(ticket=request().ticket.model_copy(update={"body": body}))
    written = request_body(MODEL, asked, own=False)
    seen = 33 * 500 if "\ufdfa" in body else len(body.encode())
    assert most_input_tokens(asked, written) >= max(len(written), seen)


def test_what_a_server_says_of_earlier_calls_does_not_loosen_a_bound() -> None:
    """Some count no cached tokens, and say 0."""
    model = OpenAIModel(MODEL, Prices(), name="openai:gpt-5-mini", api_key=KEY)
    first = request()
    assert model.worst_case(replace(first, prior_usage=TokenUsage(1, 1), new_from=1)) == model.worst_case(first)


def test_a_model_at_an_unknown_address_has_no_price() -> None:
    url = "http://127.0.0.1:1/v1"
    with pytest.raises(ModelError) as caught:
        OpenAIModel(MODEL, Prices(), name=f"openai:{MODEL}@{url}", base_url=url).worst_case(request())
    assert (caught.value.reason, caught.value.maybe_paid) == (Reason.PRICE_UNKNOWN, False)


def test_a_turn_that_pauses_is_prose_here() -> None:
    assert replied("openai", {"name": "pause_turn"}).stop is StopReason.END_TURN


def test_text_that_is_not_unicode_is_refused_before_it_is_sent() -> None:
    asked = replace(request(), messages=({"role": "user", "content": [{"type": "text", "text": "\ud800"}]},))
    with pytest.raises(ModelError) as caught:
        request_body(MODEL, asked, own=False)
    assert (caught.value.reason, caught.value.maybe_paid) == (Reason.MODEL_REQUEST_INVALID, False)


def test_an_error_names_the_request_and_not_what_was_said() -> None:
    error = refused("openai", {"name": "400"})
    assert "req_" in error.detail
    assert "messages" not in error.detail
