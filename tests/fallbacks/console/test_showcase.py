"""The picture that the README shows, taken from a desk on an ordinary morning."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from tasks.reasons import Reason
from tasks.ticket import Ticket
from tasks.triage.process import HandDecision
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.conftest import ARTIFACTS
from tests.fallbacks.console.door import Door

BODY = """Hello,

I ordered a new card on 3 November and it still has not arrived. The app says it was sent two weeks ago, but there is \
no tracking number anywhere.

I am travelling on Friday and need it before then. If it is lost, can you block it and send another one by courier?

Kind regards
Kaja"""


def a_morning(door: Door, agent: Agent, tickets: Callable[..., Ticket]) -> str:
    """Some work done, some waiting; returns the ticket worth a picture."""
    for n in range(9):
        decided = door.run(agent.suggest(tickets(), "card_arrival"))
        if n % 4 == 3:
            door.run(door.inbox.decide(decided, "rita", None, HandDecision(label="card_delivery_estimate")))
        else:
            door.run(door.inbox.approve(decided, "rita", None))
    asked = tickets(
        subject="Card still not here, leaving on Friday",
        body=BODY,
        channel="email",
        priority="urgent",
        requester={"id": "cus_0007", "name": "Kaja Zupan", "email": "kaja@example.com"},
    )
    shown = door.run(agent.suggest(asked, "card_arrival", 0.88, "it still has not arrived"))
    for label in ("lost_or_stolen_card", "card_not_working", "request_refund", "exchange_rate", "top_up_failed"):
        door.run(agent.suggest(tickets(), label, 0.83))
    for reason, detail in (
        (Reason.STEP_LIMIT, "8 of 8 model calls used"),
        (Reason.MODEL_OVERLOADED, "529 overloaded_error"),
        (Reason.INJECTION_SUSPECTED, "the text shows instructions to the agent"),
    ):
        door.run(agent.hand_off(tickets(), reason, detail))
    door.run(agent.hand_off(tickets(), Reason.LOW_CONFIDENCE, "0.44 of 0.60 needed", label="pending_transfer"))
    return shown


def picture(page: Page, name: str) -> None:
    folder = Path(ARTIFACTS) / "showcase"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png")


def test_the_readme_can_show_it(
    door: Door, agent: Agent, tickets: Callable[..., Ticket], open_context: Callable[..., BrowserContext]
) -> None:
    shown = a_morning(door, agent, tickets)
    page = open_context("rita", viewport={"width": 1280, "height": 900}).pages[0]
    page.goto(f"/work?item={shown}")
    expect(page.locator("mark").first).to_have_text("it still has not arrived")
    picture(page, "ticket")
    page.goto("/inbox")
    picture(page, "inbox")
    page.goto("/overview")
    picture(page, "overview")
    page.goto("/labels")
    expect(page.get_by_text("7 of 9 agreed")).to_be_attached()
    picture(page, "labels")
    page.goto("/groups/step_limit")
    picture(page, "group")
