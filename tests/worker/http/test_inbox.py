"""`/v1/inbox`: every action over HTTP, stale and foreign ones refused, pages that survive departures."""

import base64
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from fallbacks.access.api_keys import Scope
from tasks.reasons import Reason
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from tests.worker.http.served import Served
from worker.http.inbox import pages as inbox_pages


def act(client: httpx.Client, ticket_id: str, action: str, **body: Any) -> httpx.Response:
    return client.post(f"/v1/inbox/{ticket_id}/{action}", json=body)


def version(client: httpx.Client, ticket_id: str) -> int:
    return int(client.get(f"/v1/tickets/{ticket_id}").json()["version"])


def test_the_list_is_filtered_and_sorted(web: Served, api: httpx.Client) -> None:
    web.ledger.suggested("T-1")
    web.ledger.failed("T-2", Reason.STEP_LIMIT)
    web.ledger.failed("T-3", Reason.LOOP_DETECTED)

    def found(**query: Any) -> list[str]:
        return [item["id"] for item in api.get("/v1/inbox", params=query).json()["items"]]

    assert found() == ["T-1", "T-2", "T-3"]
    assert found(queue="limits") == ["T-2"]
    assert found(reason="loop_detected") == ["T-3"]
    assert found(label="card_arrival") == ["T-1"]
    assert found(queue="review", reason="step_limit") == []
    assert found(older_than=3600) == []
    assert api.get("/v1/inbox", params={"reason": "no_such"}).status_code == 422
    for cursor in ("junk", "[1e999,0,0]", f"[{'9' * 99},0,0]", "[NaN,0,0]", "[[0],0,0]"):
        sent = base64.urlsafe_b64encode(cursor.encode()).decode() if cursor.startswith("[") else cursor
        assert api.get("/v1/inbox", params={"cursor": sent}).status_code == 422, cursor


def test_many_are_acted_on_at_once_and_each_is_done_or_refused(web: Served, api: httpx.Client) -> None:
    for number in range(3):
        web.ledger.suggested(f"B-{number}")
    web.ledger.failed("B-3", Reason.STEP_LIMIT)

    def bulk(ids: str, **body: Any) -> dict[str, Any]:
        items = [{"id": f"B-{number}", "version": version(api, f"B-{number}")} for number in ids]
        return dict(api.post("/v1/inbox/bulk", json={"items": items, **body}).json())

    items = [{"id": f"B-{number}", "version": version(api, f"B-{number}")} for number in range(4)]
    act(api, "B-2", "note", text="Looked at meanwhile.")
    sent = {"act": "approve", "items": [*items, items[0], {"id": "nobody", "version": 1}]}
    answer = api.post("/v1/inbox/bulk", json=sent).json()
    said = [(one["id"], one["done"], one["state"], one["refused"]) for one in answer["results"]]
    assert said == [
        ("B-0", True, "decided", None),
        ("B-1", True, "decided", None),
        ("B-2", False, None, "stale"),
        ("B-3", False, None, "impossible"),
        ("nobody", False, None, "unknown"),
    ]
    assert (answer["done"], answer["repeats"]) == (2, 1)
    assert bulk("01", act="undo")["done"] == 2
    assert bulk("012", act="snooze", seconds=60)["done"] == 3
    assert bulk("012", act="snooze", seconds=0)["done"] == 3
    refused = bulk("0", act="assign", to="team:nowhere")["results"][0]
    assert (refused["refused"], "there is no team" in refused["detail"]) == ("impossible", True)
    assert [bulk("012", act="assign", to=to)["done"] for to in ("anna", "")] == [3, 3]
    assert bulk("2", act="edit", decision={"label": "card_arrival"})["done"] == 1
    assert bulk("013", act="close", kind="spam")["done"] == 3
    for wrong in ({"act": "approve", "items": []}, {"act": "erase", "items": items}, {"act": "close", "items": items}):
        assert api.post("/v1/inbox/bulk", json=wrong).status_code == 422


def test_a_page_ends_early_where_its_tickets_are_long(
    web: Served, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_pages, "MOST_PAGE_CHARS", 100)
    for number in range(3):
        web.ledger.rejected(f"rej_{number}", b"x" * 60)
    seen, cursor = list[int](), ""
    while cursor is not None:
        page = api.get("/v1/inbox", params={"cursor": cursor} if cursor else {}).json()
        seen, cursor = [*seen, len(page["items"])], page["next"]
    assert seen == [2, 1]


