"""What is the chat completions' own: how a conversation is written, and what is said of a call."""

import asyncio
import json
from dataclasses import replace

import httpx2
import pytest
from openai import AsyncOpenAI

from tasks.errors import ModelError
from tasks.reasons import Reason
from tasks.run.checkpoint import Checkpoint
from tasks.run.events import ModelReplied, Recorded
from tasks.run.messages import ModelReply, StopReason, TokenUsage
from tests.worker.models.asking import KEY, SEARCH, SUBMIT, answered, refused, replied, request
from tests.worker.models.openai.replies import MODEL, call, completion, read, sent
from worker.models.genai_pricing import Prices
from worker.models.openai.model import OpenAIModel, line_of
from worker.models.openai.wire import at_openai, most_input_tokens, request_body


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


@pytest.mark.parametrize("arguments", ['{"query": "x"', '"text"', "[]"])
def test_arguments_that_are_no_object_go_back_in_a_form_that_every_server_reads(arguments: str) -> None:
    reply = read(completion({"tool_calls": [call(arguments)]}, "tool_calls"))
    kept = Checkpoint().apply(Recorded(0, 0, 0, ModelReplied(1, "c", reply.content)))
    (again,) = sent(replace(request(), messages=kept.messages))["messages"][1]["tool_calls"]
    assert again["function"]["arguments"] == "{}"


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
