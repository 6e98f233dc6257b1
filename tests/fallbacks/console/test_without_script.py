"""Everything works without JavaScript: forms, and pages that follow them."""

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, expect

from fallbacks.ledger.states import State
from tasks.reasons import Reason
from tasks.ticket import Ticket
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.door import Door
from tests.services.waiting import wait_for

Tickets = Callable[..., Ticket]
Open = Callable[..., BrowserContext]


def state_of(door: Door, ticket_id: str) -> State:
    return door.run(door.inbox.views.ticket(ticket_id)).state


def test_items_are_worked_by_forms_alone(door: Door, agent: Agent, tickets: Tickets, open_context: Open) -> None:
    for _ in range(4):
        door.run(agent.suggest(tickets(), "card_arrival"))
    door.run(agent.hand_off(tickets(), Reason.STEP_LIMIT, "8 of 8 model calls used"))
    page = open_context("rita", java_script_enabled=False).pages[0]
    states: list[tuple[str, State]] = []

    def next_at_hand(becomes: State) -> None:
        """Wait for another item than the last one, and note what is about to become of it."""
        before = states[-1][0] if states else ""
        expect(page.locator(f'#main[data-ticket]:not([data-ticket="{before}"])')).to_be_attached()
        states.append((page.locator("#main").get_attribute("data-ticket") or "", becomes))

    page.get_by_role("link", name="Start working").click()
    next_at_hand(State.DECIDED)
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(f'#main[data-ticket="{states[0][0]}"]')).to_be_attached()
    page.get_by_role("button", name="Approve").click()
    next_at_hand(State.DECIDED)
    page.locator('[data-digit="3"]').first.click()
    next_at_hand(State.HANDED_OFF)
    page.locator(".acts summary", has_text="Reject").click()
    page.get_by_role("button", name="wrong team").click()
    next_at_hand(State.SUGGESTED)
    page.get_by_role("button", name="1 h").click()
    next_at_hand(State.QUEUED)
    page.locator(".acts summary", has_text="Send back").click()
    page.get_by_label("Note to the agent").fill("Look at the second sentence.")
    page.get_by_role("button", name="Send back to the agent").click()
    expect(page.get_by_role("heading", name="Nothing is left for you")).to_be_visible()
    for ticket_id, state in states:
        assert state_of(door, ticket_id) is state
    page.get_by_role("link", name="Show what I set aside").click()
    expect(page.locator(f'#main[data-ticket="{states[2][0]}"]')).to_be_attached()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.goto("/inbox")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_correction_keeps_the_difference(door: Door, agent: Agent, tickets: Tickets, open_context: Open) -> None:
    ticket_id = door.run(agent.suggest(tickets(), "card_arrival"))
    page = open_context("rita", java_script_enabled=False).pages[0]
    page.goto(f"/tickets/{ticket_id}")
    page.get_by_text("Edit in full").click()
    page.locator("details[open] [name=label]").select_option("lost_or_stolen_card")
    page.locator("details[open] [name=rationale]").fill("It was stolen from the letter box.")
    page.locator("details[open]").get_by_role("button", name="Decide").click()
    changed = page.locator(".diff")
    expect(changed.locator("del").first).to_have_text("card arrival")
    expect(changed.locator("ins").first).to_have_text("lost or stolen card")
    page.locator("summary", has_text="Note").click()
    page.get_by_label("Note on the timeline").fill("Called the customer.")
    page.get_by_role("button", name="Add the note").click()
    expect(page.locator(".timeline").get_by_text("Called the customer.")).to_be_visible()


