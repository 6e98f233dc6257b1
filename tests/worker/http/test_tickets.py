"""Looking at tickets: states, ETag, long-poll, the journal as pages and as a stream, cancelling."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from fallbacks.access.api_keys import ApiKeys
from fallbacks.access.places import Places
from tests.services.waiting import wait_for
from tests.worker.http.served import Served
from worker.http import access


@contextmanager
def stream(client: httpx.Client, ticket_id: str, **headers: str) -> Iterator[Iterator[dict[str, str]]]:
    """The events of a live stream, field by field; the heartbeat is an event with a comment."""
    accept = {"Accept": "text/event-stream", **{name.replace("_", "-"): value for name, value in headers.items()}}
    with client.stream("GET", f"/v1/tickets/{ticket_id}/events", headers=accept) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield frames(answer.iter_lines())


def frames(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    frame: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            frame[name or "comment"] = value.strip()
        elif "retry" not in frame:
            yield frame
            frame = {}
        else:
            frame = {}


def seqs(events: Iterator[dict[str, str]], count: int) -> list[int]:
    return [int(next(events)["id"]) for _ in range(count)]


def test_a_suggested_ticket_is_answered_in_full(web: Served, api: httpx.Client) -> None:
    web.ledger.suggested("T-1")
    answer = api.get("/v1/tickets/T-1").json()
    assert (answer["state"], answer["decision"]["label"], answer["decision"]["decided_by"]) == (
        "suggested",
        "card_arrival",
        "agent",
    )
    assert answer["usage"]["cost_usd"] == answer["usage"]["cost_nanodollars"] / 1e9 > 0
    assert answer["usage"]["steps"] == 1
    assert answer["usage"]["tokens"] > 0
    assert answer["limits"]["max_cost_nanodollars"] == 50_000_000
    assert answer["accepted_at"].endswith("Z")
    assert answer["due_by"] > answer["accepted_at"]


@pytest.mark.parametrize("path", ["none", "none/events", "rej_0123"])
def test_an_unknown_ticket_is_404(api: httpx.Client, path: str) -> None:
    answer = api.get(f"/v1/tickets/{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize("ticket_id", ["%20", "a%00b", "x" * 200, "%F0%9F%92%A9", "-a", "..%2f..", "a%0d%0ab"])
def test_what_cannot_be_an_id_is_never_a_fault_of_ours(api: httpx.Client, ticket_id: str) -> None:
    for path in (f"/v1/tickets/{ticket_id}", f"/v1/tickets/{ticket_id}/events"):
        assert api.get(path).status_code in (404, 422)
    for path in (f"/v1/tickets/{ticket_id}/cancel", f"/v1/inbox/{ticket_id}/claim"):
        assert api.post(path).status_code in (404, 422)


def test_an_unreadable_message_is_a_ticket_too(web: Served, api: httpx.Client) -> None:
    web.ledger.rejected("rej_1", b"\xff{")
    answer = api.get("/v1/tickets/rej_1").json()
    assert (answer["state"], answer["reason"], answer["ticket"], answer["raw_base64"]) == (
        "rejected",
        "unreadable",
        None,
        "/3s=",
    )


def test_what_has_not_changed_is_not_sent_again(web: Served, api: httpx.Client) -> None:
    web.ledger.queued("T-1")
    etag = api.get("/v1/tickets/T-1").headers["etag"]
    same = api.get("/v1/tickets/T-1", headers={"If-None-Match": f'"other", W/{etag}'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    api.post("/v1/tickets/T-1/cancel")
    changed = api.get("/v1/tickets/T-1", headers={"If-None-Match": etag})
    assert (changed.status_code, changed.json()["state"]) == (200, "cancelled")


def test_waiting_ends_when_the_agent_is_done(web: Served, api: httpx.Client) -> None:
    web.ledger.queued("T-1")
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(api.get, "/v1/tickets/T-1?wait=60", timeout=40) for _ in range(8)]
        wait_for(lambda: web.web.desk is not None and web.web.desk.watch._waiting, message="somebody waits")
        web.ledger.suggested("T-1")
        assert {answer.result().json()["state"] for answer in waiting} == {"suggested"}


def test_waiting_ends_with_its_time(web: Served, api: httpx.Client) -> None:
    web.ledger.queued("T-1")
    assert api.get("/v1/tickets/T-1?wait=0.2").json()["state"] == "queued"
    assert api.get("/v1/tickets/none?wait=20").status_code == 404


def test_the_journal_comes_in_pages(web: Served, api: httpx.Client) -> None:
    web.ledger.suggested("T-1")
    whole = api.get("/v1/tickets/T-1/events").json()
    assert whole["next"] is None
    assert [event["seq"] for event in whole["events"]] == list(range(len(whole["events"])))
    assert [whole["events"][0]["type"], whole["events"][-1]["type"]] == ["accepted", "suggested"]
    pages: list[Any] = []
    after: int | None = -1
    while after is not None:
        page = api.get("/v1/tickets/T-1/events", params={"after": after, "limit": 2}).json()
        pages += page["events"]
        after = page["next"]
    assert pages == whole["events"]
    (reply,) = [event["data"] for event in pages if event["type"] == "model_replied"]
    assert reply["cost_usd"] == reply["cost_nanodollars"] / 1e9


def test_the_journal_is_followed_and_resumed(web: Served, api: httpx.Client) -> None:
    web.ledger.queued("T-1")
    with stream(api, "T-1") as events:
        first = next(events)
        assert (first["id"], first["event"], json.loads(first["data"])["type"]) == ("0", "accepted", "accepted")
        web.ledger.suggested("T-1")
        assert seqs(events, 3) == [1, 2, 3]
    with stream(api, "T-1", Last_Event_ID="1") as events:
        assert seqs(events, 2) == [2, 3]
    bad = api.get("/v1/tickets/T-1/events", headers={"Accept": "text/event-stream", "Last-Event-ID": "x"})
    assert bad.status_code == 422


def test_a_quiet_stream_has_a_heartbeat(web: Served, api: httpx.Client) -> None:
    web.ledger.queued("T-1")
    assert web.web.desk is not None
    web.web.desk.heartbeat_seconds = 0.05
    try:
        with stream(api, "T-1") as events:
            assert [sorted(next(events)) for _ in range(2)] == [["data", "event", "id"], ["comment"]]
    finally:
        web.web.desk.heartbeat_seconds = 15.0


def test_stopping_ends_streams_and_waits(valkey_url: str) -> None:
    with Served(valkey_url) as web:
        web.ledger.queued("T-1")

        def follow() -> None:
            with stream(web.client(), "T-1") as events:
                list(events)

        with ThreadPoolExecutor(2) as pool:
            following = pool.submit(follow)
            waiting = pool.submit(web.client().get, "/v1/tickets/T-1?wait=60", timeout=40)
            wait_for(lambda: web.web.desk is not None and web.web.desk.watch._waiting)
            wait_for(lambda: len(web.server.server_state.connections) == 2)
            web.stop()
            following.result(40)
            assert waiting.result(40).json()["state"] == "queued"


def test_cancelling_is_final_and_repeatable(web: Served, api: httpx.Client) -> None:
    web.ledger.queued("T-1")
    assert [api.post("/v1/tickets/T-1/cancel").json()["state"] for _ in range(2)] == ["cancelled"] * 2
    assert api.get("/v1/tickets/T-1/events").json()["events"][-1]["data"] == {"by": "tester"}


def test_a_decided_ticket_is_not_cancelled(web: Served, api: httpx.Client) -> None:
    web.ledger.suggested("T-1")
    version = api.get("/v1/tickets/T-1").json()["version"]
    api.post("/v1/inbox/T-1/approve", json={"version": version})
    answer = api.post("/v1/tickets/T-1/cancel")
    assert (answer.status_code, answer.json()["type"], answer.json()["state"]) == (409, "/problems/stale", "decided")


def test_no_event_tells_a_blind_suggestion_not_even_while_it_is_made(web: Served, api: httpx.Client) -> None:
    web.ledger.queued("T-1")
    with stream(api, "T-1") as events:
        told = [next(events)]
        web.ledger.blind("T-1", "card_swallowed")
        while told[-1]["event"] != "suggested":
            told.append(next(events))
    page = api.get("/v1/tickets/T-1/events").text
    assert "decision_submitted" in page
    assert "card_swallowed" not in page + str(told)
    version = api.get("/v1/tickets/T-1").json()["version"]
    api.post("/v1/inbox/T-1/edit", json={"version": version, "label": "card_arrival"})
    assert "card_swallowed" in api.get("/v1/tickets/T-1/events").text


def test_a_key_has_so_many_streams_at_once_and_another_has_its_own(
    web: Served, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = web.web.desk
    assert desk is not None
    monkeypatch.setattr(desk, "streams", Places(10, 1))
    web.ledger.queued("T-1")
    events, accept = "/v1/tickets/T-1/events", {"accept": "text/event-stream"}
    with stream(api, "T-1") as first:
        next(first)
        refused = api.get(events, headers=accept)
        assert (refused.status_code, refused.json()["type"]) == (429, "/problems/rate-limited")
        assert api.get(events).status_code == 200
        with stream(web.client(web.key()), "T-1") as other:
            next(other)
    wait_for(lambda: not desk.streams.taken, message="the streams are let go")


def test_a_stream_ends_with_its_key(web: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "AGAIN_SECONDS", 0.0)
    web.ledger.queued("T-1")
    web.key()
    key = web.key(name="leaver")
    with stream(web.client(key), "T-1") as events:
        next(events)
        web.ledger.do(lambda ledger: ApiKeys(ledger.store).revoke(key.split("_")[1]))
        assert list(events) == []


def test_so_many_requests_wait_for_tickets_at_once(
    web: Served, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = web.web.desk
    assert desk is not None
    monkeypatch.setattr(desk, "polls", Places(10, 1))
    web.ledger.queued("T-1")
    with ThreadPoolExecutor(1) as waiting:
        first = waiting.submit(api.get, "/v1/tickets/T-1?wait=60")
        wait_for(lambda: desk.polls.taken.total() == 1, message="the first waits")
        refused = api.get("/v1/tickets/T-1?wait=5")
        assert (refused.status_code, refused.json()["type"]) == (429, "/problems/rate-limited")
        assert api.get("/v1/tickets/T-1").status_code == 200
        api.post("/v1/tickets/T-1/cancel")
        assert first.result().json()["state"] == "cancelled"
    wait_for(lambda: not desk.polls.taken, message="the place is let go")


def test_a_decision_that_stands_is_corrected(web: Served, api: httpx.Client) -> None:
    web.ledger.suggested("T-1")
    path, body = "/v1/tickets/T-1/correct", {"version": 1, "label": "card_swallowed", "reason": "an ATM took it"}
    assert api.post(path, json=body).json()["type"] == "/problems/stale"
    version = api.get("/v1/tickets/T-1").json()["version"]
    version = api.post("/v1/inbox/T-1/approve", json={"version": version}).json()["version"]
    for wrong in ({"label": "no_such"}, {"reason": ""}, {"priority": "soon"}, {"colour": "red"}):
        assert api.post(path, json=body | {"version": version} | wrong).status_code == 422, wrong
    corrected = api.post(path, json=body | {"version": version, "priority": "high"}).json()
    assert (corrected["decision"]["label"], corrected["decision"]["priority"]) == ("card_swallowed", "high")
    assert (corrected["decision"]["rationale"], corrected["earlier_decision"]["label"]) == (
        "an ATM took it",
        "card_arrival",
    )
    assert api.post(path, json=body | {"version": corrected["version"], "priority": "high"}).status_code == 409
    assert api.get("/v1/tickets/T-1/events").json()["events"][-1]["data"]["action"] == "correct"
    assert api.post("/v1/tickets/T-9/correct", json=body).status_code == 404
