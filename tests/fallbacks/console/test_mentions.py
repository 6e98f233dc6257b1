"""A name after an @ in a note brings the ticket to that person, once, and to nobody who may not see it."""

from collections.abc import Callable

from playwright.sync_api import BrowserContext, expect

from fallbacks.access.users import Users
from fallbacks.inbox.mentions import KEPT, Mentions, named_in
from tasks.ticket import Ticket
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.browserless import signed_in
from tests.fallbacks.console.door import Door
from tests.services.waiting import wait_for

Open = Callable[..., BrowserContext]


def test_names_are_found_in_plain_text() -> None:
    names = {"ann", "ben", "c.d", "eve@example.com"}
    assert named_in("@ann, and @Ben. Ask @c.d! @eve@example.com? mail to x@ann or @@ann, @nobody", names) == (
        "ann",
        "ben",
        "c.d",
        "eve@example.com",
    )


def test_who_is_named_finds_the_note_until_they_open_the_ticket(
    door: Door, agent: Agent, tickets: Callable[..., Ticket]
) -> None:
    ticket_id = door.run(agent.suggest(tickets(body="Where is my card"), "card_arrival"))
    door.run(Users(door.store).change("ada", teams=["team:transfers"]))
    door.run(door.inbox.note(ticket_id, "rita", "Is this ours, @olga? @ada, @rita <b>"))
    with signed_in(door, "olga") as olga, signed_in(door, "rita") as rita:
        assert 'href="/mentions"' in olga.get("/inbox").text
        listed = olga.get("/mentions").text
        assert "Is this ours, @olga? @ada, @rita &lt;b&gt;" in listed
        assert 'class="pill">new' in listed
        assert "Nobody has named you yet" in rita.get("/mentions").text
        assert door.run(Mentions(door.store).unread("ada")) == 0
        olga.get(f"/tickets/{ticket_id}")
        assert door.run(Mentions(door.store).unread("olga")) == 0
        assert 'class="pill">new' not in olga.get("/mentions").text
        door.run(door.inbox.note(ticket_id, "rita", "Once more, @olga"))
        assert door.run(Mentions(door.store).unread("olga")) == 1


def test_a_list_keeps_the_latest(door: Door) -> None:
    mentions = Mentions(door.store)
    for number in range(KEPT + 3):
        door.run(mentions.add(f"t{number}", ["olga"]))
    assert len(door.run(mentions.of("olga"))) == KEPT


def test_names_are_offered_while_they_are_typed(
    door: Door, agent: Agent, tickets: Callable[..., Ticket], open_context: Open
) -> None:
    ticket_id = door.run(agent.suggest(tickets(body="Where is my card"), "card_arrival"))
    page = open_context("rita").pages[0]
    page.goto(f"/tickets/{ticket_id}")
    page.keyboard.press("c")
    page.keyboard.type("Please look, @o")
    expect(page.get_by_role("option", name="olga")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Note on the timeline")).to_have_value("Please look, @olga ")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-lines]")).to_contain_text("Please look, @olga")
    wait_for(lambda: door.run(Mentions(door.store).unread("olga")) == 1, message="olga finds it")