def test_what_is_refused_leads_back_to_the_ticket_and_no_key_is_promised(
    door: Door, agent: Agent, tickets: Tickets, open_context: Open
) -> None:
    ticket_id = door.run(agent.suggest(tickets(), "card_arrival"))
    page = open_context("rita", java_script_enabled=False).pages[0]
    page.goto(f"/tickets/{ticket_id}")
    expect(page.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Another label")).to_be_hidden()
    for typed, said in (("soon", "Say for how long"), ("90m", "Snoozed for 90 min")):
        page.locator(".acts summary", has_text="Snooze").click()
        page.get_by_label("For as long as").fill(typed)
        page.locator("details[open]").get_by_role("button", name="Snooze").last.click()
        expect(page.get_by_text(said)).to_be_visible()
        if typed == "soon":
            page.get_by_role("link", name="Back to the ticket").click()
            expect(page).to_have_url(re.compile(f"/tickets/{ticket_id}#acts$"))


def test_filters_are_addresses(door: Door, agent: Agent, tickets: Tickets, open_context: Open) -> None:
    for label in ("card_arrival", "card_arrival", "lost_or_stolen_card"):
        door.run(agent.suggest(tickets(), label))
    door.run(agent.hand_off(tickets(), Reason.LOW_CONFIDENCE, "0.44 of 0.60", label="card_arrival"))
    page = open_context("rita", java_script_enabled=False).pages[0]
    page.get_by_text("Filter").first.click()
    page.locator(".filters").get_by_label("Label").select_option("card_arrival")
    page.get_by_label("Queue").select_option("suggestions")
    page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile("queue=suggestions"))
    expect(page).to_have_url(re.compile("label=card_arrival"))
    expect(page.locator(".items tbody tr")).to_have_count(2)
    queries = (
        ("reason=low_confidence", 1),
        ("age=1h", 0),
        ("sla=soon", 1),
        ("team=fraud_and_security", 1),
        ("view=ready", 3),
        ("view=person&sort=-waiting", 1),
        ("view=snoozed", 0),
    )
    for query, rows in queries:
        page.goto(f"/inbox?{query}")
        expect(page.locator(".items tbody tr")).to_have_count(rows)
    page.goto("/inbox?view=ready")
    for column, first in (("Team", "card delivery"), ("Team", "fraud and security")):
        page.get_by_role("columnheader", name=column).get_by_role("link").click()
        expect(page.locator(".items tbody tr .facet").first).to_have_text(first)
    views = page.get_by_role("navigation", name="Views").get_by_role("link")
    for at, count in enumerate((4, 0, 3, 1, 0)):
        expect(views.nth(at)).to_have_text(re.compile(rf" {count}$"))
    page.goto("/work?queue=suggestions&label=card_arrival")
    for _ in range(2):
        page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()
    page.goto("/inbox/today")
    expect(page.get_by_text("the same")).to_have_count(2)
    page.get_by_role("row").nth(1).get_by_role("button", name="Undo").click()
    expect(page.locator(".crumb .pill")).to_have_text("ready to approve")


def test_a_group_is_resumed_one_first_then_the_rest(
    door: Door, agent: Agent, tickets: Tickets, open_context: Open
) -> None:
    for _ in range(5):
        door.run(agent.hand_off(tickets(), Reason.MODEL_OVERLOADED, "529 overloaded", steps=1))
    reviewer = open_context("rita", java_script_enabled=False).pages[0]
    reviewer.goto("/groups/model_overloaded")
    expect(reviewer.get_by_text("needs the role operator")).to_be_visible()
    page = open_context("olga", java_script_enabled=False).pages[0]
    page.goto("/groups")
    page.get_by_role("link", name="The provider was overloaded").click()
    page.get_by_role("button", name="Send one ahead").click()
    expect(page.locator(".canary .pill")).to_have_text("queued")
    assert len(door.published) == 1
    late = door.run(agent.hand_off(tickets(), Reason.MODEL_OVERLOADED, "529 overloaded", steps=1))
    page.get_by_role("button", name="Send back all 4").click()
    expect(page.get_by_text("4 sent back to the agent, 0 left")).to_be_visible()
    assert len(door.published) == 5
    assert state_of(door, late) is State.HANDED_OFF
    page.get_by_text("Decide them all by hand").click()
    page.get_by_label("Label").select_option("card_arrival")
    page.get_by_role("button", name="Apply to 1").click()
    expect(page.get_by_role("button", name="Yes")).to_be_visible()
    assert state_of(door, late) is State.HANDED_OFF
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_text("1 decided as card arrival")).to_be_visible()
    assert state_of(door, late) is State.DECIDED
    page.get_by_role("button", name="Undo all").click()
    expect(page.get_by_text("1 undone")).to_be_visible()
    assert state_of(door, late) is State.HANDED_OFF


