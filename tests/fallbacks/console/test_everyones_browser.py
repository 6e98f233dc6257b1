"""A person's own language, their own clock, and a ticket on paper."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from playwright.sync_api import BrowserContext, Page, expect

from tasks.reasons import Reason
from tasks.ticket import Ticket
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.door import Door

Tickets = Callable[..., Ticket]
BERLIN = ZoneInfo("Europe/Berlin")


def test_a_person_is_answered_in_the_language_they_chose(
    door: Door, agent: Agent, tickets: Tickets, rita: Page
) -> None:
    for _ in range(2):
        door.run(agent.suggest(tickets(), "card_arrival"))
    rita.goto("/settings")
    rita.get_by_label("Texts of the console").select_option(label="Deutsch")
    rita.get_by_role("button", name="Set the language").click()
    expect(rita.locator("html[lang=de]")).to_be_attached()
    expect(rita.get_by_label("Einzelne Tasten wirken sofort")).to_be_checked()
    rita.goto("/work")
    rita.keyboard.press("q")
    expect(rita.locator("#notice")).to_contain_text("q hat hier keine Bedeutung")
    rita.reload()
    rita.keyboard.press("a")
    expect(rita.locator("#notice")).to_contain_text("Freigegeben als card arrival")
    rita.goto("/tickets/nobody")
    expect(rita.get_by_role("heading")).to_have_text("Dieses Ticket gibt es nicht")


def test_times_are_the_readers_own_and_a_ticket_prints_as_a_document(
    door: Door, agent: Agent, tickets: Tickets, open_context: Callable[..., BrowserContext]
) -> None:
    ticket_id = door.run(agent.hand_off(tickets(), Reason.LOW_CONFIDENCE, "0.44 of 0.60", label="card_arrival"))
    looks = {"locale": "de-DE", "timezone_id": "Europe/Berlin", "color_scheme": "dark"}
    page = open_context("rita", **looks).pages[0]
    page.clock.install()
    page.goto(f"/tickets/{ticket_id}")
    first = page.locator("[data-lines] time").first
    at = datetime.fromisoformat(first.get_attribute("datetime") or "")
    expect(first).to_have_text(f"{at.astimezone(BERLIN):%H:%M:%S}")
    expect(first).to_have_attribute(
        "title", re.compile(rf"(MESZ|MEZ|GMT).* · {at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
    )
    page.clock.fast_forward("02:30")
    expect(page.get_by_text(re.compile("vor \\d+ Min\\. angenommen"))).to_be_visible()
    assert f"{at.astimezone(UTC):%H:%M:%S} UTC</time>" in page.request.get(f"/tickets/{ticket_id}").text()

    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    for gone in ("button", "form", "nav", "header.top", "kbd", ".more", ".otherwise"):
        expect(page.locator(f"{gone}:visible"), gone).to_have_count(0)
    expect(page.locator(".on-paper")).to_contain_text(f"{door.url}/tickets/{ticket_id}")
    expect(page.locator(".on-paper")).to_contain_text("gedruckt")
    expect(page.locator("main details:not([open], [data-key])"), "all of it is unfolded").to_have_count(0)
    expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
    assert page.pdf().startswith(b"%PDF")
    page.goto("/inbox")
    expect(page.get_by_role("row", name=re.compile("zu unsicher"))).to_be_visible()
    for gone in ("button", ".button", ".bulk", "[type=checkbox]"):
        expect(page.locator(f"{gone}:visible"), gone).to_have_count(0)


OVERLAPS = """() => [...document.querySelectorAll("tr[data-row]")].some((row) => {
    const boxes = [...row.children].map((cell) => cell.getBoundingClientRect()).filter((box) => box.width);
    const before = (a, b) => a.right <= b.left + 1 || a.bottom <= b.top + 1;
    const apart = (a, b) => before(a, b) || before(b, a);
    return boxes.some((a, at) => boxes.slice(at + 1).some((b) => !apart(a, b)));
})"""


def test_in_the_longest_words_nothing_lies_on_another_and_the_menu_is_one_line(
    door: Door, agent: Agent, tickets: Tickets, open_context: Callable[..., BrowserContext]
) -> None:
    for _ in range(3):
        one = door.run(agent.suggest(tickets(), "card_payment_not_recognised"))
    door.run(door.inbox.note(one, "olga", "@ada look"))
    phone = open_context("ada", locale="de-DE", viewport={"width": 390, "height": 844}).pages[0]
    phone.goto("/work")
    phone.goto("/inbox")
    expect(phone.get_by_text("Sie", exact=True).first).to_be_visible()
    assert not phone.evaluate(OVERLAPS)
    desk = open_context("ada", locale="de-DE", viewport={"width": 1440, "height": 900}).pages[0]
    expect(desk.get_by_role("link", name=re.compile("Erwähnungen 1")).first).to_be_visible()
    links = desk.get_by_role("navigation", name="Konsole").get_by_role("link").all()
    assert len({round((link.bounding_box() or {"y": 0})["y"]) for link in links}) == 1
