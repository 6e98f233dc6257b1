"""What is Anthropic's own: blocks verbatim, strict tools, its errors under any status."""

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from anthropic import AsyncAnthropic

from tasks.errors import ModelError
from tasks.reasons import Reason
from tasks.run.messages import StopReason, TokenUsage
from tasks.triage.decision import SuggestionArguments
from tasks.triage.prompt import system_prompt
from tests.services.celery_worker import REPOSITORY
from tests.worker.models.asking import (
    KEY,
    SEARCH,
    SUBMIT,
    TAXONOMY,
    TICKET,
    answered,
    refused,
    replied,
    request,
    served,
)
from worker.models.anthropic.errors import from_response
from worker.models.anthropic.model import AnthropicModel
from worker.models.anthropic.wire import read_reply, request_body
from worker.models.genai_pricing import Prices
from worker.models.httpx2_line import MOST_REPLY_BYTES
from worker.models.remote import RemoteModel
from worker.simulator import Simulator

MODEL = "claude-haiku-4-5"


def test_a_request_goes_out_as_the_sdk_itself_would_send_it() -> None:
    """Except for what the SDK tells of itself."""
    seen: list[httpx2.Request] = []

    def keep(sent: httpx2.Request) -> httpx2.Response:
        seen.append(sent)
        return httpx2.Response(200, json={})

    async def main() -> None:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(keep))
        client = AsyncAnthropic(api_key=KEY, base_url="http://127.0.0.1:1/a/proxy", http_client=http)
        await client.post("/v1/messages", cast_to=httpx2.Response, content=b"{}")
        model = AnthropicModel(MODEL, Prices(), api_key=KEY, base_url="http://127.0.0.1:1/a/proxy", http=lambda: http)
        await model.open().post(b"{}")
        await client.close()

    asyncio.run(main())
    theirs, ours = seen
    assert (ours.method, ours.url, ours.content) == (theirs.method, theirs.url, theirs.content)
    told = {name for name in theirs.headers if name.startswith("x-stainless-")} | {"user-agent"}
    said = {name: value for name, value in theirs.headers.items() if name not in told}
    assert {name: value for name, value in ours.headers.items() if name != "user-agent"} == said


def test_no_sdk_is_imported_for_it() -> None:
    """That would be half of what a worker's start costs."""
    probe = "import sys, worker.models.anthropic.model; sys.exit(bool({'anthropic', 'openai'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", probe], check=True, cwd=REPOSITORY)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b'{"error":{"message":["too","long"],"type":5}}',
        b'{"error":{"message":7,"details":{"error_code":[]}}}',
        b'{"error":{"type":"\\ud800","message":"x"}}',
    ],
    ids=range(6),
)
def test_whatever_a_gateway_says_its_status_is_told(body: bytes) -> None:
    error = from_response(httpx2.Response(503, content=body, request=httpx2.Request("POST", "http://127.0.0.1:1/")))
    assert error.reason is Reason.MODEL_UNAVAILABLE
    assert error.detail.encode().startswith(b"HTTP 503")


def test_what_the_transport_did_not_raise_is_not_explained_away() -> None:
    class TimeLimit(Exception):
        """Stands for Celery's."""

    def cut(_: httpx2.Request) -> httpx2.Response:
        raise TimeLimit

    async def main() -> None:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(cut))
        model = AnthropicModel(MODEL, Prices(), api_key=KEY, http=lambda: http)
        with pytest.raises(TimeLimit):
            await model.call(request())
        await model.aclose()

    asyncio.run(main())


STOPS = [
    ("prose", StopReason.END_TURN, "end_turn"),
    ("refusal", StopReason.REFUSAL, "refusal"),
    ("empty_content", StopReason.END_TURN, "end_turn"),
    ("max_tokens", StopReason.MAX_TOKENS, "max_tokens"),
    ("context_exceeded", StopReason.CONTEXT_WINDOW, "model_context_window_exceeded"),
    ("pause_turn", StopReason.PAUSE_TURN, "pause_turn"),
    ("unknown_stop", StopReason.UNKNOWN, "simmered_down"),
    ("unknown_tool", StopReason.TOOL_USE, "tool_use"),
]


@pytest.mark.parametrize("fault", ["missing_usage"])
def test_a_message_without_a_usage_is_malformed(fault: str) -> None:
    error = refused("anthropic", {"name": fault})
    assert (error.reason, error.maybe_paid) == (Reason.MALFORMED_REPLY, True)


@pytest.mark.parametrize(("fault", "stop", "raw"), STOPS)
def test_every_stop_reason_is_told(fault: str, stop: StopReason, raw: str) -> None:
    reply = replied("anthropic", {"name": fault})
    assert (reply.stop, reply.raw_stop) == (stop, raw)
    assert reply.usage.output_tokens > 0


