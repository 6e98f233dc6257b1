"""The simulator as chat completions: the official SDK in front, and what OpenAI's API refuses refused."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion

from worker.simulator import Simulator

SYSTEM = """Route the ticket.

Labels:
- duplicate_charge (billing): charged twice for one purchase
- password_reset (access): cannot sign in"""
SEARCH = {
    "type": "function",
    "function": {"name": "search_knowledge_base", "parameters": {"type": "object", "properties": {"query": {}}}},
}
SUBMIT = {
    "type": "function",
    "function": {
        "name": "submit_decision",
        "parameters": {
            "type": "object",
            "properties": {name: {} for name in ("label", "priority", "summary", "evidence", "confidence")},
        },
    },
}
OPENING = "<ticket>\n<subject>Money</subject>\n<body>I was charged twice.</body>\n</ticket>"


def payload(**changed: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": OPENING}]
    return {"model": "gpt-5-mini", "messages": messages, "tools": [SEARCH, SUBMIT], "user": "T-1"} | changed


def called(*arguments: str) -> dict[str, Any]:
    calls = [
        {"id": f"c{place}", "type": "function", "function": {"name": "search_knowledge_base", "arguments": given}}
        for place, given in enumerate(arguments)
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(call: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call, "content": "none"}


Create = Callable[..., Awaitable[ChatCompletion]]


def served(work: Callable[[Simulator, Create], Awaitable[Any]], **options: Any) -> Any:
    async def main() -> Any:
        async with (
            Simulator(**options) as sim,
            openai.AsyncOpenAI(api_key="k", base_url=f"{sim.url}/v1", max_retries=0) as client,
        ):
            return await work(sim, client.chat.completions.create)

    return asyncio.run(main())


def test_the_official_sdk_is_led_to_a_decision_call_by_call() -> None:
    async def work(sim: Simulator, create: Create) -> None:
        first = await create(**payload())
        assert first.choices[0].finish_reason == "tool_calls"
        message = first.choices[0].message
        assert message.tool_calls
        (search,) = message.tool_calls
        messages = [*payload()["messages"], message.to_dict(), result(search.id)]
        second = await create(**payload(messages=messages))
        assert second.choices[0].message.tool_calls
        (submitted,) = second.choices[0].message.tool_calls
        assert submitted.type == "function"
        assert json.loads(submitted.function.arguments)["label"] == "duplicate_charge"
        assert second.usage is not None
        assert second.usage.prompt_tokens_details is not None
        assert second.usage.prompt_tokens_details.cached_tokens
        assert sim.calls.report()["tickets"] == {"T-1": {"requests": 2, "finished": 2}}

    served(work)


WRONG: list[dict[str, Any]] = [
    {"max_tokens": 5, "max_completion_tokens": 5},
    {"user": "x" * 65},
    {"tools": []},
    {"tools": [SEARCH, SEARCH]},
    {"messages": [{"role": "user", "content": None}]},
    {"messages": [{"role": "narrator", "content": "x"}]},
    {"messages": [*payload()["messages"], called("{}")]},
    {"messages": [*payload()["messages"], called("{}"), {"role": "user", "content": "x"}]},
    {"messages": [*payload()["messages"], result("c0")]},
    {"messages": [*payload()["messages"], called("{}"), result("other")]},
    {"messages": [*payload()["messages"], called("not json"), result("c0")]},
    {"messages": [*payload()["messages"], called("[]"), result("c0")]},
    {"extra_body": {"top_k": 3}},
]


@pytest.mark.parametrize("changed", WRONG, ids=range(len(WRONG)))
def test_what_the_api_refuses_is_refused(changed: dict[str, Any]) -> None:
    async def work(_: Simulator, create: Create) -> None:
        with pytest.raises(openai.BadRequestError):
            await create(**payload(**changed))

    served(work)


ERRORS = [
    ("401", openai.AuthenticationError, "invalid_api_key"),
    ("403", openai.PermissionDeniedError, None),
    ("404", openai.NotFoundError, "model_not_found"),
    ("429", openai.RateLimitError, "rate_limit_exceeded"),
    ("spend_limit", openai.RateLimitError, "insufficient_quota"),
    ("500", openai.InternalServerError, None),
    ("529", openai.InternalServerError, "server_is_overloaded"),
    ("prompt_too_long", openai.BadRequestError, "context_length_exceeded"),
]


@pytest.mark.parametrize(("fault", "error", "code"), ERRORS)
def test_a_fault_is_the_error_that_the_sdk_knows(fault: str, error: type[openai.APIStatusError], code: str) -> None:
    async def work(sim: Simulator, create: Create) -> None:
        sim.fault(fault)
        with pytest.raises(error) as caught:
            await create(**payload())
        assert caught.value.code == code

    served(work)


def test_a_key_is_asked_for_only_where_one_is_set() -> None:
    async def work(sim: Simulator, create: Create) -> None:
        with pytest.raises(openai.AuthenticationError):
            await create(**payload())

    served(work, require_key="another")


def test_a_refusal_has_words_of_its_own_and_a_cut_reply_used_all_it_might() -> None:
    async def work(sim: Simulator, create: Create) -> None:
        sim.fault("refusal", times=1)
        sim.fault("max_tokens", times=1)
        assert (await create(**payload())).choices[0].message.refusal
        cut = await create(**payload(max_completion_tokens=300))
        assert (cut.choices[0].finish_reason, cut.usage.completion_tokens if cut.usage else 0) == ("length", 300)

    served(work)