def test_pages_show_each_item_once_though_others_leave(web: Served, api: httpx.Client) -> None:
    for number in range(12):
        web.ledger.suggested(f"T-{number:02}")
    first = api.get("/v1/inbox", params={"limit": 5}).json()
    for number in range(4):  # what was seen leaves: later items move up
        web.client(web.key()).post(f"/v1/tickets/T-{number:02}/cancel")
    second = api.get("/v1/inbox", params={"limit": 5, "cursor": first["next"]}).json()
    third = api.get("/v1/inbox", params={"limit": 5, "cursor": second["next"]}).json()
    seen = [item["id"] for page in (first, second, third) for item in page["items"]]
    assert seen == [f"T-{number:02}" for number in range(12)]
    assert (first["total"], third["total"], third["next"]) == (12, 8, None)


def test_next_serves_each_person_another_item(web: Served, api: httpx.Client) -> None:
    for number in range(3):
        web.ledger.suggested(f"T-{number}")
    served = [api.post("/v1/inbox/next", json={"person": f"p{number}"}) for number in range(4)]
    assert [answer.status_code for answer in served] == [200, 200, 200, 204]
    assert {answer.json()["id"] for answer in served[:3]} == {"T-0", "T-1", "T-2"}
    assert [answer.json()["holder"] for answer in served[:3]] == ["tester:p0", "tester:p1", "tester:p2"]
    assert api.post("/v1/inbox/next", json={"queue": "review", "label": "x"}).status_code == 422


def test_approving_decides_and_undo_takes_it_back(web: Served, api: httpx.Client) -> None:
    web.ledger.suggested("T-1")
    decided = act(api, "T-1", "approve", version=version(api, "T-1")).json()
    assert (decided["state"], decided["decision"]["decided_by"], decided["undo_until"] is not None) == (
        "decided",
        "tester",
        True,
    )
    back = act(api, "T-1", "undo", version=decided["version"]).json()
    assert (back["state"], back["decision"]["decided_by"]) == ("suggested", "agent")
    again = act(api, "T-1", "undo", version=back["version"])
    assert (again.status_code, again.json()["type"]) == (409, "/problems/not-possible")


def test_editing_names_another_label(web: Served, api: httpx.Client) -> None:
    web.ledger.suggested("T-1")
    unknown = act(api, "T-1", "edit", version=version(api, "T-1"), label="no_such_label")
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/label")
    edited = act(api, "T-1", "edit", version=version(api, "T-1"), label="lost_or_stolen_card", priority="urgent").json()
    assert (edited["decision"]["label"], edited["decision"]["priority"]) == ("lost_or_stolen_card", "urgent")


def test_rejecting_keeps_it_waiting_with_the_reason(web: Served, api: httpx.Client) -> None:
    web.ledger.suggested("T-1")
    told = act(api, "T-1", "reject", version=version(api, "T-1"), reason="not what they ask").json()
    assert (told["state"], told["reason"], told["detail"]) == ("handed_off", "suggestion_rejected", "not what they ask")


@pytest.mark.parametrize(
    ("limit", "most", "beyond"),
    [("max_steps", 8, 9), ("max_tool_calls", 16, 17), ("max_cost_usd", 0.05, 0.051), ("max_seconds", 60, 60.5)],
)
def test_nobody_gives_a_run_more_than_the_operator_does(
    web: Served, api: httpx.Client, limit: str, most: float, beyond: float
) -> None:
    web.ledger.failed("T-1")
    before = version(api, "T-1")
    refused = act(api, "T-1", "resume", version=before, hint="", limits={limit: beyond})
    (fault,) = refused.json()["errors"]
    assert (refused.status_code, fault["pointer"]) == (403, f"/limits/{limit}")
    assert f"DESKHAND_{limit.upper()}" in fault["detail"]
    assert version(api, "T-1") == before
    assert act(api, "T-1", "resume", version=before, hint="", limits={limit: most}).status_code == 200


def test_resuming_gives_fresh_limits_and_a_hint_to_the_queue(
    web: Served, api: httpx.Client, valkey_server: ValkeyServer
) -> None:
    web.ledger.failed("T-1", steps=3)
    told = act(api, "T-1", "resume", version=version(api, "T-1"), hint="Look at fees.", limits={"max_steps": 5}).json()
    assert (told["state"], told["limits"]["max_steps"]) == ("queued", 8)
    events = api.get("/v1/tickets/T-1/events").json()["events"]
    assert events[-1]["data"] == {"by": "tester", "hint": "Look at fees.", "from_step": 0}
    with valkey_server.client() as valkey:
        wait_for(lambda: valkey.llen("tickets") >= 1, message="the hint is published")


def test_snoozing_and_notes(web: Served, api: httpx.Client) -> None:
    web.ledger.suggested("T-1")
    noted = act(api, "T-1", "note", text="called them").json()
    snoozed = act(api, "T-1", "snooze", version=noted["version"], seconds=600).json()
    assert snoozed["snoozed_until"] > snoozed["since"]
    assert api.post("/v1/inbox/next").status_code == 204
    notes = [
        event["data"]["note"]
        for event in api.get("/v1/tickets/T-1/events").json()["events"]
        if event["type"] == "person_acted"
    ]
    assert "called them" in notes


