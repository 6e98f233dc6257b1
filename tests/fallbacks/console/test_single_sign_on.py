"""Signing in at an identity provider, over HTTP, in a real browser."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from fallbacks.access.roles import Role
from fallbacks.store import keys
from tasks.triage.process import Triage
from tests.fallbacks.console.door import PASSWORD, Door
from tests.services.identity_provider import CLIENT_ID, CLIENT_SECRET, IdentityProvider, identity_provider
from tests.services.process import free_port
from worker.http.oidc_provider import OidcProvider

ADA: dict[str, Any] = {"sub": "7", "email": "Ada@example.com", "email_verified": True, "groups": ["staff", "support"]}
TEAMS = {"cards": ("team:card_delivery", "team:card_problems"), "money": ("team:transfers",)}
ROLES = {"support": Role.REVIEWER, "leads": Role.OPERATOR}


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


@pytest.fixture
def door(valkey_url: str, taxonomy, provider: IdentityProvider) -> Iterator[Door]:
    port = free_port()
    back = f"http://127.0.0.1:{port}/sign-in/identity/back"
    identity = OidcProvider(provider.issuer, CLIENT_ID, CLIENT_SECRET, back, "Example's account")
    provider.claims, provider.token_claims, provider.denies = dict(ADA), {}, False
    provider.refused.clear()
    with Door(valkey_url, Triage(taxonomy), port=port, identity=identity, roles=ROLES, teams=TEAMS) as door:
        door.add_user("root", Role.ADMIN)
        yield door


@pytest.fixture
def page(browser: Browser, door: Door) -> Iterator[Page]:
    context = browser.new_context(base_url=door.url)
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def people(door: Door) -> dict[str, Any]:
    return {name: json.loads(row) for name, row in door.run(door.store.fields(keys.USERS)).items()}


def come_in(page: Page) -> None:
    page.context.clear_cookies()
    page.goto("/settings")
    page.get_by_role("link", name="Sign in with Example's account").click()


def test_groups_say_the_role_and_the_teams_each_time_and_the_page_that_was_wanted_opens(
    door: Door, page: Page, provider: IdentityProvider
) -> None:
    come_in(page)
    page.wait_for_url("**/settings")
    expect(page.get_by_role("definition").filter(has_text="ada@example.com")).to_be_visible()
    expect(page.get_by_label("Present password")).to_have_count(0)
    assert (people(door)["ada@example.com"]["role"], people(door)["ada@example.com"]["teams"]) == ("reviewer", [])
    provider.claims["groups"] = ["leads", "support", "cards"]
    come_in(page)
    page.wait_for_url("**/settings")
    assert people(door)["ada@example.com"]["role"] == "operator"
    assert people(door)["ada@example.com"]["teams"] == ["team:card_delivery", "team:card_problems"]
    assert provider.refused == []


REFUSALS: dict[str, tuple[Callable[[IdentityProvider], None], str]] = {
    "no group": (lambda one: one.claims.update(groups=["staff"]), "is in no group that may work here"),
    "denied": (lambda one: setattr(one, "denies", True), "did not let you in: access_denied"),
    "not verified": (lambda one: one.claims.update(email_verified=False), "has not verified your address"),
    "a local name": (lambda one: one.claims.update(email="root"), "is the name of somebody else here"),
    "another audience": (lambda one: one.token_claims.update(aud="other"), "cannot be used"),
    "another nonce": (lambda one: one.token_claims.update(nonce="replayed"), "cannot be used"),
    "over": (lambda one: one.token_claims.update(exp=1), "cannot be used"),
    "another issuer": (lambda one: one.token_claims.update(iss="http://evil.example"), "cannot be used"),
    "no name": (lambda one: one.claims.pop("email"), "says no email of you"),
}


def test_who_is_not_let_in_reads_why_and_is_nobody(door: Door, page: Page, provider: IdentityProvider) -> None:
    for name, (spoil, why) in REFUSALS.items():
        provider.claims, provider.token_claims, provider.denies = dict(ADA), {}, False
        spoil(provider)
        come_in(page)
        expect(page.get_by_role("alert"), name).to_contain_text(why)
        assert list(people(door)) == ["root"], name


def test_a_sign_in_of_another_browser_opens_nothing(door: Door, page: Page, browser: Browser) -> None:
    other = browser.new_context(base_url=door.url)
    there = other.request.get("/sign-in/identity", max_redirects=0).headers["location"]
    page.goto(other.request.get(there, max_redirects=0).headers["location"])
    expect(page.get_by_role("alert")).to_contain_text("began in another browser")
    other.close()


def test_new_keys_of_the_provider_are_asked_for(door: Door, page: Page, provider: IdentityProvider) -> None:
    come_in(page)
    page.wait_for_url("**/settings")
    provider.key = type(provider.key).generate_key(2048, {"kid": "two", "use": "sig", "alg": "RS256"})
    come_in(page)
    page.wait_for_url("**/settings")


def test_a_password_still_opens_for_the_first_admin(door: Door, page: Page) -> None:
    page.goto("/admin")
    page.get_by_label("Name").fill("root")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Who may sign in")).to_be_visible()