def test_blocks_come_back_verbatim_and_can_be_replayed() -> None:
    blocks = [
        {"type": "thinking", "thinking": "Hm \u2014 \U0001f600", "signature": "c2ln", "later": {"field": [1, None]}},
        {"type": "redacted_thinking", "data": "b3BhcXVl"},
        {"type": "tool_use", "id": "toolu_1", "name": "search_knowledge_base", "input": {"query": "x"}},
    ]

    async def work(_: Simulator, model: RemoteModel) -> None:
        asked = request(SEARCH, SUBMIT)
        reply = await model.call(asked)
        assert list(reply.content) == blocks
        then = answered(asked, reply, "nothing found")
        sent = json.loads(request_body(MODEL, then))
        assert sent["messages"][1]["content"] == blocks
        assert (await model.call(then)).stop is StopReason.TOOL_USE

    served("anthropic", work, {"name": "script", "script": [blocks], "times": 1})


def test_the_request_is_what_the_api_wants() -> None:
    sent = json.loads(request_body(MODEL, request(SEARCH, SUBMIT)))
    ephemeral = {"type": "ephemeral"}
    assert sent["system"] == [{"type": "text", "text": system_prompt(TAXONOMY), "cache_control": ephemeral}]
    assert [tool.get("cache_control") for tool in sent["tools"]] == [None, ephemeral]
    assert all(tool["strict"] and tool["input_schema"]["additionalProperties"] is False for tool in sent["tools"])
    assert sent["tool_choice"] == {"type": "auto"}
    assert sent["metadata"] == {"user_id": "T-7"}
    assert sent["max_tokens"] == 1024
    assert not {"temperature", "top_p", "top_k"} & sent.keys()


def test_the_stable_prefix_is_the_same_bytes_for_every_ticket() -> None:
    one = request_body(MODEL, request())
    other = request_body(MODEL, request(ticket=TICKET.model_copy(update={"id": "T-8", "body": "Something else"})))
    assert one.partition(b'"metadata"')[0] == other.partition(b'"metadata"')[0]


def test_bounds_that_a_strict_schema_refuses_are_told_in_words() -> None:
    sent = json.loads(request_body(MODEL, request(SEARCH)))
    query = sent["tools"][0]["input_schema"]["properties"]["query"]
    assert query.keys() == {"type", "description"}
    assert "maxLength: 200" in query["description"]
    assert (
        SuggestionArguments.model_json_schema()["properties"]["evidence"]["maxItems"] == 5
    )  # the original is untouched


def test_the_worst_case_counts_bytes_at_first_and_only_what_is_new_afterwards() -> None:
    model = AnthropicModel(MODEL, Prices(), api_key=KEY)
    first = request(max_tokens=100)
    assert model.worst_case(first) > (len(request_body(MODEL, first)) * 1_250) + 100 * 5_000
    later = replace(first, prior_usage=TokenUsage(300, 50, 0, 1_000), new_from=1)
    assert model.worst_case(later) < model.worst_case(first)
    assert model.worst_case(later) >= 1_350 * 1_250 + 100 * 5_000


def test_a_model_without_a_price_has_no_worst_case() -> None:
    with pytest.raises(ModelError) as caught:
        AnthropicModel("claude-hiku-4-5", Prices(), api_key=KEY).worst_case(request())
    assert (caught.value.reason, caught.value.maybe_paid) == (Reason.PRICE_UNKNOWN, False)


GOOD: dict[str, Any] = {
    "content": [], "stop_reason": "end_turn", "model": MODEL, "usage": {"input_tokens": 1, "output_tokens": 1},
}  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        json.dumps(GOOD | {"content": "text"}).encode(),
        json.dumps(GOOD | {"content": [None]}).encode(),
        json.dumps(GOOD | {"content": [{"type": "tool_use", "id": 1, "name": "x", "input": {}}]}).encode(),
        json.dumps(GOOD | {"content": [{"type": "tool_use", "id": "1", "name": "x"}]}).encode(),
        json.dumps(GOOD | {"content": [{"type": "text", "text": "\ud800"}]}).encode(),
        json.dumps(GOOD | {"content": [{"type": "text", "n": float("nan")}]}).encode(),
        json.dumps(GOOD).replace("1", "1e999", 1).encode(),
        json.dumps(GOOD | {"usage": None}).encode(),
        json.dumps(GOOD | {"usage": {"input_tokens": -1, "output_tokens": 1}}).encode(),
        *(
            json.dumps(GOOD | {"usage": {"input_tokens": count, "output_tokens": 1}}).encode()
            for count in (True, "7", 1.5, 10**14, 1e14, None, [])
        ),
        json.dumps(
            GOOD | {"usage": {"input_tokens": 1, "output_tokens": 1, "cache_read_input_tokens": False}}
        ).encode(),
        b"<html><body>Please sign in</body></html>",
        b" " * MOST_REPLY_BYTES + json.dumps(GOOD).encode(),
        b'event: message_start\ndata: {"type":"message_start"}\n\n',
        b"data: [DONE]\n\n",
        json.dumps(GOOD | {"stop_reason": 7}).encode(),
        json.dumps({key: value for key, value in GOOD.items() if key != "stop_reason"}).encode(),
    ],
    ids=range(28),
)
def test_no_body_is_read_as_a_message_that_is_none(body: bytes) -> None:
    with pytest.raises(ModelError) as caught:
        read_reply(under_200(body))
    assert (caught.value.reason, caught.value.maybe_paid) == (Reason.MALFORMED_REPLY, True)


