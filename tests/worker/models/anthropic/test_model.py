"""The official client against the simulator over real HTTP, one fault after the other."""

import asyncio
import json
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import httpx2
import pytest
from anthropic import AsyncAnthropic

from tasks.errors import ModelError
from tasks.reasons import Reason
from tasks.run.messages import ModelReply, ModelRequest, StopReason, TokenUsage, ToolSpec
from tasks.ticket import Ticket
from tasks.triage.decision import SuggestionArguments, read_suggestion
from tasks.triage.prompt import opening, submit_spec, system_prompt
from tasks.triage.taxonomy import Taxonomy
from worker.models.anthropic.errors import MOST_REPLY_BYTES, from_response
from worker.models.anthropic.model import AnthropicModel, Line
from worker.models.anthropic.wire import read_reply, request_body
from worker.models.genai_pricing import Prices
from worker.simulator import Simulator

MODEL = "claude-haiku-4-5"
KEY = "sk-throw-away-key"
TICKET = Ticket(
    id="T-7", source="test", subject="Refund <please> & thanks", body="You charged my card twice. I want my money back!"
)
TAXONOMY = Taxonomy.model_validate(
    {
        "teams": [{"name": "billing", "description": "money"}, {"name": "access", "description": "accounts"}],
        "labels": [
            {"name": "duplicate_charge", "description": "charged twice for one purchase", "team": "billing"},
            {"name": "password_reset", "description": "cannot sign in", "team": "access"},
        ],
    }
).checked()
SEARCH = ToolSpec(
    "search_knowledge_base",
    "Search articles.",
    {
        "type": "object",
        "properties": {"query": {"type": "string", "minLength": 1, "maxLength": 200}},
        "required": ["query"],
        "additionalProperties": False,
    },
)


def request(*tools: ToolSpec, ticket: Ticket = TICKET, max_tokens: int = 1024) -> ModelRequest:
    return ModelRequest(
        call_id="call-1",
        ticket=ticket,
        system=system_prompt(TAXONOMY),
        tools=tools or (submit_spec(TAXONOMY),),
        messages=({"role": "user", "content": [{"type": "text", "text": opening(ticket, "")}]},),
        max_tokens=max_tokens,
    )


def answered(before: ModelRequest, reply: ModelReply, result: str) -> ModelRequest:
    """The next request of the conversation: the reply verbatim, then one result per tool call."""
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": result} for call in reply.tool_calls]
    more = ({"role": "assistant", "content": list(reply.content)}, {"role": "user", "content": results})
    return replace(before, messages=(*before.messages, *more), prior_usage=reply.usage, new_from=len(before.messages))


def served(work: Callable[[Simulator, AnthropicModel], Awaitable[Any]], *faults: dict[str, Any]) -> Any:
    """Run `work` against a fresh simulator with these faults on."""

    async def main() -> Any:
        async with Simulator() as sim:
            for fault in faults:
                sim.fault(**fault)
            model = AnthropicModel(MODEL, Prices(), api_key=KEY, base_url=sim.url)
            try:
                return await work(sim, model)
            finally:
                await model.aclose()

    return asyncio.run(main())


def refused(*faults: dict[str, Any], of: ModelRequest | None = None) -> ModelError:
    async def work(_: Simulator, model: AnthropicModel) -> ModelError:
        with pytest.raises(ModelError) as caught:
            await model.call(of or request())
        return caught.value

    return served(work, *faults)


def replied(*faults: dict[str, Any]) -> ModelReply:
    async def work(_: Simulator, model: AnthropicModel) -> ModelReply:
        return await model.call(request())

    return served(work, *faults)


def test_a_run_ends_in_a_valid_decision_and_every_call_stays_within_its_bound() -> None:
    async def work(sim: Simulator, model: AnthropicModel) -> None:
        asked = request(SEARCH, submit_spec(TAXONOMY))
        looked_up = await model.call(asked)
        assert [call.name for call in looked_up.tool_calls] == ["search_knowledge_base"]
        assert model.cost(looked_up.usage) <= model.worst_case(asked)
        then = answered(asked, looked_up, "Double charges are refunded within five days.")
        submitted = await model.call(then)
        (call,) = submitted.tool_calls
        decision = read_suggestion(call.arguments, TICKET, TAXONOMY, MODEL)
        assert decision.label == "duplicate_charge"
        assert submitted.usage.cache_read_tokens > 0
        assert model.cost(submitted.usage) <= model.worst_case(then)
        assert sim.calls.report()["tickets"] == {"T-7": {"requests": 2, "finished": 2}}

    served(work)


