"""A customer's ticket is found from every screen, whether it waits or has ended, without a script too."""

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tasks.reasons import Reason
from tasks.ticket import Ticket
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.door import Door
from tests.fallbacks.history.ended import MARCH, entry

Open = Callable[..., BrowserContext]
ANN = {"id": "c-7", "email": "ann@example.com", "name": "Ann Müller"}


def staged(door: Door, agent: Agent, tickets: Callable[..., Ticket], ended: int = 1) -> None:
    """Two that wait and some that have ended, of one customer."""
    door.run(agent.suggest(tickets(body="My café card <b>fee</b> is wrong", requester=ANN), "card_arrival"))
    door.run(agent.hand_off(tickets(body="Where is my transfer", requester=ANN), Reason.STEP_LIMIT, "8 of 8 used"))
    kept = [entry(f"old-{n:02}", MARCH + n, body="The café took a fee", requester=ANN) for n in range(ended)]
    door.run(door.history.write(kept))


def test_a_slash_and_some_words_find_what_waits_and_what_has_ended(
    door: Door, agent: Agent, tickets: Callable[..., Ticket], rita: Page
) -> None:
    staged(door, agent, tickets)
    for screen in ("/inbox", "/work", "/overview"):
        rita.goto(screen)
        rita.keyboard.press("/")
        rita.keyboard.type("CAFE fee")
        rita.keyboard.press("Enter")
        rita.wait_for_url("**/search?q=CAFE+fee")
        expect(rita.locator(".found mark")).to_have_text(["café", "fee", "café", "fee"])
        expect(rita.locator(".found .pill")).to_have_text(["ready to approve", "decided"])
    rita.get_by_role("link", name="Ann Müller").first.click()
    rita.wait_for_url("**/search?requester=c-7")
    expect(rita.locator(".found tbody tr")).to_have_count(3)
    rita.goto("/search?q=%22+OR+NEAR(+*")
    expect(rita.get_by_text("No ticket matches")).to_be_visible()


def test_filters_and_pages_need_no_script(
    door: Door, agent: Agent, tickets: Callable[..., Ticket], open_context: Open
) -> None:
    staged(door, agent, tickets, ended=60)
    page = open_context("rita", java_script_enabled=False).pages[0]
    page.goto("/search")
    page.get_by_role("textbox", name="Customer", exact=True).fill("ann@example.com")
    page.locator("[name=state]").select_option("ended")
    page.get_by_text("Reason, people, days").click()
    page.get_by_label("Came until").fill("2026-03-01")
    page.get_by_role("button", name="Search", exact=True).click()
    times, rows = page.locator(".found tbody .sub:last-child"), page.locator(".found tbody tr")
    expect(page).to_have_url(re.compile("state=ended"))
    expect(rows).to_have_count(50)
    first = times.all_inner_texts()
    page.get_by_role("link", name="Older").click()
    expect(rows).to_have_count(10)
    expect(page.get_by_role("link", name="Older")).to_have_count(0)
    page.get_by_role("link", name="Newest").click()
    expect(times).to_have_text(first, use_inner_text=True)
    page.goto("/search?cursor=nonsense&q=x")
    expect(page.get_by_text("begin again")).to_be_visible()


def test_what_i_decided_today_is_one_click_away(
    door: Door, agent: Agent, tickets: Callable[..., Ticket], rita: Page
) -> None:
    staged(door, agent, tickets)
    mine = door.run(agent.suggest(tickets(), "card_arrival"))
    door.run(door.inbox.approve(mine, "rita", None))
    rita.goto("/search")
    rita.get_by_role("link", name="Decided by me today").click()
    expect(rita.locator(".found tbody tr")).to_have_count(1)
    expect(rita.locator(".found tbody tr")).to_contain_text(mine)


def test_without_history_it_shows_what_is_here_and_says_so(
    door: Door, agent: Agent, tickets: Callable[..., Ticket], rita: Page, monkeypatch
) -> None:
    from fallbacks.errors import HistoryUnreachable

    async def away(_: object) -> None:
        raise HistoryUnreachable("away")

    staged(door, agent, tickets)
    monkeypatch.setattr(door.history, "search", away)
    rita.goto("/search?q=fee")
    expect(rita.get_by_text("the history does not answer")).to_be_visible()
    expect(rita.locator(".found tbody tr")).to_have_count(1)
