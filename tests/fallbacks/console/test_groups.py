"""A group of failures is tried again by one ahead; how that one ends is shown without a reload."""

from collections.abc import Callable

from playwright.sync_api import BrowserContext, expect

from fallbacks.ledger.ledger import Claim
from tasks.reasons import Reason
from tasks.ticket import Ticket
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.door import Door

WHY = Reason.MODEL_OVERLOADED


async def worked(door: Door, agent: Agent, ticket_id: str, *, well: bool) -> None:
    """A worker takes what was sent ahead, and gets through or not."""
    claim = await door.ledger.claim(ticket_id, "worker-1")
    assert isinstance(claim, Claim), claim
    if well:
        await agent.suggested(claim, "card_arrival")
    else:
        await agent.handed_off(claim, WHY, "529 overloaded")


def test_what_became_of_the_one_sent_ahead_is_shown_as_it_happens(
    door: Door, agent: Agent, tickets: Callable[..., Ticket], open_context: Callable[..., BrowserContext]
) -> None:
    for _ in range(3):
        door.run(agent.hand_off(tickets(), WHY, "529 overloaded", steps=1))
    page = open_context("olga").pages[0]
    page.goto(f"/groups/{WHY.value}")
    expect(page.get_by_text("Send the group back when the provider is well.")).to_be_visible()
    for well, pill, said in ((False, "needs a person", "It came back"), (True, "ready to approve", "It came through")):
        page.get_by_role("button", name="Send one ahead").click()
        expect(page.locator(".canary .pill")).to_have_text("queued")
        expect(page.get_by_role("button", name="Send back all 2")).to_be_visible()
        page.get_by_label("Note to the agent").fill("typed meanwhile")
        ahead = page.locator(".canary a").inner_text()
        door.run(worked(door, agent, ahead, well=well))
        expect(page.locator(".canary .pill")).to_have_text(pill)
        expect(page.locator(".canary")).to_contain_text(said)
        expect(page.get_by_label("Note to the agent")).to_have_value("typed meanwhile")
        waiting = 2 if well else 3
        expect(page.get_by_role("button", name=f"Send back all {waiting}")).to_be_visible()
        expect(page.locator(".page-head")).to_contain_text(f"{waiting} wait for")