STATUSES = [
    ("400", Reason.MODEL_REQUEST_INVALID),
    ("prompt_too_long", Reason.CONTEXT_EXCEEDED),
    ("401", Reason.MODEL_AUTH),
    ("402", Reason.MODEL_SPEND_LIMIT),
    ("403", Reason.MODEL_AUTH),
    ("404", Reason.MODEL_NOT_FOUND),
    ("413", Reason.CONTEXT_EXCEEDED),
    ("429", Reason.MODEL_RATE_LIMITED),
    ("spend_limit", Reason.MODEL_SPEND_LIMIT),
    ("500", Reason.MODEL_UNAVAILABLE),
    ("529", Reason.MODEL_OVERLOADED),
    ("error200", Reason.MODEL_OVERLOADED),
    ("sse200", Reason.MODEL_OVERLOADED),
]


@pytest.mark.parametrize(("fault", "reason"), STATUSES)
def test_an_error_of_the_api_has_its_reason_and_was_not_paid(fault: str, reason: Reason) -> None:
    error = refused({"name": fault})
    assert (error.reason, error.maybe_paid, error.retry_after_seconds) == (reason, False, None)
    assert "\n" not in error.detail
    assert "req_" in error.detail


@pytest.mark.parametrize(("fault", "reason"), [("502", Reason.MODEL_UNAVAILABLE), ("504", Reason.MODEL_TIMEOUT)])
def test_an_error_of_a_gateway_may_hide_a_paid_call(fault: str, reason: Reason) -> None:
    error = refused({"name": fault})
    assert (error.reason, error.maybe_paid) == (reason, True)


