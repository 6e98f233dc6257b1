"""`GET /v1/tickets`: what is here and what has ended, found by words, people, labels, states and time."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from fallbacks.access.api_keys import ApiKeys, Scope
from fallbacks.history.port import Entry
from fallbacks.history.sqlite.history import SqliteHistory
from fallbacks.history.sqlite.url import sqlite_path
from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.past.leaving import Leaving
from tests.fakes.desk import TRIAGE
from tests.fallbacks.history.ended import MARCH, entry
from tests.worker.http.served import Served
from tests.worker.http.test_tickets import stream

ANN = {"id": "c-7", "email": "ann@example.com", "name": "Ann Müller"}
LOAN: dict[str, Any] = {"body": "A loan, please", "source": "shop", "decision": {"summary": "It wants a loan."}}

FOUND = {
    "": ["new-3", "new-2", "new-1", "old-2", "old-1"],
    "q=card": ["new-3", "new-1", "old-1"],
    "q=CARD+lo*": ["new-1", "old-1"],
    "q=muller": ["new-3", "old-1"],
    "q=ca+coute": ["new-3"],
    "q=old-2": ["old-2"],
    "q=%22+OR+card": [],
    "requester=ANN@example.com": ["new-3", "old-1"],
    "requester=c-7&state=decided": ["old-1"],
    "state=suggested&state=handed_off": ["new-2", "new-1"],
    "label=card_arrival": ["new-1"],
    "label=lost_card&team=cards&decided_by=ann": ["old-2", "old-1"],
    "reason=step_limit": ["new-2"],
    "source=bank": ["new-3"],
    "until=2026-03-01": ["old-2", "old-1"],
    "since=2026-03-02": ["new-3", "new-2", "new-1"],
    "ended_since=2026-03-01T00:00:00Z": ["old-2", "old-1"],
    "corrected=true": [],
}


BAD = {
    "state=done": "state",
    "labl=x": "labl",
    "since=yesterday": "since",
    "limit=201": "limit",
    "cursor=abc": "cursor",
    "reason=no": "reason",
    "q=" + "a" * 501: "q",
}


def keep(web: Served, entries: Sequence[Entry]) -> None:
    """Write tickets to the history of the served deployment, as another process would."""

    async def written() -> None:
        history = SqliteHistory(sqlite_path("sqlite:", web.settings.home), TRIAGE)
        await history.write(entries)
        await history.aclose()

    asyncio.run(written())


@pytest.fixture
def mixed(web: Served, api: httpx.Client) -> httpx.Client:
    """Three that are here and two that have ended."""
    keep(web, [entry("old-1", MARCH, requester=ANN), entry("old-2", MARCH + 1, **LOAN)])
    web.ledger.suggested("new-1", "My card is lost. Where is it?")
    web.ledger.failed("new-2")
    ticket = {"id": "new-3", "source": "bank", "subject": "", "body": "Ça coûte: card <b>fee</b>", "requester": ANN}
    assert api.post("/v1/tickets", json=ticket).status_code == 202
    return api


def ids(client: httpx.Client, query: str) -> list[str]:
    answer = client.get(f"/v1/tickets?{query}")
    assert answer.status_code == 200, answer.text
    return [ticket["id"] for ticket in answer.json()["tickets"]]


def test_it_finds_what_is_here_and_what_has_ended(mixed: httpx.Client) -> None:
    assert {query: ids(mixed, query) for query in FOUND} == FOUND


def test_pages_follow_each_other_though_a_ticket_ends_between_them(web: Served, mixed: httpx.Client) -> None:
    seen, query = list[str](), "limit=2"
    while query:
        page = mixed.get(f"/v1/tickets?{query}").json()
        seen += [ticket["id"] for ticket in page["tickets"]]
        query = f"limit=2&cursor={page['next']}" if page["next"] else ""
        ended = mixed.get("/v1/tickets/new-1").json()
        mixed.post("/v1/inbox/new-1/approve", json={"version": ended["version"]})
    assert seen == ["new-3", "new-2", "new-1", "old-2", "old-1"]


def test_a_ticket_is_shown_with_the_words_around(mixed: httpx.Client) -> None:
    (found,) = mixed.get("/v1/tickets?q=fee").json()["tickets"]
    assert found["excerpt"] == "Ça coûte: card <b>fee</b>"
    assert (found["requester"], found["state"], found["facets"]) == (ANN, "queued", {})
    (ended,) = mixed.get("/v1/tickets?q=old-1").json()["tickets"]
    assert (ended["facets"], ended["decided_by"], ended["since"]) == (
        {"label": "lost_card", "team": "cards"},
        "ann",
        "2026-03-01T00:01:00.000Z",
    )


def test_a_bad_filter_is_refused_by_its_name(api: httpx.Client) -> None:
    for query, pointer in BAD.items():
        refused = api.get(f"/v1/tickets?{query}")
        assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
        assert {fault["pointer"] for fault in refused.json()["errors"]} == {pointer}, query


def test_a_key_finds_only_what_it_may_read(web: Served, mixed: httpx.Client) -> None:
    web.ledger.rejected("rej_1", b"{")

    def client(source: str | None, *scopes: Scope) -> httpx.Client:
        return web.client(web.ledger.do(lambda ledger: ApiKeys(ledger.store).create("k", scopes, source))[1])

    bank = client("bank", Scope.READ)
    assert ids(bank, "") == ids(bank, "q=card") == ["new-3"]
    assert ids(bank, "source=shop") == ids(bank, "q=old-1") == []
    for scopes in ((Scope.WRITE,), (Scope.INBOX,)):
        assert client(None, *scopes).get("/v1/tickets").status_code == 403
    assert "rej_1" in ids(mixed, "state=rejected")


def test_what_is_to_be_decided_blind_is_found_by_its_words_alone(web: Served, api: httpx.Client) -> None:
    web.ledger.blind("dark")
    assert ids(api, "q=card&state=suggested") == ["dark"]
    assert ids(api, "label=card_arrival") == []
    assert api.get("/v1/tickets?q=dark").json()["tickets"][0]["facets"] == {}


def test_a_ticket_that_has_left_the_store_is_shown_at_every_door(web: Served, api: httpx.Client) -> None:
    web.ledger.suggested("gone-1", "My umbrella is lost")
    assert ids(api, "q=umbrella&state=suggested") == ["gone-1"]
    version = api.get("/v1/tickets/gone-1").json()["version"]
    assert api.post("/v1/inbox/gone-1/approve", json={"version": version}).status_code == 200

    async def leave(ledger: Ledger) -> dict[str, str]:
        await ledger.store.put("t:gone-1", {"undo_until": "0"})
        history = SqliteHistory(sqlite_path("sqlite:", web.settings.home), TRIAGE)
        await Leaving(ledger.store, history, TRIAGE, rests_ms=0).round()
        await history.aclose()
        return await ledger.store.row("gone-1")

    assert web.ledger.do(leave) == {}
    assert ids(api, "q=umbrella&state=decided&decided_by=tester&label=card_arrival") == ["gone-1"]
    assert ids(api, "q=umbrella&state=suggested") == []
    assert api.get("/v1/tickets/gone-1").json()["decision"]["decided_by"] == "tester"
    types = [event["type"] for event in api.get("/v1/tickets/gone-1/events").json()["events"]]
    with stream(api, "gone-1") as frames:
        streamed = [next(frames)["event"] for _ in types]
    assert types == streamed
    assert types[-1] == "decided"


def test_without_history_it_says_so(web: Served, api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from fallbacks.errors import HistoryUnreachable

    async def away(*_: Any) -> Any:
        raise HistoryUnreachable("away")

    assert web.web.desk is not None
    monkeypatch.setattr(web.web.desk.parts.history, "search", away)
    refused = api.get("/v1/tickets")
    assert (refused.status_code, refused.json()["detail"][:7]) == (503, "history")
