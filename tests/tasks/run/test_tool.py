"""Declaring a tool: what the model sees, what is injected, and what is refused at import."""

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from tasks.run.tool import Effect, ToolContext, tool
from tests.fakes.desk import TICKET


class Lookup(BaseModel):
    model_config = ConfigDict(extra="forbid")

    query: str = Field(min_length=1, description="What to look for.")
    title: str = ""


@tool(timeout_seconds=1.5, calls_per_run=2, calls_per_minute=3, effect=Effect.KEYED)
async def look(arguments: Lookup, context: ToolContext, *, shelf: dict[str, str]) -> Any:
    """Look on the shelf.

    Only there.
    """
    return shelf.get(arguments.query), context.ticket.id


def test_the_model_sees_the_docstring_and_a_closed_schema() -> None:
    spec = look.bind({"shelf": {}}).spec()
    assert (spec.name, spec.description) == ("look", "Look on the shelf.\n\nOnly there.")
    assert spec.input_schema["additionalProperties"] is False
    assert spec.input_schema["required"] == ["query"]
    assert spec.input_schema["properties"]["query"]["description"] == "What to look for."


def test_titles_are_noise_but_an_argument_may_be_called_title() -> None:
    schema = look.bind({"shelf": {}}).spec().input_schema
    assert "title" not in schema
    assert "title" not in schema["properties"]["query"]
    assert "title" in schema["properties"]


def test_clients_are_injected_by_name_and_never_offered_to_the_model() -> None:
    bound = look.bind({"shelf": {"a": "b"}, "unused": object()})
    assert "shelf" not in bound.spec().input_schema["properties"]
    assert asyncio.run(bound.run(Lookup(query="a"), ToolContext(TICKET))) == ("b", "T-1")


def test_a_missing_client_is_named() -> None:
    with pytest.raises(LookupError, match="'look' needs the client 'shelf'"):
        look.bind({})


def test_rates_effects_and_offers_are_kept() -> None:
    bound = look.bind({"shelf": {}})
    assert (bound.timeout_seconds, bound.calls_per_run, bound.calls_per_minute) == (1.5, 2, 3)
    assert (bound.effect, bound.offered) == (Effect.KEYED, True)


def test_a_tool_reads_only_and_is_offered_unless_it_says_otherwise() -> None:
    @tool()
    async def plain(arguments: Lookup, context: ToolContext) -> Any:
        """Do nothing."""

    assert (plain.effect, plain.offered, plain.clients) == (Effect.NONE, True, ())


def test_a_tool_without_a_docstring_is_refused() -> None:
    async def silent(arguments: Lookup, context: ToolContext) -> Any:
        return None

    with pytest.raises(TypeError, match="'silent' has no docstring"):
        tool()(silent)
