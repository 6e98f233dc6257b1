"""Who reads keeps what they hold, and everybody sees who has it."""

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from tasks.ticket import Ticket
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.door import Door
from tests.fallbacks.console.keyboard import Keyboard
from tests.services.waiting import wait_for

Tickets = Callable[..., Ticket]


def test_a_reader_keeps_the_item_and_the_next_one(door: Door, agent: Agent, tickets: Tickets, rita: Page) -> None:
    ids = [door.run(agent.suggest(tickets(), "card_arrival")) for _ in range(2)]
    rita.clock.install()
    rita.goto("/work")
    expect(rita.locator("#main[data-ahead]")).to_be_attached()
    before = [door.run(door.inbox.views.ticket(one)) for one in ids]
    assert {view.holder for view in before} == {"rita"}
    rita.clock.fast_forward("02:01")

    def later() -> bool:
        now = [door.run(door.inbox.views.ticket(one)) for one in ids]
        assert [view.version for view in now] == [view.version for view in before]
        return all((n.held_until_ms or 0) > (b.held_until_ms or 0) for n, b in zip(now, before, strict=True))

    wait_for(later, message="both are held for longer")


def test_nobody_at_the_desk_keeps_nothing(door: Door, agent: Agent, tickets: Tickets, rita: Page) -> None:
    door.run(agent.suggest(tickets(), "card_arrival"))
    asked: list[str] = []
    rita.on("request", lambda request: asked.append(request.url))
    rita.clock.install()
    rita.goto("/work")
    expect(rita.locator("#main[data-held]")).to_be_attached()
    rita.clock.fast_forward("11:00")
    rita.clock.run_for(121_000)
    assert not [url for url in asked if url.endswith("/hold")]


def test_list_and_page_show_who_has_it(
    door: Door, agent: Agent, tickets: Tickets, open_context: Callable[..., BrowserContext]
) -> None:
    ticket_id = door.run(agent.suggest(tickets(), "card_arrival"))
    page = open_context("olga").pages[0]
    page.goto(f"/tickets/{ticket_id}")
    presence = page.locator("[data-presence]")
    expect(presence).to_be_hidden()
    door.run(door.inbox.next("rita"))
    expect(presence).to_have_text("rita has it")
    page.goto("/inbox")
    expect(page.locator(".items tbody td").last).to_have_text("rita")
    page.goto(f"/tickets/{ticket_id}")
    expect(presence).to_have_text("rita has it")
    door.run(door.inbox.release(ticket_id, "rita"))
    expect(presence).to_be_hidden()


def test_a_decision_tells_how_long_and_how_many_keys_it_took(
    door: Door, agent: Agent, tickets: Tickets, rita: Page
) -> None:
    for _ in range(2):
        door.run(agent.suggest(tickets(), "card_arrival"))
    rita.goto("/work")
    keys = Keyboard(rita)
    item = keys.at_hand
    keys.press("a")
    item = keys.expect_next(item)
    keys.press("x", "Escape", "2")
    keys.expect_next(item)
    wait_for(lambda: len(examples(door)) == 2, message="both are decided")
    first, second = examples(door)
    assert (first["keystrokes"], second["keystrokes"]) == (1, 3)
    assert 0 <= second["handled_seconds"] <= 60
    assert 0 <= first["handled_seconds"] <= 60
    rita.goto("/overview")
    row = rita.get_by_role("region", name="Reviewers").locator("tbody tr")
    expect(row).to_contain_text(["rita"])
    expect(row.locator("td").last).to_have_text("1")
    expect(rita.get_by_role("region", name="Handle time by label").locator("tbody tr")).to_have_count(2)


def examples(door: Door) -> list[dict[str, Any]]:
    return [json.loads(stored) for stored in door.run(door.store.listed("examples", 0, -1))]
