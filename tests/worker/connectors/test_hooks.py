"""Helpdesk webhooks: only proven calls, every one a ticket or kept, and outcomes told back by their own update call."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from fallbacks.access.api_keys import Scope
from fallbacks.delivery.outbox import OutboxAdmin
from fallbacks.delivery.outcomes import Outcome
from fallbacks.ledger.ledger import Conclusion
from fallbacks.ledger.states import State
from fallbacks.ledger.views import Views
from tasks.run import events as ev
from tasks.run.limits import Limits
from tasks.ticket import MAX_BODY_CHARS, Priority
from tests.services.http_sink import Answer, HttpSink
from tests.services.valkey import ValkeyServer
from tests.worker.cli.direct_ledger import proposal, step
from tests.worker.http.served import Served
from worker import sample
from worker.config.errors import SettingsError
from worker.connectors.errors import HookFileError, HookRefusedError, UnmappedError
from worker.connectors.field_map import Condition, as_text, filled, steps_of, value_at
from worker.connectors.hook import CUT, UNREAD_DATE, Hook
from worker.connectors.yaml_hooks import load_hooks
from worker.intake.threads import as_message
from worker.service.checked_settings import checked_settings

SECRETS = {
    "ZENDESK_WEBHOOK_SECRET": "dGhpc19zZWNyZXQ",
    "ZENDESK_AUTHORIZATION": "Bearer zen",
    "FRESHDESK_TOKEN": "fresh-token",
    "FRESHDESK_AUTHORIZATION": "Basic fresh",
    "GITHUB_WEBHOOK_SECRET": "It's a Secret to Everybody",
    "GITHUB_AUTHORIZATION": "Bearer gh",
}
HOOKS = load_hooks(sample.path("hooks"), SECRETS)
NOW = datetime(2026, 11, 2, 9, 0, 5, tzinfo=UTC)


def event(name: str, **changes: Any) -> bytes:
    return json.dumps({**json.loads(sample.path(f"hooks/{name}.json").read_text()), **changes}).encode()


def proof(name: str, body: bytes, now: datetime | None = None) -> dict[str, str]:
    """The headers that each system itself would send."""
    if name == "zendesk":
        at = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
        signed = hmac.new(SECRETS["ZENDESK_WEBHOOK_SECRET"].encode(), at.encode() + body, hashlib.sha256).digest()
        return {
            "x-zendesk-webhook-signature": base64.b64encode(signed).decode(),
            "x-zendesk-webhook-signature-timestamp": at,
        }
    if name == "github":
        signed = hmac.new(SECRETS["GITHUB_WEBHOOK_SECRET"].encode(), body, hashlib.sha256).digest()
        return {"x-hub-signature-256": f"sha256={signed.hex()}"}
    return {"x-deskhand-token": SECRETS["FRESHDESK_TOKEN"]}


def test_githubs_own_example_of_a_signature_is_accepted() -> None:
    shown = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    HOOKS["github"].check({"x-hub-signature-256": shown}, b"Hello, World!", NOW)


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


@pytest.mark.parametrize("name", EXPECTED)
def test_only_proven_calls_pass(name: str) -> None:
    body = event(name)
    headers = proof(name, body, NOW)
    HOOKS[name].check(headers, body, NOW)
    for wrong in ({}, {field: value[:-1] for field, value in headers.items()}, dict.fromkeys(headers, "ü")):
        with pytest.raises(HookRefusedError):
            HOOKS[name].check(wrong, body, NOW)
    if name != "freshdesk":
        with pytest.raises(HookRefusedError):
            HOOKS[name].check(headers, body + b" ", NOW)


def test_an_old_call_is_refused() -> None:
    body = event("zendesk")
    with pytest.raises(HookRefusedError, match="timestamp"):
        HOOKS["zendesk"].check(proof("zendesk", body, NOW), body, NOW + timedelta(minutes=6))


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


@pytest.fixture(scope="module")
def helpdesks() -> Iterator[HttpSink]:
    with HttpSink() as sink:
        yield sink


@pytest.fixture
def http_sink(helpdesks: HttpSink) -> HttpSink:
    helpdesks.answer = Answer()
    helpdesks.received.clear()
    return helpdesks


@pytest.fixture(scope="module")
def _served(
    valkey_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory, helpdesks: HttpSink
) -> Iterator[Served]:
    """A served application whose helpdesks are the sink."""
    folder = tmp_path_factory.mktemp("hooks")
    for path in sample.path("hooks").glob("*.yaml"):
        document = yaml.safe_load(path.read_text())
        for update in document["outcomes"]:
            update["url"] = helpdesks.url + "/" + update["url"].split("/", 3)[3]
        (folder / path.name).write_text(yaml.safe_dump(document))
    with pytest.MonkeyPatch.context() as environment:
        for name, value in SECRETS.items():
            environment.setenv(name, value)
        with Served(valkey_server.url, hooks=folder, webhook_allow_private=True) as served:
            yield served


@pytest.fixture
def web(_served: Served, valkey_url: str, http_sink: HttpSink) -> Served:
    return _served


def post(web: Served, name: str, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    sent = {"content-type": "application/json", **(proof(name, body) if headers is None else headers)}
    return web.client().post(f"/v1/hooks/{name}", content=body, headers=sent)


@pytest.mark.parametrize("name", EXPECTED)
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


def decide(web: Served, ticket_id: str) -> None:
    """The agent decides alone, and what is due leaves."""

    async def work() -> None:
        parts = web._parts()
        claim = await parts.ledger.claim(ticket_id, "w")
        assert not isinstance(claim, str)
        decision = proposal("card_arrival", ["my card has not arrived"])
        await step(parts.ledger, claim.lease, 1, [ev.DecisionSubmitted(1, decision)])
        told = {"state": "decided", "decision": decision}
        entries = parts.outcomes.entries(Outcome.DECIDED, ticket_id, claim.door, told)
        await parts.ledger.decide(claim.lease, Conclusion([], decision, Priority.NORMAL), entries)
        assert parts.delivery_loop.outbox
        await parts.delivery_loop.outbox.send_due()
        await parts.store.aclose()

    asyncio.run(work())


CALLS = {
    "zendesk": ("PUT", "/api/v2/tickets/5158.json", "Bearer zen"),
    "freshdesk": ("PUT", "/api/v2/tickets/4711", "Basic fresh"),
    "github": ("POST", "/repos/octo-org/octo-app/issues/12/labels", "Bearer gh"),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_outcome_is_told_back_by_the_helpdesks_own_call(web: Served, http_sink: HttpSink, name: str) -> None:
    ticket_id = post(web, name, event(name)).json()["id"]
    decide(web, ticket_id)
    assert web.ledger.view(ticket_id).delivery == "delivered"
    (request,) = http_sink.received
    assert (request.method, request.path, request.headers["authorization"]) == CALLS[name]
    assert "card_arrival" in request.body.decode()
    if name == "zendesk":
        assert request.json()["ticket"] == {
            "priority": "normal",
            "additional_tags": ["deskhand", "card_arrival", "team_card_delivery"],
            "comment": {"public": False, "body": "[deskhand] Their card is late (card_arrival, card_delivery)"},
        }


def test_a_helpdesk_that_fails_is_told_again(web: Served, http_sink: HttpSink) -> None:
    ticket_id = post(web, "github", event("github")).json()["id"]
    http_sink.answer = Answer(500)
    decide(web, ticket_id)
    (entry,) = web.ledger.do(lambda ledger: OutboxAdmin(ledger.store).entries())
    assert (entry.attempts, entry.error, entry.outcome) == (1, "HTTP 500", "")
    assert web.ledger.view(ticket_id).delivery == "pending"


def test_a_ticket_that_came_another_way_tells_no_helpdesk(web: Served, http_sink: HttpSink) -> None:
    web.client(web.key()).post("/v1/tickets", json={"id": "t1", "source": "zendesk", "subject": "", "body": "my card has not arrived"})  # fmt: skip # noqa: E501
    decide(web, "t1")
    assert http_sink.received == []


def test_a_value_cannot_leave_its_place_in_the_url(web: Served, http_sink: HttpSink) -> None:
    hostile = json.loads(event("github"))
    hostile["repository"] = {"name": "..", "owner": {"login": "a/../../users?x=#"}}
    ticket_id = post(web, "github", json.dumps(hostile).encode()).json()["id"]
    decide(web, ticket_id)
    (request,) = http_sink.received
    assert request.path == "/repos/a%2F..%2F..%2Fusers%3Fx%3D%23/%2E%2E/issues/12/labels"


def signed_by(**signature: str) -> Hook:
    whole = {"header": "X-Sign", "secret_env": "S", **signature}
    return Hook.model_validate({"name": "x", "signature": whole, "ticket": {"id": "$.id"}, "secrets": {"S": "key"}})


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_a_signature_may_be_of_any_of_three_kinds(algorithm: str) -> None:
    shown = hmac.new(b"key", b"body", algorithm).hexdigest()
    hook = signed_by(algorithm=algorithm, prefix=f"{algorithm}=")
    hook.check({"x-sign": f"{algorithm}={shown}"}, b"body", NOW)
    with pytest.raises(HookRefusedError):
        hook.check({"x-sign": f"{algorithm}={shown}"}, b"another", NOW)


SECONDS, MILLIS, ISO = str(int(NOW.timestamp())), str(int(NOW.timestamp() * 1000)), NOW.isoformat()
SCHEMES: dict[str, tuple[dict[str, str], str, str, dict[str, str]]] = {
    "Slack, Zoom": (
        {"signed_prefix": "v0:", "separator": ":", "timestamp_header": "X-Time", "prefix": "v0="},
        f"v0:{SECONDS}:BODY",
        "v0=HEX",
        {"x-time": SECONDS},
    ),
    "Stripe": (
        {"signed": "{timestamp}.{body}", "timestamp_key": "t", "prefix": "v1="},
        f"{SECONDS}.BODY",
        f"t={SECONDS},v1=00,v1=HEX,v0=x",
        {},
    ),
    "Paddle": (
        {"signed": "{timestamp}:{body}", "timestamp_key": "ts", "prefix": "h1="},
        f"{SECONDS}:BODY",
        f"ts={SECONDS};h1=HEX",
        {},
    ),
    "Front": (
        {"timestamp_header": "X-Time", "separator": ":", "encoding": "base64"},
        f"{MILLIS}:BODY",
        "B64",
        {"x-time": MILLIS},
    ),
    "HubSpot": (
        {
            "signed": "POSThttps://desk.example/v1/hooks/x{body}{timestamp}",
            "timestamp_header": "X-Time",
            "encoding": "base64",
        },
        f"POSThttps://desk.example/v1/hooks/xBODY{MILLIS}",
        "B64",
        {"x-time": MILLIS},
    ),
    "Square": (
        {"signed": "https://desk.example/v1/hooks/x{body}", "encoding": "base64"},
        "https://desk.example/v1/hooks/xBODY",
        "B64",
        {},
    ),
    "Standard Webhooks": (
        {
            "signed": "{webhook-id}.{timestamp}.{body}",
            "timestamp_header": "X-Time",
            "encoding": "base64",
            "prefix": "v1,",
            "key": "base64",
        },
        f"m1.{SECONDS}.BODY",
        "v1,AAAA v1,B64",
        {"x-time": SECONDS, "webhook-id": "m1"},
    ),
    "Zendesk": ({"timestamp_header": "X-Time", "encoding": "base64"}, f"{ISO}BODY", "B64", {"x-time": ISO}),
    "Help Scout": ({"algorithm": "sha1", "encoding": "base64"}, "BODY", "B64", {}),
    "PagerDuty": ({"prefix": "v1="}, "BODY", "v1=00,v1=HEX", {}),
}


@pytest.mark.parametrize("system", SCHEMES)
def test_a_signature_may_be_made_as_other_systems_make_theirs(system: str) -> None:
    shape, signed, shown, headers = SCHEMES[system]
    secret = "whsec_a2V5" if "key" in shape else "key"
    hook = signed_by(**shape).model_copy(update={"secrets": {"S": secret}})
    made = hmac.new(b"key", signed.replace("BODY", '{"id": 1}').encode(), shape.get("algorithm", "sha256")).digest()
    sent = {**headers, "x-sign": shown.replace("HEX", made.hex()).replace("B64", base64.b64encode(made).decode())}
    hook.check(sent, b'{"id": 1}', NOW)
    for wrong in (b'{"id": 2}', b""):
        with pytest.raises(HookRefusedError, match="does not fit"):
            hook.check(sent, wrong, NOW)
    if "X-Time" in shape.values() or "timestamp_key" in shape:
        with pytest.raises(HookRefusedError, match="too far"):
            hook.check(sent, b'{"id": 1}', NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    ("shape", "fault"),
    [
        ({"signed": "{timestamp}"}, "holds {body}"),
        ({"signed": "{body}", "separator": "."}, "stands without"),
        ({"signed": "{timestamp}.{body}"}, "goes with"),
        ({"signed": "{body}", "timestamp_header": "X-Time"}, "goes with"),
    ],
)
def test_a_signed_text_says_all_that_is_signed(shape: dict[str, str], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        signed_by(**shape)


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
