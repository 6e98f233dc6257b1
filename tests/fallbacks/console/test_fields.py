"""Fields of a taxonomy's own in the console: asked for where they are missing, shown, and changed in full."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from tasks.ticket import Ticket
from tasks.triage.fields import FieldType, OwnField
from tasks.triage.taxonomy import Taxonomy
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.door import Door
from tests.fallbacks.console.test_screens import faults_of, too_wide
from worker import sample
from worker.config.yaml_taxonomy import load_taxonomy

ORDER = OwnField(name="order", description="The order.", type=FieldType.TEXT, pattern=r"A-\d+", required=True)
LANGUAGE = OwnField(name="language", description="Its language.", type=FieldType.ENUM, values=("en", "de"))


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    plain = load_taxonomy(sample.path("taxonomy.yaml"))
    return plain.model_copy(update={"fields": (ORDER, LANGUAGE), "further_labels": 1})


def test_fields_are_asked_for_shown_and_changed(
    door: Door, agent: Agent, tickets: Callable[..., Ticket], open_context: Callable[..., BrowserContext]
) -> None:
    ticket_id = door.run(agent.suggest(tickets(), "card_arrival"))
    page = open_context("rita").pages[0]
    page.goto(f"/tickets/{ticket_id}")
    assert not faults_of(page)
    page.get_by_label("Order").first.fill("A-7")
    page.locator("[data-digit]").first.click()
    expect(page.get_by_text("Decided as")).to_be_visible()
    first = door.run(door.inbox.views.ticket(ticket_id)).decision or {}
    assert first["fields"] == {"order": "A-7"}
    page.goto(f"/tickets/{ticket_id}")
    expect(page.locator("dl.facts", has_text="A-7").first).to_be_visible()
    page.locator(".acts summary", has_text="Correct").click()
    form = page.locator("form[action$='/correct']")
    form.locator("[name='fields.language']").select_option("de")
    form.locator("[name='fields.further_labels']").fill("card_linking")
    form.locator("[name=reason]").fill("it is German")
    assert not faults_of(page)
    assert not too_wide(page)
    form.get_by_role("button").click()
    expect(page.get_by_text("Corrected to")).to_be_visible()
    second = door.run(door.inbox.views.ticket(ticket_id)).decision or {}
    assert (second["label"], second["fields"]) == (first["label"], {"order": "A-7", "language": "de"})
    assert second["further_labels"] == ["card_linking"]
