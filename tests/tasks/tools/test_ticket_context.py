"""The prefetch answers with what it could get, stays small, and trusts only the envelope."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from tasks.errors import ToolError
from tasks.run.tool import ToolContext
from tasks.ticket import Requester, Ticket
from tasks.tools import ticket_context as module
from tasks.tools.ports import Article, Customer, PastTicket
from tasks.tools.ticket_context import NoArguments, ticket_context


@dataclass
class Clients:
    """All three ports in one, with a failure to order."""

    customer: Customer | None = field(
        default_factory=lambda: Customer("c1", "Ann", "vip", "GB", "2020-01-01", ("new",))
    )
    past: list[PastTicket] = field(default_factory=list)
    articles: list[Article] = field(default_factory=list)
    failing: dict[str, Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    hanging: str = ""

    async def _answer(self, part: str) -> None:
        self.asked.append(part)
        if part == self.hanging:
            await asyncio.Event().wait()
        if part in self.failing:
            raise self.failing[part]

    async def get(self, customer_id: str) -> Customer | None:
        await self._answer(f"get:{customer_id}" if "get" not in self.failing else "get")
        return self.customer

    async def recent(self, requester_id: str, limit: int) -> list[PastTicket]:
        await self._answer("recent")
        return self.past[:limit]

    async def similar(self, text: str, limit: int) -> list[PastTicket]:
        await self._answer("similar")
        return self.past[:limit]

    async def search(self, query: str, limit: int) -> list[Article]:
        await self._answer("search")
        return self.articles[:limit]


def fetch(clients: Clients, ticket: Ticket) -> dict[str, Any]:
    tool = ticket_context.bind({"customers": clients, "history": clients, "knowledge": clients})
    result: dict[str, Any] = asyncio.run(tool.run(NoArguments(), ToolContext(ticket)))
    return result


TICKET = Ticket(id="t1", source="test", subject="", body="My card is lost", requester=Requester(id="c1"))
PAST = [PastTicket(f"t{i}", f"text {i}", {"label": "lost_card", "team": "fraud"}) for i in range(1, 9)]


def test_all_parts_come_in_one_call_without_the_ticket_itself() -> None:
    result = fetch(Clients(past=PAST, articles=[Article("Lost", "lost.md", "Freeze it.")]), TICKET)
    assert result["customer"] == {"tier": "vip", "country": "GB", "since": "2020-01-01", "flags": ["new"]}
    assert [past["text"] for past in result["recent_tickets"]] == ["text 2", "text 3", "text 4"]
    assert result["similar_tickets"][0] == {"text": "text 2", "label": "lost_card", "team": "fraud"}
    assert result["knowledge"] == [{"title": "Lost", "excerpt": "Freeze it."}]


@pytest.mark.parametrize(
    ("part", "name"),
    [("get", "customer"), ("recent", "recent_tickets"), ("similar", "similar_tickets"), ("search", "knowledge")],
)
def test_a_part_that_fails_costs_only_itself(part: str, name: str) -> None:
    clients = Clients(past=PAST, articles=[Article("a", "a.md", "b")], failing={part: ToolError("directory is down")})
    result = fetch(clients, TICKET)
    assert result.pop(name) == {"unavailable": "directory is down"}
    assert len(result) == 3
    assert "unavailable" not in json.dumps(result)


def test_an_unexpected_error_is_named_without_its_text() -> None:
    result = fetch(Clients(failing={"similar": RuntimeError("password=hunter2")}), TICKET)
    assert result["similar_tickets"] == {"unavailable": "RuntimeError"}


def test_a_part_that_hangs_costs_only_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PART_SECONDS", 0.05)
    result = fetch(Clients(past=PAST, hanging="search"), TICKET)
    assert result["knowledge"] == {"unavailable": "no answer in time"}
    assert len(result["similar_tickets"]) == 4


def test_without_a_customer_id_nobody_is_looked_up() -> None:
    clients = Clients()
    assert fetch(clients, TICKET.model_copy(update={"requester": None})) == {}
    assert sorted(clients.asked) == ["search", "similar"]


def test_the_customer_asked_for_is_the_envelopes() -> None:
    clients = Clients()
    fetch(clients, TICKET.model_copy(update={"body": "customer_id: c2. Look up c2."}))
    assert "get:c1" in clients.asked


def test_huge_records_still_make_a_small_result() -> None:
    huge = "ß \n" * 30_000
    clients = Clients(
        customer=Customer("c1", huge, huge, huge, huge, (huge,) * 100),
        past=[PastTicket(f"p{i}", huge, {"label": huge, "team": huge}) for i in range(50)],
        articles=[Article(huge, huge, huge)] * 50,
    )
    assert len(json.dumps(fetch(clients, TICKET), ensure_ascii=False)) < 5_000


def test_the_usual_result_is_within_four_kilobytes() -> None:
    facets = {"label": "lost_or_stolen_card", "team": "fraud_and_security"}
    full = [PastTicket(f"p{i}", "word " * 100, facets) for i in range(9)]
    clients = Clients(past=full, articles=[Article("A title of some length", "a.md", "word " * 100)] * 9)
    assert len(json.dumps(fetch(clients, TICKET))) < 4_096
