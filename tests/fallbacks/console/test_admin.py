"""Admins invite, change and remove people and make keys; each person keeps their own password and second factor."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pyotp import TOTP

from fallbacks.access.api_keys import ApiKeys
from fallbacks.access.users import Users
from fallbacks.ledger.limits.control import Control
from fallbacks.store import keys
from tests.fallbacks.console.door import PASSWORD, Door
from tests.services.waiting import wait_for

Open = Callable[..., BrowserContext]
NEW = "a password of her own"


@pytest.fixture
def root(door: Door, open_context: Open) -> Page:
    """An admin's page without scripts."""
    return open_context("ada", java_script_enabled=False).pages[0]


def people(door: Door) -> dict[str, Any]:
    return {name: json.loads(row) for name, row in door.run(door.store.fields(keys.USERS)).items()}


def sign_in(page: Page, name: str, password: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def logged(door: Door) -> list[str]:
    lines = door.run(Control(door.store).log(sign_ins=False))
    return [f"{line.who}: {line.words}" for line in lines]


def test_a_person_is_invited_changed_reset_and_removed(door: Door, root: Page, open_context: Open) -> None:
    root.goto("/admin")
    root.get_by_label("Name", exact=True).fill("nora")
    root.get_by_role("button", name="Invite by link").click()
    link = root.locator("code.secret").inner_text()
    guest = root.context.browser.new_context(base_url=door.url).new_page()  # type: ignore[union-attr]
    guest.goto(link)
    guest.get_by_label("Password").fill("short")
    guest.evaluate("document.querySelector('[name=password]').removeAttribute('minlength')")
    guest.get_by_role("button", name="Save and sign in").click()
    expect(guest.get_by_role("alert")).to_contain_text("10 to 200 characters")
    guest.get_by_label("Password").fill(NEW)
    guest.get_by_role("button", name="Save and sign in").click()
    guest.wait_for_url("**/inbox")
    guest.goto(link)
    expect(guest.get_by_role("alert")).to_contain_text("was used or is over")
    root.goto("/admin")
    root.get_by_label("Role of nora", exact=True).select_option("operator")
    root.get_by_role("button", name="Save the role of nora").click()
    guest.goto("/operations")
    expect(guest.get_by_role("heading", name="Operations")).to_be_visible()
    assert guest.request.get("/admin").status == 403
    root.get_by_label("Change nora", exact=True).click()
    root.get_by_role("button", name="Sign nora out everywhere").click()
    guest.goto("/inbox")
    expect(guest.get_by_role("button", name="Sign in")).to_be_visible()
    sign_in(guest, "nora", NEW)
    guest.wait_for_url("**/inbox")
    root.get_by_label("Change nora", exact=True).click()
    root.get_by_role("button", name="Reset nora").click()
    expect(root.locator("code.secret")).to_be_visible()
    sign_in(guest, "nora", NEW)
    expect(guest.get_by_role("alert")).to_contain_text("Name or password is wrong")
    root.get_by_label("Change nora", exact=True).click()
    root.get_by_label("Type nora to remove them").fill("nobody")
    root.get_by_role("button", name="Remove nora").click()
    expect(root.get_by_role("alert")).to_contain_text("type the name nora")
    root.get_by_label("Change nora", exact=True).click()
    root.get_by_label("Type nora to remove them").fill("nora")
    root.get_by_role("button", name="Remove nora").click()
    wait_for(lambda: "nora" not in people(door), message="nora is removed")
    assert logged(door) == [
        "ada: user nora: removed",
        "ada: user nora: password and second factor taken away",
        "ada: user nora: signed out everywhere",
        "ada: user nora: role operator",
        "nora: user nora: chose a password",
        "ada: user nora: invited as reviewer",
    ]
    guest.context.close()


def test_nobody_takes_the_last_admin_away_from_themselves(door: Door, root: Page) -> None:
    ours = {"Sec-Fetch-Site": "same-origin"}
    for act, form in (("remove", {"typed": "ada"}), ("role", {"role": "reviewer"}), ("reset", {})):
        answered = root.request.post(f"/admin/people/{act}", form={"name": "ada", **form}, headers=ours)
        assert answered.status == 422, act
    assert root.request.post("/admin/people/reset", form={"name": "nobody"}, headers=ours).status == 422
    assert people(door)["ada"]["role"] == "admin"


def test_a_key_is_made_with_scopes_and_source_rotated_and_revoked(door: Door, root: Page) -> None:
    root.goto("/admin/keys")
    root.get_by_label("Name: who acts by it").fill("shop")
    root.get_by_label("Only this source").fill("shop")
    root.get_by_role("button", name="Make the key").click()
    first = root.locator("code.secret").inner_text()
    made = ApiKeys(door.store)
    checked = door.run(made.check(first, None)).caller
    assert checked is not None
    assert (checked.name, checked.source, sorted(checked.scopes)) == ("shop", "shop", ["tickets:read", "tickets:write"])
    root.get_by_role("button", name="Rotate shop").click()
    expect(root.locator("code.secret")).not_to_have_text(first)
    second = root.locator("code.secret").inner_text()
    assert door.run(made.check(second, None)).caller == checked
    root.get_by_role("button", name="Revoke shop").click()
    wait_for(lambda: door.run(made.check(second, None)).caller is None, message="the key is revoked")
    root.get_by_label("Name: who acts by it").fill("cards")
    for scope in ("tickets:write", "tickets:read", "inbox"):
        root.get_by_label(scope).press("Space")
    root.locator("summary", has_text="Only these teams").press("Enter")
    root.get_by_label("card delivery").press("Space")
    root.get_by_role("button", name="Make the key").press("Enter")
    expect(root.get_by_role("row").filter(has=root.get_by_role("rowheader", name="cards"))).to_contain_text(
        "card delivery"
    )
    (key,) = [key for key, _ in door.run(made.every()) if key.name == "cards"]
    assert (key.teams, key.scopes) == (("team:card_delivery",), ("inbox",))
    root.get_by_label("Name: who acts by it").fill("all")
    for scope in ("tickets:write", "tickets:read"):
        root.get_by_label(scope).uncheck()
    root.get_by_role("button", name="Make the key").click()
    expect(root.get_by_role("alert")).to_contain_text("a key without a scope may do nothing")


def test_a_person_changes_the_password_and_sets_a_second_factor_up(door: Door, open_context: Open) -> None:
    page = open_context("rita", java_script_enabled=False).pages[0]
    elsewhere = open_context("rita").pages[0]
    page.goto("/settings")
    page.get_by_label("Present password").fill("wrong password")
    page.get_by_label("New password").fill(NEW)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("alert")).to_contain_text("the present password is another")
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_label("New password").fill(NEW)
    page.get_by_role("button", name="Change the password").click()
    page.wait_for_url("**/settings")
    elsewhere.goto("/settings")
    expect(elsewhere.get_by_role("button", name="Sign in")).to_be_visible()
    page.get_by_role("button", name="Set it up").click()
    secret = page.locator("code.secret").inner_text()
    page.get_by_label("Code of now").fill("000000")
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_role("alert")).to_contain_text("not the code of now")
    used = code_of(door, secret)
    page.get_by_label("Code of now").fill(used)
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_role("button", name="Switch it off")).to_be_visible()
    sign_in(elsewhere, "rita", NEW)
    elsewhere.get_by_label("Six digits").fill(used)
    elsewhere.get_by_role("button", name="Sign in").click()
    expect(elsewhere.get_by_role("alert"), "a code is right once").to_contain_text("was used already")
    elsewhere.get_by_label("Six digits").fill(code_of(door, secret, steps=1))
    elsewhere.get_by_role("button", name="Sign in").click()
    elsewhere.wait_for_url("**/inbox")
    elsewhere.goto("/settings")
    elsewhere.get_by_role("button", name="Sign out everywhere").click()
    page.goto("/inbox")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def code_of(door: Door, secret: str, steps: int = 0) -> str:
    """The code of now by the store's clock, or of so many steps later."""
    return TOTP(secret).at(door.run(door.store.now_ms()) // 1000 + 30 * steps)


def test_a_half_done_sign_in_opens_nothing(door: Door, open_context: Open) -> None:
    page = open_context("rita").pages[0]
    page.context.clear_cookies()
    door.run(Users(door.store).change("rita", totp="JBSWY3DPEHPK3PXP"))
    sign_in(page, "rita", PASSWORD)
    expect(page.get_by_label("Six digits")).to_be_visible()
    page.goto("/inbox")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
