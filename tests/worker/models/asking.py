"""A request as the loop makes it, its next one, and every make's model against a fresh simulator."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tasks.errors import ModelError
from tasks.run.messages import ModelReply, ModelRequest, ToolSpec
from tasks.ticket import Ticket
from tasks.triage.prompt import opening, submit_spec, system_prompt
from tasks.triage.taxonomy import Taxonomy
from worker.config.prices import OwnPrice
from worker.models.anthropic.model import AnthropicModel
from worker.models.bedrock.model import BedrockModel
from worker.models.genai_pricing import Prices
from worker.models.httpx2_transport import http_client
from worker.models.openai.model import OpenAIModel
from worker.models.remote import RemoteModel
from worker.models.systemone.model import SystemOneModel
from worker.models.vertex.model import VertexModel
from worker.simulator import Simulator

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
SUBMIT = submit_spec(TAXONOMY)
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


def anthropic(url: str) -> RemoteModel:
    return AnthropicModel("claude-haiku-4-5", Prices(), api_key=KEY, base_url=url)


def openai(url: str) -> RemoteModel:
    return OpenAIModel("gpt-5-mini", Prices(), name="openai:gpt-5-mini", api_key=KEY, base_url=url)


def bedrock(url: str) -> RemoteModel:
    model = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"
    return BedrockModel(model, Prices(), name=f"bedrock:{model}", region="eu-west-1", base_url=url)


def vertex(url: str) -> RemoteModel:
    where = {"region": "europe-west1", "project": "desk-1", "base_url": url}
    model = "claude-haiku-4-5@20251001"
    return VertexModel(model, Prices(at_a_place=True), name=f"vertex:{model}", access_token=KEY, **where)


def systemone(url: str) -> RemoteModel:
    name = "systemone:nimble"
    prices = Prices({name: OwnPrice(Decimal("0.05"), Decimal("0.1"))})
    return SystemOneModel("nimble", prices, TAXONOMY, name=name, base_url=url, http=http_client, headers={})


MAKES: Mapping[str, Callable[[str], RemoteModel]] = {
    "anthropic": anthropic,
    "bedrock": bedrock,
    "openai": openai,
    "vertex": vertex,
}
"""Those that hold a conversation, by the URL they are asked at."""


def request(*tools: ToolSpec, ticket: Ticket = TICKET, max_tokens: int = 1024) -> ModelRequest:
    return ModelRequest(
        call_id="call-1",
        ticket=ticket,
        system=system_prompt(TAXONOMY),
        tools=tools or (SUBMIT,),
        messages=({"role": "user", "content": [{"type": "text", "text": opening(ticket, "")}]},),
        max_tokens=max_tokens,
    )


def answered(before: ModelRequest, reply: ModelReply, result: str) -> ModelRequest:
    """The next request of the conversation: the reply verbatim, then one result per tool call."""
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": result} for call in reply.tool_calls]
    more = ({"role": "assistant", "content": list(reply.content)}, {"role": "user", "content": results})
    return replace(before, messages=(*before.messages, *more), prior_usage=reply.usage, new_from=len(before.messages))


Work = Callable[[Simulator, RemoteModel], Awaitable[Any]]


def served(make: str, work: Work, *faults: dict[str, Any]) -> Any:
    """Run `work` with a make's model against a fresh simulator with these faults on."""

    async def main() -> Any:
        async with Simulator() as sim:
            for fault in faults:
                sim.fault(**fault)
            model = {**MAKES, "systemone": systemone}[make](sim.url)
            try:
                return await work(sim, model)
            finally:
                await model.aclose()

    return asyncio.run(main())


def refused(make: str, *faults: dict[str, Any]) -> ModelError:
    """What a call comes to that fails."""

    async def work(_: Simulator, model: RemoteModel) -> ModelError:
        with pytest.raises(ModelError) as caught:
            await model.call(request())
        return caught.value

    return served(make, work, *faults)


def replied(make: str, *faults: dict[str, Any]) -> ModelReply:
    """What a call comes to that does not."""

    async def work(_: Simulator, model: RemoteModel) -> ModelReply:
        return await model.call(request())

    return served(make, work, *faults)