@pytest.mark.parametrize("action", ["approve", "edit", "reject", "resume", "snooze", "undo"])
def test_an_action_without_its_version_is_refused(web: Served, api: httpx.Client, action: str) -> None:
    web.ledger.suggested("T-1")
    answer = api.post(f"/v1/inbox/T-1/{action}", json={})
    assert answer.status_code == 422
    assert "/version" in [fault["pointer"] for fault in answer.json()["errors"]]


def test_a_stale_version_is_told_how_it_is_now(web: Served, api: httpx.Client) -> None:
    web.ledger.suggested("T-1")
    seen = version(api, "T-1")
    claimed = act(api, "T-1", "claim", version=seen, person="anna").json()
    stale = act(api, "T-1", "approve", version=seen, person="anna")
    assert stale.status_code == 409
    problem = stale.json()
    now = (problem["type"], problem["state"], problem["version"], problem["holder"])
    assert now == ("/problems/stale", "suggested", claimed["version"], "tester:anna")


def test_what_somebody_else_holds_is_left_alone_until_they_release_it(web: Served, api: httpx.Client) -> None:
    web.ledger.suggested("T-1")
    held = act(api, "T-1", "claim", person="anna").json()
    for action, more in (("approve", {}), ("claim", {}), ("reject", {"reason": "no"})):
        foreign = act(api, "T-1", action, version=held["version"], person="bert", **more)
        assert (foreign.status_code, foreign.json()["holder"]) == (409, "tester:anna")
    free = act(api, "T-1", "release", person="anna").json()
    assert free["holder"] is None
    assert act(api, "T-1", "approve", version=free["version"], person="bert").status_code == 200


def test_an_action_on_what_does_not_wait_is_stale(web: Served, api: httpx.Client) -> None:
    web.ledger.queued("T-1")
    answer = act(api, "T-1", "claim")
    assert (answer.status_code, answer.json()["state"]) == (409, "queued")
    assert act(api, "none", "claim").status_code == 404


def test_a_failure_without_a_suggestion_cannot_be_approved(web: Served, api: httpx.Client) -> None:
    web.ledger.failed("T-1")
    answer = act(api, "T-1", "approve", version=version(api, "T-1"))
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-possible")


def test_an_unreadable_message_is_dismissed_and_nothing_else(web: Served, api: httpx.Client) -> None:
    web.ledger.rejected("rej_1", b"{")
    seen = version(api, "rej_1")
    assert act(api, "rej_1", "resume", version=seen, hint="try").status_code == 409
    assert act(api, "rej_1", "reject", version=seen, reason="spam").json()["state"] == "cancelled"


def test_two_people_racing_decide_each_item_once(web: Served) -> None:
    for number in range(30):
        web.ledger.suggested(f"T-{number}")
    key = web.key(Scope.INBOX, Scope.READ)
    clients = [web.client(key), web.client(key)]
    seen = {f"T-{n}": version(clients[0], f"T-{n}") for n in range(30)}
    gate = threading.Barrier(2)

    def drain(who: int) -> list[int]:
        gate.wait()
        return [
            act(clients[who], ticket_id, "approve", version=based_on, person=f"p{who}").status_code
            for ticket_id, based_on in seen.items()
        ]

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(drain, range(2)))
    assert Counter(sorted(pair) == [200, 409] for pair in zip(*both, strict=True)) == {True: 30}


def test_what_could_not_be_read_is_repaired_into_a_ticket(web: Served, api: httpx.Client) -> None:
    web.ledger.rejected("rej_1", b"{")
    unfit = act(api, "rej_1", "repair", version=version(api, "rej_1"), ticket={"source": "mail", "subject": "Help"})
    assert (unfit.status_code, unfit.json()["errors"][0]["pointer"]) == (422, "/ticket/body")
    body = {"version": version(api, "rej_1"), "ticket": {"source": "mail", "subject": "Help", "body": "My card"}}
    for _ in range(2):
        repaired = act(api, "rej_1", "repair", **body).json()
        assert (repaired["id"], repaired["state"]) == ("fix_1", "queued")
    assert api.get("/v1/tickets/rej_1").json()["state"] == "cancelled"
    other = act(api, "rej_1", "repair", **{**body, "ticket": {**body["ticket"], "body": "Another"}})
    assert (other.status_code, other.json()["type"]) == (409, "/problems/idempotency-conflict")


def test_another_s_decision_is_undone_with_the_scope_operate_only(web: Served, api: httpx.Client) -> None:
    web.ledger.suggested("T-1")
    decided = act(api, "T-1", "approve", version=version(api, "T-1")).json()
    reviewer = web.client(web.key(Scope.INBOX, name="other"))
    refused = act(reviewer, "T-1", "undo", version=decided["version"])
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/forbidden")
    operator = web.client(web.key(Scope.INBOX, Scope.OPERATE, name="chief"))
    assert act(operator, "T-1", "undo", version=decided["version"]).json()["state"] == "suggested"


