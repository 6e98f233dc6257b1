"""API keys: scopes, revoking, rotating, the rate of each, and when the API is open."""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from starlette.routing import Route

from fallbacks.access.api_keys import ApiKeys, Scope
from fallbacks.ledger.ledger import Ledger
from fallbacks.store.keys import sign_ins
from tests.fallbacks.scene import TRIAGE
from tests.worker.http.served import Served
from worker.http.api import make_api

BODY = {"source": "web", "subject": "Card", "body": "Where is my card?"}

ACTS = (
    "claim",
    "release",
    "approve",
    "edit",
    "reject",
    "close",
    "repair",
    "resume",
    "snooze",
    "assign",
    "note",
    "undo",
    "approve-call",
    "edit-call",
    "reject-call",
)

CALLS: list[tuple[Scope, str, str, Any]] = [
    (Scope.WRITE, "POST", "/v1/tickets", BODY),
    (Scope.WRITE, "POST", "/v1/tickets/batch", [BODY]),
    (Scope.WRITE, "POST", "/v1/tickets/none/cancel", None),
    (Scope.WRITE, "POST", "/v1/tickets/none/messages", {"body": "More"}),
    (Scope.READ, "GET", "/v1/tickets/none", None),
    (Scope.READ, "GET", "/v1/tickets/none/events", None),
    (Scope.INBOX, "GET", "/v1/inbox", None),
    (Scope.INBOX, "POST", "/v1/inbox/next", {}),
    (Scope.INBOX, "POST", "/v1/inbox/bulk", {}),
    (Scope.READ, "GET", "/v1/tickets", None),
    *[(Scope.INBOX, "POST", f"/v1/inbox/none/{action}", {"version": 1}) for action in ACTS],
    (Scope.INBOX, "POST", "/v1/tickets/none/correct", {"version": 1}),
    (Scope.OPERATE, "GET", "/v1/stats", None),
    (Scope.ERASE, "POST", "/v1/erase", {"ticket": "none"}),
]


OPEN = {"/healthz", "/readyz", "/metrics", "/v1/openapi.json", "/v1/hooks/{name}"}
"""Routes for whoever can reach the process; a hook's calls prove themselves."""


def every_route(routes: Iterable[Any]) -> Iterator[Route]:
    for route in routes:
        inside = getattr(route, "original_router", None)
        yield from every_route(inside.routes) if inside else [route]


def test_every_route_is_open_on_purpose_or_among_the_calls() -> None:
    api = make_api(lambda _: nullcontext(), TRIAGE)
    routes = [route for route in every_route(api.routes) if route.path not in OPEN]
    matched = [
        route
        for route in routes
        if any(method in (route.methods or ()) and route.path_regex.match(path) for _, method, path, _ in CALLS)
    ]
    assert [route.path for route in routes if route not in matched] == []
    assert len(matched) >= len(CALLS)


def key_id(key: str) -> str:
    return key.split("_")[1]


@pytest.mark.parametrize(("scope", "method", "path", "body"), CALLS, ids=[f"{c[1]} {c[2]}" for c in CALLS])
def test_each_call_needs_its_scope(web: Served, scope: Scope, method: str, path: str, body: Any) -> None:
    right = web.key(scope)
    wrong = web.key(*[other for other in Scope if other is not scope])
    nobody = web.client().request(method, path, json=body)
    refused = web.client(wrong).request(method, path, json=body)
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, 'Bearer realm="deskhand"')
    assert (refused.status_code, refused.json()["scope"]) == (403, scope.value)
    assert web.client(right).request(method, path, json=body).status_code not in (401, 403)


@pytest.mark.parametrize("shown", ["dk_", "dk_000000000000_" + "x" * 43, "x" * 5000, "dk_zz_\u00e9"])
def test_a_key_nobody_made_is_refused(web: Served, shown: str) -> None:
    web.key()
    headers = {"authorization": f"Bearer {shown}".encode("latin-1")}
    assert web.client().get("/v1/stats", headers=headers).status_code == 401


def test_the_key_may_come_in_its_own_header(web: Served) -> None:
    assert web.client().get("/v1/stats", headers={"X-API-Key": web.key()}).status_code == 200


