"""The tools a model may call: what they refuse, what they hide, and that every file is found."""

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from tasks.run.tool import Effect, ToolContext
from tasks.ticket import Requester, Ticket
from tasks.tools import discover
from tasks.tools.find_similar_tickets import SimilarArguments, find_similar_tickets
from tasks.tools.lookup_customer import NoArguments, lookup_customer
from tasks.tools.ports import Article, Customer, PastTicket
from tasks.tools.search_knowledge_base import SearchArguments, search_knowledge_base

TICKET = Ticket(id="t1", source="test", subject="", body="My card is lost", requester=Requester(id="c1", name="Ann"))


class Directory:
    async def get(self, customer_id: str) -> Customer | None:
        return Customer("c1", "Ann Secret", "vip", "GB", "2020-01-01") if customer_id == "c1" else None


class Shelf:
    def __init__(self) -> None:
        self.asked: list[str] = []

    async def search(self, query: str, limit: int) -> list[Article]:
        self.asked.append(query)
        return [Article(f"title {i}", f"{i}.md", "x " * 1000) for i in range(limit + 3)]


class Past:
    def __init__(self) -> None:
        self.asked: list[str] = []

    async def recent(self, requester_id: str, limit: int) -> list[PastTicket]:
        return []

    async def similar(self, text: str, limit: int) -> list[PastTicket]:
        self.asked.append(text)
        return [PastTicket(f"t{i}", "text", {"label": "label", "team": "team"}) for i in range(limit)]


def look_up(ticket: Ticket) -> Any:
    return asyncio.run(lookup_customer.bind({"customers": Directory()}).run(NoArguments(), ToolContext(ticket)))


def test_the_lookup_shows_what_routing_needs_and_neither_name_nor_id() -> None:
    record = {"known": True, "tier": "vip", "country": "GB", "since": "2020-01-01", "flags": []}
    assert look_up(TICKET) == record


def test_an_unknown_or_unnamed_customer_is_an_answer_and_not_an_error() -> None:
    assert look_up(TICKET.model_copy(update={"requester": Requester(id="c9")}))["known"] is False
    assert look_up(TICKET.model_copy(update={"requester": Requester(email="a@b.c")}))["known"] is False


@pytest.mark.parametrize("definition", discover(), ids=lambda definition: definition.name)
def test_no_tool_takes_a_customer_id_or_an_unknown_argument(definition: Any) -> None:
    assert not any("customer" in name or name == "id" for name in definition.arguments.model_fields)
    with pytest.raises(ValidationError):
        definition.arguments.model_validate({"query": "ok", "customer_id": "c2"})


def test_every_tool_file_is_discovered_and_all_but_one_only_read() -> None:
    found = {definition.name: definition for definition in discover()}
    lookups = ["find_similar_tickets", "lookup_customer", "read_attachment", "search_knowledge_base", "ticket_context"]
    assert sorted(found) == sorted([*lookups, "notify_team"])
    assert [name for name, definition in found.items() if definition.effect is not Effect.NONE] == ["notify_team"]
    assert [name for name, definition in found.items() if not definition.offered] == ["ticket_context"]


def test_search_results_are_few_and_clipped() -> None:
    tool = search_knowledge_base.bind({"knowledge": Shelf()})
    result = asyncio.run(tool.run(SearchArguments(query="lost card"), ToolContext(TICKET)))
    assert len(result) == 5
    assert all(len(article["excerpt"]) <= 300 for article in result)


def test_similar_tickets_compares_with_the_ticket_unless_told_otherwise() -> None:
    history = Past()
    tool = find_similar_tickets.bind({"history": history})
    result = asyncio.run(tool.run(SimilarArguments(), ToolContext(TICKET)))
    asyncio.run(tool.run(SimilarArguments(text="other words"), ToolContext(TICKET)))
    assert history.asked == [TICKET.text, "other words"]
    assert len(result) == 5, "the ticket itself is left out"
