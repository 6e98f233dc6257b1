"""A call of a helpdesk over HTTP: every one a ticket or kept, under an id that nobody else takes."""

import asyncio
import base64
import json
from typing import Any

import httpx
import pytest

from fallbacks.access.api_keys import Scope
from fallbacks.ledger.states import State
from fallbacks.ledger.views import Views
from tasks.run.limits import Limits
from tests.services.http_sink import HttpSink
from tests.worker.connectors.hooks.calls import HOOKS, SECRETS, decide, event, post, proof
from tests.worker.http.served import Served
from worker import sample


@pytest.mark.parametrize("name", HOOKS)
def test_a_call_needs_no_api_key_but_its_proof(web: Served, name: str) -> None:
    web.key()
    answer = post(web, name, event(name))
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert web.ledger.state(answer.json()["id"]) is State.QUEUED
    refused = post(web, name, event(name), {})
    assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
    assert post(web, "nobody", b"{}", {}).status_code == 404


def test_a_resent_event_and_a_later_one_make_no_second_ticket(web: Served) -> None:
    first, second = (post(web, "github", event("github")).json() for _ in range(2))
    assert first == second
    changed = json.loads(event("github"))
    changed["issue"]["title"] = "Another title"
    later = post(web, "github", json.dumps(changed).encode())
    assert (later.status_code, later.json()["id"]) == (202, first["id"])
    assert "before" in later.json()["ignored"]
    assert "conditions" in post(web, "github", event("github", action="closed")).json()["ignored"]


def test_a_proven_call_that_does_not_fit_is_kept_whole(web: Served) -> None:
    body = event("github", issue={"title": "no id"})
    answer = post(web, "github", body).json()
    assert answer["state"] == "rejected"
    view = web.ledger.view(answer["id"])
    assert base64.b64decode(view.raw or "") == body
    assert (view.detail, view.source) == ("id: nothing at $.issue.id", "hook github")


def upstream(web: Served, ticket_id: str, **fields: Any) -> httpx.Response:
    body = {"source": "shop", "subject": "", "body": "nothing to see", "metadata": {"zendesk_id": 4711}, **fields}
    return web.client(web.key(Scope.WRITE)).post("/v1/tickets", json={"id": ticket_id, **body})


def test_no_key_takes_an_id_of_a_helpdesk(web: Served, http_sink: HttpSink) -> None:
    refused = upstream(web, "zendesk:5158")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/id")
    assert upstream(web, "zendesk.5158").status_code == 202
    assert post(web, "zendesk", event("zendesk")).json()["state"] == "queued"


@pytest.mark.parametrize("same", [False, True])
def test_a_helpdesks_ticket_whose_id_is_taken_is_kept_whole(web: Served, http_sink: HttpSink, same: bool) -> None:
    ticket = HOOKS["zendesk"].ticket_of(event("zendesk"))
    assert ticket
    taken = ticket if same else ticket.model_copy(update={"body": "nothing to see"})
    web.ledger.do(lambda ledger: ledger.accept(taken, Limits(), door="http"))
    answer = post(web, "zendesk", event("zendesk")).json()
    assert (answer["state"], answer["ignored"]) == ("rejected", "")
    kept = web.ledger.view(answer["id"])
    assert base64.b64decode(kept.raw or "") == event("zendesk")
    assert web.ledger.do(lambda ledger: ledger.store.fields("alert:unreadable"))["count"] == "1"
    assert post(web, "zendesk", event("zendesk")).json()["id"] == answer["id"]
    decide(web, ticket.id or "")
    assert http_sink.received == []


def test_a_helpdesk_that_sends_its_own_ticket_changed_is_ignored(web: Served, http_sink: HttpSink) -> None:
    post(web, "github", event("github"))
    changed = json.loads(event("github"))
    changed["issue"]["title"] = "Another title"
    answer = post(web, "github", json.dumps(changed).encode()).json()
    assert (answer["ignored"] != "", "state" not in answer or answer["state"] is None) == (True, True)


@pytest.mark.parametrize("origin", ["tasks.triage", "intake"])
def test_no_message_takes_an_id_of_a_helpdesk(web: Served, origin: str, http_sink: HttpSink) -> None:
    found = {"id": "zendesk:5158", "source": "shop", "subject": "", "body": "nothing to see"}

    async def work() -> str | None:
        parts = web._parts()
        taken = await parts.admission.take(found, origin, "m1")
        await parts.store.aclose()
        return taken

    assert asyncio.run(work()) is None
    assert web.ledger.do(lambda ledger: Views(ledger.store).ids(State.REJECTED)) != []
    assert post(web, "zendesk", event("zendesk")).json()["state"] == "queued"


def test_a_hook_has_a_rate_that_only_proven_calls_use_up(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    with Served(valkey_url, hooks=sample.path("hooks"), api_requests_per_minute=2) as web:
        strangers = [web.client().post("/v1/hooks/github", content=event("github")).status_code for _ in range(4)]
        proven = [
            web.client()
            .post(
                "/v1/hooks/github",
                content=event("github"),
                headers=proof("github", event("github")) | {"content-type": "application/json"},
            )
            .status_code
            for _ in range(3)
        ]
        assert (strangers, proven) == ([401] * 4, [202, 202, 429])