def test_a_message_that_could_not_be_read_is_repaired(door: Door, agent: Agent, open_context: Open) -> None:
    raw = '{"source": "mail", "subject": 7, "body": "</textarea><script>document.title=1</script>"}'
    for ticket_id, text in (("rej_1", raw), ("rej_2", "where is my card?\u202e")):
        door.run(agent.reject(ticket_id, text, "subject: Input should be a valid string"))
    page = open_context("rita", java_script_enabled=False).pages[0]
    page.goto("/tickets/rej_1")
    page.locator(".acts summary", has_text="Repair").click()
    form = page.get_by_label("The ticket as JSON")
    expect(form).to_have_value(raw)
    page.get_by_role("button", name="Accept the corrected ticket").click()
    expect(page.get_by_text("subject: Input should be a valid string")).to_be_visible()
    page.go_back()
    page.locator(".acts summary", has_text="Repair").click()
    form.fill(raw.replace("7", '"Help"'))
    page.get_by_role("button", name="Accept the corrected ticket").click()
    expect(page.locator(".crumb .pill")).to_have_text("cancelled")
    expect(page.locator(".timeline").get_by_text("fix_1")).to_be_visible()
    fixed = door.run(door.inbox.views.ticket("fix_1"))
    assert (fixed.state, fixed.ticket and fixed.ticket.subject) == (State.QUEUED, "Help")
    page.goto("/tickets/rej_2")
    page.locator(".acts summary", has_text="Repair").click()
    page.get_by_label("Subject, where it is text").fill("A card")
    page.get_by_role("button", name="Accept the corrected ticket").click()
    expect(page.locator(".timeline").get_by_text("fix_2")).to_be_visible()
    text = door.run(door.inbox.views.ticket("fix_2")).ticket
    assert text is not None
    assert (text.source, text.body) == ("tasks.triage", "where is my card?⟨U+202E⟩")
    assert door.published == [("triage", "fix_1"), ("triage", "fix_2")]


def test_items_are_closed_and_decisions_corrected(
    door: Door, agent: Agent, tickets: Tickets, open_context: Open
) -> None:
    spam = door.run(agent.suggest(tickets(), "card_arrival"))
    wrong = door.run(agent.suggest(tickets(), "card_arrival"))
    page = open_context("rita", java_script_enabled=False).pages[0]
    page.goto(f"/tickets/{spam}")
    page.locator(".acts summary", has_text="Close").click()
    page.get_by_role("button", name="Spam").click()
    wait_for(lambda: state_of(door, spam) is State.CLOSED, message="it is closed")
    page.get_by_role("button", name="Undo").first.click()
    wait_for(lambda: state_of(door, spam) is State.SUGGESTED, message="it waits again")
    expect(page.locator(".crumb .pill")).to_have_text("ready to approve")
    page.goto(f"/tickets/{wrong}")
    page.get_by_role("button", name="Approve").click()
    page.locator("summary", has_text="Correct the decision").click()
    form = page.locator("details[open]")
    form.locator("[name=label]").select_option("lost_or_stolen_card")
    form.locator("[name=reason]").fill("It was stolen.")
    form.get_by_role("button", name="Correct").click()
    wait_for(lambda: door.run(door.inbox.views.ticket(wrong)).earlier, message="it is corrected")
    corrected = door.run(door.inbox.views.ticket(wrong))
    assert ((corrected.decision or {})["label"], (corrected.earlier or {})["label"]) == (
        "lost_or_stolen_card",
        "card_arrival",
    )
