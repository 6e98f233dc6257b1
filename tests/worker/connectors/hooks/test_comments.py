"""What is said of a ticket in the helpdesk, or changed in it, joins its conversation."""

import json
from typing import Any

import pytest

from fallbacks.ledger.views import Views
from tests.worker.connectors.hooks.calls import event, post, proof
from tests.worker.http.served import Served
from worker.intake.threads import as_message

COMMENT = "It was stolen from my letter box."
COMMENTS: dict[str, dict[str, Any]] = {
    "zendesk": {
        "type": "zen:event-type:ticket.comment_added",
        "time": "2026-11-02T10:00:00Z",
        "event": {
            "comment": {
                "id": "8447388123",
                "body": COMMENT,
                "is_public": True,
                "author": {"id": "8447388090494", "is_staff": False, "name": "Zoe Unal"},
            },
        },
    },
    "freshdesk": {
        "freshdesk_webhook": {
            "ticket_id": 4711,
            "comment_id": 99,
            "comment_body": f"<div>{COMMENT}</div>",
            "comment_by": "Zoe Unal",
        }
    },
    "github": {
        "action": "created",
        "comment": {
            "id": 1789,
            "user": {"login": "zoe", "id": 6752317, "type": "User"},
            "created_at": "2026-11-02T10:00:00Z",
            "body": f"{COMMENT} <!-- from a template -->",
        },
    },
}
"""What each helpdesk sends besides what it sends of the ticket, in the recorded shapes of their documentation."""

OURS: dict[str, tuple[tuple[str, ...], Any]] = {
    "zendesk": (("event", "comment", "body"), "[deskhand] Their card is late (card_arrival, card_delivery)"),
    "freshdesk": (("freshdesk_webhook", "comment_body"), "<div>[deskhand] card_arrival</div>"),
    "github": (("comment", "user", "type"), "Bot"),
}
"""What makes it our own echo."""


def comment(web: Served, name: str, changed: tuple[tuple[str, ...], Any] | None = None) -> dict[str, Any]:
    """Post a comment on the ticket of `event(name)`."""
    document = json.loads(event(name)) | json.loads(json.dumps(COMMENTS[name]))
    if changed is not None:
        *path, last = changed[0]
        place = document
        for part in path:
            place = place[part]
        place[last] = changed[1]
    body = json.dumps(document).encode()
    headers = proof(name, body) | ({"x-github-event": "issue_comment"} if name == "github" else {})
    answer = post(web, name, body, headers)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("name", COMMENTS)
def test_a_comment_joins_its_ticket_once(web: Served, name: str) -> None:
    ticket_id = post(web, name, event(name)).json()["id"]
    first, again = comment(web, name), comment(web, name)
    assert first == again
    assert (first["id"], first["state"], first["ignored"]) == (ticket_id, "queued", "")
    checkpoint = web.ledger.do(lambda ledger: Views(ledger.store).checkpoint(ticket_id))
    ((added),) = checkpoint.added
    assert (added.message.body, added.message.id) == (COMMENT, first["message"])


@pytest.mark.parametrize("name", COMMENTS)
def test_our_own_echo_is_passed_by(web: Served, name: str) -> None:
    ticket_id = post(web, name, event(name)).json()["id"]
    assert "ourselves" in comment(web, name, OURS[name])["ignored"]
    assert web.ledger.view(ticket_id).messages == 0


CHANGED = "My card arrived, but its PIN does not work."
CHANGES: dict[str, dict[str, Any]] = {
    "zendesk": {
        "type": "zen:event-type:ticket.description_changed",
        "id": "cbe4028c-7239-495d-b020-f22348516046",
        "time": "2026-11-02T11:00:00Z",
        "event": {"current": CHANGED, "previous": "My card has not arrived."},
    },
    "freshdesk": {
        "freshdesk_webhook": {
            "ticket_id": 4711,
            "ticket_description": f"<div>{CHANGED}</div>",
            "triggered_event": "{description:{from:My card has not arrived.,to:My card arrived}}",
            "change_id": "2026-11-02T11:00:00Z",
        }
    },
    "github": {
        "action": "edited",
        "changes": {"body": {"from": "My card has not arrived."}},
        "sender": {"login": "zoe", "id": 6752317, "type": "User"},
    },
}
"""What each helpdesk sends where the words of a ticket were changed, in the shapes of their documentation."""


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_ticket_has_the_change_as_a_message(web: Served, name: str) -> None:
    ticket_id = post(web, name, event(name)).json()["id"]
    document = json.loads(event(name)) | json.loads(json.dumps(CHANGES[name]))
    if name == "github":
        document["issue"] |= {"body": CHANGED, "updated_at": "2026-11-02T11:00:00Z"}
    body = json.dumps(document).encode()
    headers = proof(name, body) | ({"x-github-event": "issues"} if name == "github" else {})
    for _ in range(2):
        answer = post(web, name, body, headers)
        assert (answer.status_code, answer.json()["id"], answer.json()["ignored"]) == (202, ticket_id, "")
    ((added),) = web.ledger.do(lambda ledger: Views(ledger.store).checkpoint(ticket_id)).added
    assert added.message.body == CHANGED


RITA = (("comment", "user"), {"login": "rita", "id": 99, "type": "User"})


def test_who_comments_on_an_issue_is_known_and_whether_it_is_who_opened_it(web: Served) -> None:
    ticket_id = post(web, "github", event("github")).json()["id"]
    comment(web, "github", RITA)
    comment(web, "github", (("comment", "id"), 1790))
    added = web.ledger.do(lambda ledger: Views(ledger.store).checkpoint(ticket_id)).added
    assert [(one.message.wrote, one.message.other) for one in added] == [("rita", True), ("zoe", False)]


def test_whose_comment_it_is_stays_known_while_it_waits_for_its_issue(web: Served) -> None:
    waiting = web.ledger.view(comment(web, "github", RITA)["id"])
    message = as_message(waiting.ticket, "m1")
    assert (message.wrote, message.other) == ("rita", True)


def test_a_comment_before_its_ticket_waits(web: Served) -> None:
    waiting = comment(web, "zendesk")
    assert (waiting["state"], waiting["id"].startswith("reply-")) == ("parked", True)
    assert post(web, "zendesk", event("zendesk")).json()["state"] == "queued"
    assert comment(web, "zendesk")["state"] == "queued"


def test_a_comment_that_says_nothing_is_kept_whole(web: Served) -> None:
    post(web, "github", event("github"))
    kept = comment(web, "github", (("comment", "body"), "<!-- only a template -->"))
    assert kept["state"] == "rejected"
    assert web.ledger.view(kept["id"]).detail.startswith("body")