def test_retry_after_is_read_as_seconds_or_as_a_date_and_never_slept_for() -> None:
    began = time.monotonic()
    assert refused({"name": "429", "retry_after": 3600.0}).retry_after_seconds == 3600
    later = refused({"name": "529", "retry_after": formatdate(time.time() + 120, usegmt=True)}).retry_after_seconds
    assert later is not None
    assert 100 < later <= 120
    assert refused({"name": "429", "retry_after": formatdate(0, usegmt=True)}).retry_after_seconds == 0
    assert refused({"name": "429", "retry_after": "soon"}).retry_after_seconds is None
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("absurd", ["9" * 30, "9" * 400, "31536000", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_an_absurd_retry_after_is_bounded(absurd: str) -> None:
    assert refused({"name": "429", "retry_after": absurd}).retry_after_seconds == 24 * 3600


def test_a_429_that_waiting_does_not_cure_is_a_spend_limit() -> None:
    assert refused({"name": "429", "spend_limit": True}).reason is Reason.MODEL_SPEND_LIMIT


def test_a_failed_call_is_tried_once_only() -> None:
    async def work(sim: Simulator, model: AnthropicModel) -> None:
        with pytest.raises(ModelError):
            await model.call(request())
        assert sim.calls.report()["total"] == {"requests": 1, "finished": 0}

    served(work, {"name": "500"})


@pytest.mark.parametrize("fault", ["cut", "cut_before_reply"])
def test_a_connection_cut_after_sending_may_have_been_paid(fault: str) -> None:
    error = refused({"name": fault})
    assert (error.reason, error.maybe_paid) == (Reason.MODEL_UNAVAILABLE, True)


def refused_at(url: str) -> ModelError:
    async def main() -> ModelError:
        model = AnthropicModel(MODEL, Prices(), api_key=KEY, base_url=url)
        try:
            with pytest.raises(ModelError) as caught:
                await model.call(request())
        finally:
            await model.aclose()
        return caught.value

    return asyncio.run(main())


def test_a_refused_connection_was_not_paid() -> None:
    with socket.socket() as taken:  # bound and never listening: refuses every connection
        taken.bind(("127.0.0.1", 0))
        error = refused_at(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert (error.reason, error.maybe_paid) == (Reason.MODEL_UNAVAILABLE, False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "http://host:port", "http://127.0.0.1:1\n", "nothing"])
def test_a_call_to_an_address_that_is_none_is_not_charged(url: str) -> None:
    error = refused_at(url)
    assert (error.reason, error.maybe_paid) == (Reason.MODEL_UNAVAILABLE, False)


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


def test_a_silent_connection_is_a_timeout_that_may_have_been_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.models.anthropic.model._TIMEOUT", httpx2.Timeout(0.05))
    error = refused({"name": "timeout"})
    assert (error.reason, error.maybe_paid) == (Reason.MODEL_TIMEOUT, True)


@pytest.mark.parametrize(
    ("fault", "options"), [("timeout", {}), ("drip", {"seconds": 0.02}), ("slow", {"seconds": 60})]
)
def test_the_callers_deadline_cuts_any_call_truly(fault: str, options: dict[str, Any]) -> None:
    async def work(sim: Simulator, model: AnthropicModel) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await model.call(request())
        assert sim.calls.total_finished == 0

    served(work, {"name": fault, **options})


def test_a_request_goes_out_as_the_sdk_itself_would_send_it() -> None:
    """Except for what the SDK tells of its own retries and timeouts."""
    seen: list[httpx2.Request] = []

    def keep(sent: httpx2.Request) -> httpx2.Response:
        seen.append(sent)
        return httpx2.Response(200, json={})

    async def main() -> None:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(keep))
        client = AsyncAnthropic(api_key=KEY, base_url="http://127.0.0.1:1/a/proxy", http_client=http)
        await client.post("/v1/messages", cast_to=httpx2.Response, content=b"{}")
        await Line(client, http).post(b"{}")
        await client.close()

    asyncio.run(main())
    theirs, ours = seen
    assert (ours.method, ours.url, ours.content) == (theirs.method, theirs.url, theirs.content)
    told = {"x-stainless-retry-count", "x-stainless-timeout", "x-stainless-read-timeout"}
    assert dict(ours.headers) == {name: value for name, value in theirs.headers.items() if name not in told}


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


def test_a_cancellation_passes_through_untouched() -> None:
    async def work(sim: Simulator, model: AnthropicModel) -> None:
        calling = asyncio.create_task(model.call(request()))
        async with asyncio.timeout(10):
            while sim.calls.in_flight == 0:  # noqa: ASYNC110 - a server has no event for it
                await asyncio.sleep(0)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling

    served(work, {"name": "timeout"})


@pytest.mark.parametrize("fault", ["malformed_json", "missing_usage", "absurd_usage", "html200"])
def test_a_reply_that_is_no_message_is_malformed_and_may_have_been_paid(fault: str) -> None:
    error = refused({"name": fault})
    assert (error.reason, error.maybe_paid) == (Reason.MALFORMED_REPLY, True)


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


@pytest.mark.parametrize(("fault", "stop", "raw"), STOPS)
def test_every_stop_reason_is_told(fault: str, stop: StopReason, raw: str) -> None:
    reply = replied({"name": fault})
    assert (reply.stop, reply.raw_stop) == (stop, raw)
    assert reply.usage.output_tokens > 0


def test_blocks_come_back_verbatim_and_can_be_replayed() -> None:
    blocks = [
        {"type": "thinking", "thinking": "Hm \u2014 \U0001f600", "signature": "c2ln", "later": {"field": [1, None]}},
        {"type": "redacted_thinking", "data": "b3BhcXVl"},
        {"type": "tool_use", "id": "toolu_1", "name": "search_knowledge_base", "input": {"query": "x"}},
    ]

    async def work(_: Simulator, model: AnthropicModel) -> None:
        asked = request(SEARCH, submit_spec(TAXONOMY))
        reply = await model.call(asked)
        assert list(reply.content) == blocks
        then = answered(asked, reply, "nothing found")
        sent = json.loads(request_body(MODEL, then))
        assert sent["messages"][1]["content"] == blocks
        assert (await model.call(then)).stop is StopReason.TOOL_USE

    served(work, {"name": "script", "script": [blocks], "times": 1})


def test_the_request_is_what_the_api_wants() -> None:
    sent = json.loads(request_body(MODEL, request(SEARCH, submit_spec(TAXONOMY))))
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


def test_no_trace_header_reaches_the_api() -> None:
    seen: list[bytes] = []

    async def main() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n")
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            model = AnthropicModel(MODEL, Prices(), api_key=KEY, base_url=url)
            with pytest.raises(ModelError) as caught:  # and a redirect is not followed: it would carry the key along
                await model.call(request())
            await model.aclose()
            assert caught.value.reason is Reason.MODEL_UNAVAILABLE

    asyncio.run(main())
    (head,) = seen
    assert not any(name in head.lower() for name in (b"traceparent", b"tracestate", b"sentry-trace", b"baggage"))


def test_the_key_and_the_ticket_are_neither_logged_nor_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    error = refused({"name": "400"})
    shown = f"{error!r} {error.detail} {caplog.text} {AnthropicModel(MODEL, Prices(), api_key=KEY)!r}"
    assert KEY not in shown
    assert "charged" not in shown


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


def test_a_model_serves_one_event_loop_after_the_other() -> None:
    async def twice(sim: Simulator, model: AnthropicModel) -> None:
        await model.call(request())
        await model.aclose()
        await model.call(request())
        assert sim.calls.total_finished == 2

    served(twice)


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


def test_a_missing_stop_reason_value_is_unknown() -> None:
    reply = read_reply(under_200(json.dumps(GOOD | {"stop_reason": None}).encode()))
    assert (reply.stop, reply.raw_stop) == (StopReason.UNKNOWN, "")


def test_text_that_is_not_unicode_is_refused_before_it_is_sent() -> None:
    asked = replace(request(), messages=({"role": "user", "content": [{"type": "text", "text": "\ud800"}]},))
    with pytest.raises(ModelError) as caught:
        request_body(MODEL, asked)
    assert (caught.value.reason, caught.value.maybe_paid) == (Reason.MODEL_REQUEST_INVALID, False)
