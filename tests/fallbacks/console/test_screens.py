"""Every screen is accessible in light and dark, fits a phone and a doubled zoom, and is photographed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from fallbacks.access.roles import Role
from fallbacks.access.tokens import Purpose, Tokens
from fallbacks.access.users import Users
from tasks.ticket import Ticket
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.conftest import ARTIFACTS
from tests.fallbacks.console.door import PASSWORD, Door
from tests.fallbacks.console.screens import fill, unfold

pytestmark = pytest.mark.long

Open = Callable[..., BrowserContext]
WHOLE: ViewportSize = {"width": 1280, "height": 860}
AT_TWICE_THE_SIZE: ViewportSize = {"width": 720, "height": 450}
"""What is left of 1440 x 900 where a reader zooms to 200 %."""

HEADER_PX = 130
LOOKS = {
    "light": {"color_scheme": "light", "viewport": WHOLE},
    "phone": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}, "locale": "de-DE"},
}
"""The phone in German, whose words are the longest."""


def faults_of(page: Page) -> list[str]:
    """What axe finds; needs the page's own policy out of the way, which it is in an isolated world only."""
    found = Axe().run(page).response["violations"]
    return [f"{fault['id']}: {node['html'][:160]}" for fault in found for node in fault["nodes"]]


def too_wide(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def asked_before_many(page: Page) -> list[str]:
    """The page that shows some of a group before all of it is decided."""
    page.goto("/groups/model_overloaded")
    unfold(page)
    page.locator("[name=choice]").select_option("card_arrival")
    page.locator("form[action$='/resolve'] button").click()
    expect(page.locator("[name=confirmed]")).to_be_attached()
    return faults_of(page)


def outside(door: Door) -> dict[str, str]:
    """The screens of who has not signed in; rita has a second factor from now on."""
    users = Users(door.store)
    door.run(users.change("rita", totp="JBSWY3DPEHPK3PXP"))
    nora = door.run(users.invite("nora", Role.REVIEWER))
    holds = {"user": nora.name, "generation": nora.generation, "by": "ada"}
    token = door.run(Tokens(door.store).make(Purpose.INVITATION, holds))
    return {"sign-in": "/sign-in", "invitation": f"/invitation/{token}"}


@pytest.mark.parametrize("look", LOOKS)
def test_every_screen_passes_axe_and_fits(
    look: str, door: Door, agent: Agent, tickets: Callable[..., Ticket], open_context: Open
) -> None:
    context = open_context("ada", **LOOKS[look])
    page, folder = context.pages[0], Path(ARTIFACTS) / look
    folder.mkdir(parents=True, exist_ok=True)
    faults: dict[str, list[str]] = {}
    for name, address in fill(door, agent, tickets).items():
        page.goto(address)
        page.screenshot(path=folder / f"{name.replace(' ', '-')}.png")
        unfold(page)
        faults[name] = faults_of(page)
        assert too_wide(page) <= 0, name
        if look == "light":
            page.set_viewport_size(AT_TWICE_THE_SIZE)
            assert too_wide(page) <= 0, name
            assert page.evaluate("document.querySelector('header.top').offsetHeight") <= HEADER_PX, name
            page.set_viewport_size(WHOLE)
    page.keyboard.press("?")
    faults["keys"] = faults_of(page)
    faults["confirmation"] = asked_before_many(page)
    page.context.clear_cookies()
    for name, address in outside(door).items():
        page.goto(address)
        page.screenshot(path=folder / f"{name.replace(' ', '-')}.png")
        faults[name] = faults_of(page)
        assert too_wide(page) <= 0, name
    page.goto("/sign-in")
    page.locator("[name=name]").fill("rita")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button, form button").first.click()
    expect(page.locator("[name=code]")).to_be_visible()
    faults["second factor"] = faults_of(page)
    assert not any(faults.values()), {name: found for name, found in faults.items() if found}


def test_nothing_moves_when_a_notice_comes(
    door: Door, agent: Agent, tickets: Callable[..., Ticket], rita: Page
) -> None:
    for _ in range(3):
        door.run(agent.suggest(tickets(), "card_arrival"))
    rita.goto("/work")
    rita.evaluate(
        """() => {
            window.shifted = 0;
            new PerformanceObserver((list) => {
                for (const entry of list.getEntries()) window.shifted += entry.value;
            }).observe({ type: "layout-shift", buffered: true });
        }"""
    )
    rita.keyboard.press("a")
    rita.get_by_text("Approved as card arrival").wait_for()
    assert rita.evaluate("window.shifted") <= 0.02