def test_nothing_says_what_is_suggested_for_a_blind_item(web: Served, api: httpx.Client) -> None:
    web.ledger.blind("T-1", "card_swallowed")
    assert api.get("/v1/inbox", params={"label": "card_swallowed"}).json()["items"] == []
    (item,) = api.get("/v1/inbox").json()["items"]
    assert (item["id"], item["decision"]) == ("T-1", None)
    assert api.get("/v1/tickets/T-1").json()["decision"] is None
    assert api.post("/v1/inbox/next", json={"label": "card_swallowed"}).status_code == 204
    assert act(api, "T-1", "approve", version=item["version"]).status_code == 409
    decided = act(api, "T-1", "edit", version=item["version"], label="card_arrival").json()
    assert decided["decision"]["label"] == "card_arrival"


def test_a_note_shows_nothing_that_the_key_may_not_read(web: Served, api: httpx.Client) -> None:
    web.ledger.queued("T-1", "my PIN is 1234")
    people = web.client(web.key(Scope.INBOX))
    assert act(people, "T-1", "note", text="called them").json() == {"id": "T-1", "state": "queued"}
    assert "1234" in act(api, "T-1", "note", text="called them").text
    web.ledger.suggested("T-2", "my PIN is 5678")
    assert "5678" in act(people, "T-2", "note", text="called them").text


def test_closing_ends_it_without_a_decision_and_undo_brings_it_back(web: Served, api: httpx.Client) -> None:
    web.ledger.suggested("T-1")
    before = version(api, "T-1")
    assert act(api, "T-1", "close", version=before, kind="boring").status_code == 422
    unknown = act(api, "T-1", "close", version=before, kind="duplicate", of="T-9")
    assert (unknown.status_code, unknown.json()["type"]) == (409, "/problems/not-possible")
    closed = act(api, "T-1", "close", version=before, kind="thanks").json()
    assert (closed["state"], closed["reason"], closed["decision"]) == ("closed", "thanks", None)
    assert act(api, "T-1", "close", version=before, kind="thanks").json()["type"] == "/problems/stale"
    assert act(api, "T-1", "undo", version=closed["version"]).json()["state"] == "suggested"


def test_a_key_that_reads_nothing_sees_no_more_of_what_it_ended(web: Served, api: httpx.Client) -> None:
    people = web.client(web.key(Scope.INBOX, name="people"))
    for ticket_id in ("T-1", "T-2"):
        web.ledger.suggested(ticket_id)
    assert act(people, "T-1", "close", version=version(api, "T-1"), kind="spam").json() == {
        "id": "T-1",
        "state": "closed",
    }
    act(api, "T-2", "approve", version=version(api, "T-2"))
    body = {"version": version(api, "T-2"), "label": "card_swallowed", "reason": "an ATM took it"}
    corrected = people.post("/v1/tickets/T-2/correct", json=body)
    assert corrected.json() == {"id": "T-2", "state": "decided"}


def test_a_key_of_teams_works_the_items_of_these_and_of_none(web: Served, api: httpx.Client) -> None:
    web.ledger.suggested("C-1")
    web.ledger.failed("N-1", Reason.STEP_LIMIT)
    team = api.get("/v1/tickets/C-1").json()["decision"]["team"]
    other = next(each for each in ("transfers", "card_delivery") if each != team)
    given = act(api, "N-1", "assign", version=version(api, "N-1"), to=f"team:{team}").json()
    assert (given["given_to"], given["assignee"]) == (f"team:{team}", None)
    crew = web.client(web.key(Scope.INBOX, name="crew", teams=[f"team:{other}"]))
    assert crew.get("/v1/inbox").json()["items"] == []
    assert crew.post("/v1/inbox/next", json={}).status_code == 204
    refused = act(crew, "C-1", "claim")
    problem = refused.json()
    assert (refused.status_code, problem["type"], problem["with_group"]) == (403, "/problems/forbidden", f"team:{team}")
    assert "body" not in problem
    items = [{"id": "C-1", "version": version(api, "C-1")}]
    many = crew.post("/v1/inbox/bulk", json={"act": "close", "kind": "spam", "items": items}).json()
    assert [each["refused"] for each in many["results"]] == ["not_allowed"]
    assert act(api, "C-1", "assign", version=version(api, "C-1"), to="crew:ann").json()["assignee"] == "crew:ann"
    assert act(crew, "C-1", "claim", person="ann").status_code == 200
    assert act(api, "C-1", "assign", version=version(api, "C-1"), to="team:nobody").status_code == 409