@pytest.mark.parametrize("count", [1000, 1000.0])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_whole_numbers_are_read_however_a_gateway_writes_them(count: float, mark: bytes) -> None:
    body = mark + json.dumps(GOOD | {"usage": {"input_tokens": count, "output_tokens": 1}}).encode()
    usage = read_reply(under_200(body)).usage
    assert (usage.input_tokens, type(usage.input_tokens)) == (1000, int)


UNDER_200 = [
    ("overloaded_error", Reason.MODEL_OVERLOADED, False),
    ("rate_limit_error", Reason.MODEL_RATE_LIMITED, False),
    ("api_error", Reason.MODEL_UNAVAILABLE, False),
    ("timeout_error", Reason.MODEL_TIMEOUT, True),
    ("authentication_error", Reason.MODEL_AUTH, False),
    ("permission_error", Reason.MODEL_AUTH, False),
    ("billing_error", Reason.MODEL_SPEND_LIMIT, False),
    ("not_found_error", Reason.MODEL_NOT_FOUND, False),
    ("request_too_large", Reason.CONTEXT_EXCEEDED, False),
    ("invalid_request_error", Reason.MODEL_REQUEST_INVALID, False),
    ("upstream_error", Reason.MODEL_UNAVAILABLE, True),
]


@pytest.mark.parametrize(("kind", "reason", "paid"), UNDER_200)
def test_an_error_under_status_200_is_read_by_its_type(kind: str, reason: Reason, paid: bool) -> None:
    said = json.dumps({"type": "error", "error": {"type": kind, "message": "x"}}).encode()
    bodies = [
        said,
        said.replace(b'"type": "error", ', b"", 1),
        b"event: error\ndata: " + said + b"\n\n",
        b": ping\n\ndata: {}\n\ndata:" + said,
    ]
    for body in bodies:
        with pytest.raises(ModelError) as caught:
            read_reply(under_200(body, {"retry-after": "7"}))
        error = caught.value
        assert (error.reason, error.maybe_paid, error.retry_after_seconds) == (reason, paid, 7), body
        assert error.detail.startswith(f"HTTP 200 {kind}")


def test_an_error_after_a_streamed_reply_has_begun_may_have_been_paid() -> None:
    begun = b'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":9}}}\n\n'
    with pytest.raises(ModelError) as caught:
        read_reply(under_200(begun + b'data: {"type":"error","error":{"type":"overloaded_error"}}\n\n'))
    assert (caught.value.reason, caught.value.maybe_paid) == (Reason.MODEL_OVERLOADED, True)


def under_200(body: bytes, headers: dict[str, str] | None = None) -> httpx2.Response:
    request = httpx2.Request("POST", "http://127.0.0.1:1/")
    return httpx2.Response(200, content=body, headers=headers, request=request)


def test_a_missing_stop_reason_value_is_unknown_and_without_content_it_is_no_reply() -> None:
    said = GOOD | {"stop_reason": None, "content": [{"type": "text", "text": "Hm."}]}
    reply = read_reply(under_200(json.dumps(said).encode()))
    with pytest.raises(ModelError, match="not one of the Messages API"):
        read_reply(under_200(json.dumps(said | {"content": []}).encode()))
    assert (reply.stop, reply.raw_stop) == (StopReason.UNKNOWN, "")


def test_text_that_is_not_unicode_is_refused_before_it_is_sent() -> None:
    asked = replace(request(), messages=({"role": "user", "content": [{"type": "text", "text": "\ud800"}]},))
    with pytest.raises(ModelError) as caught:
        request_body(MODEL, asked)
    assert (caught.value.reason, caught.value.maybe_paid) == (Reason.MODEL_REQUEST_INVALID, False)
