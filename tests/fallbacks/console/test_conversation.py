"""A ticket and what was added to it, as a person reads it: in order, and what came since they opened it marked."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from fallbacks.inbox.conversations import Kept
from fallbacks.ledger.attachments import packed_texts
from tasks.conversation import Message
from tasks.reasons import Reason
from tasks.ticket import Attachment, Requester, Ticket
from tasks.tools.ports import AttachmentText
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.conftest import ARTIFACTS
from tests.fallbacks.console.door import Door
from worker.connectors.mail.original import packed

KAJA = Requester(name="Kaja Zupan", email="kaja@example.com")
FIRST = """Hello,

I ordered a new card on 3 November and it still has not arrived. The app says it was sent two weeks ago.

Kind regards
Kaja"""
LATER = (
    Message(id="m1", body="Any news?", author=KAJA),
    Message(id="m2", body="It is lost: the carrier says so, see the letter.", author=KAJA,
            attachments=(Attachment(name="letter.pdf", type="application/pdf", size=48_211),)),
    Message(id="m3", body="> When do you leave?\n> Anna, cards team\n\nOn Friday morning.", author=KAJA),
    Message(id="m4", body="I am out of the office until Monday.", author=KAJA, automatic=True),
)  # fmt: skip
LAST = Message(id="m5", body="And now somebody has used it for 240 euros! Please block it at once.", author=KAJA)

LOOKS = {"desktop": (1440, 900), "phone": (390, 844)}


def add(door: Door, ticket_id: str, *messages: Message) -> None:
    letter = Kept(packed(b"Subject: Re: Card"), packed_texts({1: AttachmentText("lost on 12 November")}))
    for message in messages:
        kept = letter if message.attachments else Kept()
        door.run(door.talk.add(ticket_id, message, door="mail", kept=kept))


@pytest.mark.parametrize("look", LOOKS)
def test_a_conversation_of_six_messages_and_a_seventh_while_somebody_writes(
    look: str, door: Door, agent: Agent, tickets: Callable[..., Ticket], open_context: Callable[..., BrowserContext]
) -> None:
    width, height = LOOKS[look]
    page = open_context("rita", viewport={"width": width, "height": height}).pages[0]
    asked = tickets(subject="Card still not here", body=FIRST, channel="email", requester=KAJA.model_dump())
    ticket_id = door.run(agent.hand_off(asked, Reason.LOW_CONFIDENCE, "0.44 of 0.60 needed", label="card_arrival"))
    add(door, ticket_id, *LATER)
    page.goto(f"/tickets/{ticket_id}")
    shown = page.locator(".conversation > li")
    expect(shown).to_have_count(5)
    expect(page.locator(".new:visible")).to_have_count(0)
    expect(shown.nth(3).get_by_text("When do you leave?")).to_be_hidden()
    expect(page.get_by_text("Made before what was added since.")).to_be_visible()
    expect(shown.nth(2).get_by_role("link", name="its text")).to_have_attribute("href", re.compile("/attachments/1"))
    page.locator(".acts summary", has_text="Send back").click()
    page.get_by_label("Note to the agent").fill("She leaves on Friday")
    add(door, ticket_id, LAST)
    expect(page.locator("[data-changed]")).to_contain_text("a message was added")
    page.get_by_text("Show it as it is now").click()
    expect(shown).to_have_count(6)
    expect(page.locator(".new:visible")).to_have_count(1)
    expect(shown.last.locator(".new")).to_be_visible()
    expect(page.get_by_label("Note to the agent")).to_have_value("She leaves on Friday")
    folder = Path(ARTIFACTS) / "conversation"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{look}.png", full_page=True)
    page.get_by_text("1 new since you opened it").click()
    expect(shown.last).to_be_in_viewport()
    page.screenshot(path=folder / f"{look}-newest.png")
    page.goto("/inbox")
    expect(page.get_by_text("5 messages added")).to_be_visible()


def test_a_message_has_its_own_mail_and_files(
    door: Door, agent: Agent, tickets: Callable[..., Ticket], rita: Page
) -> None:
    ticket_id = door.run(agent.suggest(tickets(), "card_arrival"))
    add(door, ticket_id, *LATER[:2])
    rita.goto(f"/tickets/{ticket_id}")
    rita.get_by_role("link", name="its text").click()
    expect(rita.locator("body")).to_contain_text("lost on 12 November")
    rita.go_back()
    rita.get_by_role("link", name="The mail as it came").click()
    expect(rita.locator("body")).to_contain_text("Subject: Re: Card")