def test_a_revoked_key_is_refused_at_once_and_the_api_does_not_open(web: Served) -> None:
    key = web.key()
    client = web.client(key)
    assert client.get("/v1/stats").status_code == 200
    web.ledger.do(lambda ledger: ApiKeys(ledger.store).revoke(key_id(key)))
    assert client.get("/v1/stats").status_code == 401
    assert web.client().get("/v1/stats").status_code == 401
    assert web.client().get("/readyz").json()["api"] == "keys"


@pytest.mark.parametrize(("grace", "former"), [(timedelta(days=1), 200), (timedelta(0), 401)])
def test_rotating_gives_a_new_secret_and_lets_the_old_one_go(web: Served, grace: timedelta, former: int) -> None:
    old = web.key()
    _, new = web.ledger.do(lambda ledger: ApiKeys(ledger.store).rotate(key_id(old), grace.total_seconds()))
    assert key_id(old) == key_id(new)
    assert web.client(new).get("/v1/stats").status_code == 200
    assert web.client(old).get("/v1/stats").status_code == former


def test_nothing_stored_is_a_secret_and_use_is_noted(web: Served) -> None:
    key = web.key(name="zendesk")
    web.client(key).get("/v1/stats")
    stored = web.ledger.do(lambda ledger: ledger.store.fields("api_keys"))
    ((record, used),) = web.ledger.do(lambda ledger: ApiKeys(ledger.store).every())
    assert key.split("_", 2)[2] not in str(stored)
    assert record.name == "zendesk"
    assert used is not None


def test_each_key_has_a_rate_of_its_own(valkey_url: str) -> None:
    with Served(valkey_url, api_requests_per_minute=3) as web:
        busy, other = web.client(web.key()), web.client(web.key())
        statuses = [busy.get("/v1/stats").status_code for _ in range(4)]
        limited = busy.get("/v1/stats")
        assert statuses == [200, 200, 200, 429]
        assert 1 <= int(limited.headers["retry-after"]) <= 60
        assert other.get("/v1/stats").status_code == 200


def test_keys_of_the_environment_have_every_scope(valkey_url: str) -> None:
    with Served(valkey_url, api_keys="key-of-the-environment") as web:
        assert web.client().get("/v1/stats").status_code == 401
        client = web.client("key-of-the-environment")
        assert client.get("/v1/stats").status_code == 200
        assert client.post("/v1/tickets", json=BODY).status_code == 202


def test_without_keys_loopback_is_open_and_says_so(web: Served) -> None:
    client = web.client()
    assert client.get("/readyz").json()["api"] == "open"
    assert client.post("/v1/tickets", json=BODY).status_code == 202


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "rebound.example:8080"},
    ],
)
def test_an_open_api_is_closed_to_pages_of_other_sites(web: Served, headers: dict[str, str]) -> None:
    assert web.client().post("/v1/tickets", json=BODY, headers=headers).status_code == 403


def test_without_keys_any_other_address_is_closed(valkey_url: str) -> None:
    with Served(valkey_url, host="0.0.0.0") as web:
        assert web.client().get("/v1/stats").status_code == 401
        assert web.client().get("/readyz").json()["api"] == "keys"


def test_the_first_key_closes_the_api_without_a_restart(web: Served) -> None:
    client = web.client()
    assert client.get("/v1/stats").status_code == 200
    web.key()
    assert client.get("/v1/stats").status_code == 401


@pytest.mark.parametrize(("trusted", "strangers"), [("", 1), ("127.0.0.0/8", 2)])
def test_who_a_proxy_says_is_calling_counts_only_where_the_proxy_is_trusted(
    valkey_url: str, trusted: str, strangers: int
) -> None:
    with Served(valkey_url, trusted_proxies=trusted) as web:
        for address in ("198.51.100.1", "198.51.100.2"):
            headers = {"origin": web.url, "x-forwarded-for": address}
            web.client().post("/sign-in", data={"name": "ann", "password": "wrong"}, headers=headers)
    counted = web.ledger.do(lambda ledger: tries_of(ledger))
    assert counted == strangers


async def tries_of(ledger: Ledger) -> int:
    """From how many addresses somebody tried one name."""
    counts = [
        await ledger.store.tick(sign_ins(sha256(f"name:ann\0{address}".encode()).hexdigest()), 300)
        for address in ("127.0.0.1", "198.51.100.1", "198.51.100.2")
    ]
    return len([count for count in counts if count > 1])
