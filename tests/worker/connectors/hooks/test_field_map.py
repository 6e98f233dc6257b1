"""What a field map makes of an event: a ticket, nothing, or a line of what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasks.ticket import MAX_BODY_CHARS
from tests.worker.connectors.hooks.calls import HOOKS, SECRETS, event
from worker import sample
from worker.config.errors import SettingsError
from worker.connectors.errors import HookFileError, UnmappedError
from worker.connectors.field_map import Condition, as_text, filled, steps_of, value_at
from worker.connectors.hook import CUT, UNREAD_DATE
from worker.connectors.yaml_hooks import load_hooks
from worker.service.checked_settings import checked_settings

FRESHDESK_URL = "https://your-domain.freshdesk.com/helpdesk/tickets/4711"
GITHUB_URL = "https://github.com/octo-org/octo-app/issues/12"
ISSUE = {"owner": "octo-org", "repository": "octo-app", "number": 12, "url": GITHUB_URL, "labels": "question, eu"}
EXPECTED = {
    "zendesk": ("zendesk:5158", "high", "web_service", {"zendesk_id": "5158", "tags": "card, eu"}),
    "freshdesk": ("freshdesk:4711", "normal", "Portal", {"freshdesk_id": 4711, "url": FRESHDESK_URL}),
    "github": ("github:2173584213", None, "issues", ISSUE),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_an_event_of_each_helpdesk_is_a_ticket(name: str) -> None:
    ticket = HOOKS[name].ticket_of(event(name))
    assert ticket
    assert (ticket.id, ticket.priority, ticket.channel, ticket.metadata) == EXPECTED[name]
    assert (ticket.source, ticket.subject) == (name, "Card not here")
    assert " ".join(ticket.body.split()) == "Hello, my card has not arrived. I ordered it two weeks ago."
    assert ticket.requester


def test_other_events_are_none() -> None:
    assert HOOKS["github"].ticket_of(event("github", action="edited")) is None
    assert HOOKS["zendesk"].ticket_of(event("zendesk", type="zen:event-type:ticket.status_changed")) is None


DEEP = b'{"detail": {"id": ' + b"[" * 900 + b"]" * 900 + b"}}"
"""Read, and too deep to be written as text."""


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"[" * 100_000, DEEP, b"{}", b'{"detail": 1}'])
def test_what_does_not_fit_is_said(body: bytes) -> None:
    lenient = HOOKS["zendesk"].model_copy(update={"when": []})
    with pytest.raises(UnmappedError):
        lenient.ticket_of(body)


def test_two_ids_never_become_one() -> None:
    hook = HOOKS["zendesk"]
    ids = ["a/b", "a b", "a-b", "x" * 200, "x" * 201, "ü"]
    found = [hook.ticket_of(event("zendesk", detail={"id": one, "subject": "s"})) for one in ids]
    assert len({ticket.id for ticket in found if ticket}) == len(ids)


def test_paths_name_one_value_or_several() -> None:
    document = {"a": [{"b": 1}, {"b": 2}, {}], "odd key": {"c": None}}
    assert value_at(document, steps_of("$.a[1].b")) == 2
    assert value_at(document, steps_of("$.a[*].b")) == [1, 2]
    assert value_at(document, steps_of("$['odd key'].c")) is None
    assert value_at(document, steps_of("$.a.b.c[7]")) is None
    assert value_at(document, steps_of("$.a[-2].b")) == 2
    assert value_at(document, steps_of("$..b")) == [1, 2]
    assert value_at({"a-b": 1}, steps_of("$.a-b")) == 1
    assert value_at({"x.a-b": 1, "y": {"c-d": 2}}, steps_of("$['x.a-b']")) == 1
    assert value_at([{"c-d": 2, "e": "f.g-h"}], steps_of("$[?@.e=='f.g-h'].c-d")) == [2]
    for wrong in ("a.b", "$.", "$.a[", "$.a[x]"):
        with pytest.raises(ValueError, match="not a path"):
            steps_of(wrong)


def test_templates_take_values_as_they_are_and_texts_as_words() -> None:
    document = {"n": 3, "l": ["a", "b"]}
    assert filled({"x": "{n}", "y": "n={n}", "z": ["{l}"], "w": "{none}"}, document) == {
        "x": 3, "y": "n=3", "z": [["a", "b"]], "w": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"token": {"header": "x", "secret_env": "X"}}, "exactly one of signature and token"),
        ({"ticket": {"id": "$.a[x"}}, "ticket.id.path"),
        ({"outcomes": [{"events": ["ticket.decided"], "url": "https://{data.x}/y"}]}, "host has no placeholder"),
        ({"outcomes": [{"events": ["ticket.lost"], "url": "https://h/y"}]}, "outcomes.0.events.0"),
        ({"name": "Zen Desk"}, "name"),
        ({"secret": "x"}, "secret"),
        ({"signature": {"header": "x", "secret_env": "NOBODY_SET_THIS"}}, "set NOBODY_SET_THIS in the environment"),
    ],
)
def test_a_field_map_that_cannot_work_is_one_line(tmp_path: Path, change: dict[str, Any], fault: str) -> None:
    document = {**yaml.safe_load(sample.path("hooks/github.yaml").read_text()), **change}
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(HookFileError, match=fault) as refused:
        load_hooks(tmp_path, SECRETS)
    assert "\n" not in str(refused.value)


def test_a_broken_field_map_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.yaml").write_text("name: [")
    monkeypatch.setenv("DESKHAND_HOOKS", str(tmp_path))
    with pytest.raises(SettingsError) as refused:
        checked_settings()
    assert [fault.partition(":")[0] for fault in refused.value.faults] == [str(tmp_path / "bad.yaml")]


def test_a_condition_may_ask_for_a_header_or_for_what_is_there() -> None:
    github = HOOKS["github"]
    assert github.ticket_of(event("github")) is not None
    pull_request = json.dumps({"action": "opened", "number": 2, "pull_request": {"id": 1}, "repository": {"name": "r"}})
    assert github.ticket_of(pull_request.encode()) is None
    assert github.ticket_of(event("github", action="transferred")) is None
    asked = Condition.model_validate({"header": "X-GitHub-Event", "one_of": ["issues"]})
    assert asked.holds({}, {"x-github-event": "issues"})
    assert not asked.holds({}, {})
    assert Condition.model_validate({"path": "$.a[*]", "present": False}).holds({"a": []}, {})
    labelled = {"labels": [{"name": "bug"}, {"name": "card"}], "number": 5, "closed": False}
    for path, wanted in (("$.labels[*].name", "card"), ("$.number", 5), ("$.closed", False)):
        assert Condition.model_validate({"path": path, "one_of": ["x", wanted]}).holds(labelled, {})
    assert not Condition.model_validate({"path": "$.labels[*].name", "one_of": ["car"]}).holds(labelled, {})
    assert as_text(labelled["labels"]) == '{"name": "bug"}, {"name": "card"}'
    with pytest.raises(ValueError, match="exactly one of path and header"):
        Condition.model_validate({"present": True})


def test_comments_of_an_issue_template_are_left_out_and_a_cut_is_marked() -> None:
    issue = json.loads(event("github"))["issue"]
    said = HOOKS["github"].ticket_of(
        event("github", issue={**issue, "body": "<!-- Search first -->\r\nMy card is lost"})
    )
    assert said is not None
    assert said.body == "My card is lost"
    long = HOOKS["github"].ticket_of(event("github", issue={**issue, "body": "word " * 20_000}))
    assert long is not None
    assert (len(long.body), long.body.endswith(CUT)) == (MAX_BODY_CHARS, True)


@pytest.mark.parametrize(
    ("sent", "received", "kept"),
    [
        ("2026-01-05 10:00:00", "2026-01-05T10:00:00+00:00", None),
        (1767600000, "2026-01-05T08:00:00+00:00", None),
        ("yesterday", None, "yesterday"),
        ("0000-00-00 00:00:00", None, "0000-00-00 00:00:00"),
    ],
)
def test_a_date_that_cannot_be_read_loses_no_ticket(sent: object, received: str | None, kept: str | None) -> None:
    issue = json.loads(event("github"))["issue"]
    ticket = HOOKS["github"].ticket_of(event("github", issue={**issue, "created_at": sent}))
    assert ticket is not None
    assert (ticket.received_at and ticket.received_at.isoformat()) == received
    assert ticket.metadata.get(UNREAD_DATE) == kept


def test_half_an_emoji_and_a_byte_order_mark_lose_no_ticket() -> None:
    issue = json.loads(event("github"))["issue"]
    body = event("github", issue={**issue, "title": "cut HERE"}).replace(b"HERE", b"\\ud83d")
    ticket = HOOKS["github"].ticket_of(b"\xef\xbb\xbf" + body)
    assert ticket is not None
    assert ticket.subject == "cut \ufffd"
