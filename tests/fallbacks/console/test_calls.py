"""A call that waits, in the console without JavaScript: looked at, changed, refused, approved; on an old page, not."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from playwright.sync_api import BrowserContext, expect
from pydantic import BaseModel

from fallbacks.ledger.ledger import Claim, Ledger
from fallbacks.ledger.states import State
from tasks.run.limits import Limits
from tasks.run.tool import Effect, Tool
from tasks.ticket import Ticket
from tests.fakes.asking import GIVEN, ask
from tests.fakes.desk import Workshop
from tests.fallbacks.console.door import Door
from tests.services.waiting import wait_for

Tickets = Callable[..., Ticket]
Open = Callable[..., BrowserContext]


class Refund(BaseModel):
    order: str
    amount_cents: int


def tools() -> Mapping[str, Tool]:
    return {"refund": replace(Workshop().tool("refund", Effect.KEYED), arguments=Refund)}


async def asked(ledger: Ledger, ticket: Ticket) -> str:
    accepted = await ledger.accept(ticket, Limits())
    claim = await ledger.claim(accepted.id, "w1")
    assert isinstance(claim, Claim)
    await ask(ledger, claim.lease)
    return accepted.id


def state_of(door: Door, ticket_id: str) -> State:
    return door.run(door.inbox.views.ticket(ticket_id)).state


def test_it_is_changed_approved_and_refused_by_forms_alone(door: Door, tickets: Tickets, open_context: Open) -> None:
    door.inbox.tools = tools
    first, second = (door.run(asked(door.ledger, tickets())) for _ in range(2))
    page = open_context("rita", java_script_enabled=False).pages[0]
    page.goto("/inbox?queue=approvals")
    expect(page.get_by_text("Pays 19.99 EUR back")).to_have_count(2)
    page.goto(f"/tickets/{first}")
    card = page.locator(".call")
    for words in ("Pays 19.99 EUR back", "the payments API", "A-1001 of 2026-01-05", "1999", "each is asked"):
        expect(card).to_contain_text(words)
    card.locator("summary", has_text="Change it").click()
    card.get_by_label("Amount cents").fill("many")
    card.get_by_role("button", name="Change, and look").click()
    expect(page.get_by_text("is not what it was")).to_be_visible()
    page.goto(f"/tickets/{first}")
    old = open_context("olga", java_script_enabled=False).pages[0]
    old.goto(f"/tickets/{first}")
    card.locator("summary", has_text="Change it").click()
    card.get_by_label("Amount cents").fill("999")
    card.get_by_role("button", name="Change, and look").click()
    expect(card).to_contain_text("rita changed what the agent had asked for")
    expect(card).to_contain_text("999")
    old.get_by_role("button", name="Approve: do it once").click()
    expect(old.get_by_text("has changed").first).to_be_visible()
    assert state_of(door, first) is State.SUGGESTED
    card.get_by_role("button", name="Approve: do it once").click()
    wait_for(lambda: state_of(door, first) is State.QUEUED, message="the approved call is on its way")
    assert door.run(door.store.row(first))["approved"].partition(" ")[0] == f"{first}:1:r1"
    page.goto(f"/tickets/{second}")
    card.locator("summary", has_text="Refuse it").click()
    card.get_by_label("Why, for the agent").fill("They have it already.")
    card.get_by_role("button", name="Refuse", exact=True).click()
    wait_for(lambda: state_of(door, second) is State.QUEUED, message="the refusal is on its way")
    assert "approved" not in door.run(door.store.row(second))
    wait_for(lambda: len(door.published) == 2, message="both are published")
    old.goto("/tools")
    expect(old.get_by_role("row", name="create_refund")).to_contain_text("Approval always; approving one decides")
    assert GIVEN["amount_cents"] == 1999  # what others were shown stays as it was
