"""Many at once: by keys, by one request, asked for, undone; and two people who do it to the same items."""

import threading
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, Request, expect

from fallbacks.ledger.states import State
from fallbacks.store import keys
from tasks.reasons import Reason
from tasks.ticket import Ticket
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.browserless import signed_in
from tests.fallbacks.console.door import Door
from tests.fallbacks.console.keyboard import Keyboard
from tests.fallbacks.console.test_screens import faults_of
from tests.services.waiting import wait_for

Tickets = Callable[..., Ticket]
Open = Callable[..., BrowserContext]


def states(door: Door, ids: list[str]) -> list[State]:
    return [door.run(door.inbox.views.ticket(ticket_id)).state for ticket_id in ids]


def test_forty_are_approved_by_three_keys_and_one_request(
    door: Door, agent: Agent, tickets: Tickets, rita: Page
) -> None:
    ids = [door.run(agent.suggest(tickets(), "card_arrival")) for _ in range(40)]
    rita.goto("/inbox?view=ready")
    changed = ids[7]
    sent: list[Request] = []
    rita.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    hands = Keyboard(rita)
    hands.press("Shift+A", "a")
    expect(rita.get_by_role("heading", name="Approve 40?")).to_be_visible()
    expect(rita.locator("[data-sample] li")).to_have_count(5)
    assert faults_of(rita) == []
    door.run(door.inbox.note(changed, "olga", "I am looking at it."))
    hands.press("Enter")
    expect(rita.get_by_text(f"39 approved; 1 not: {changed} (it changed meanwhile)")).to_be_visible()
    assert (hands.count(), len(sent)) == (3, 1)
    expect(rita.locator("tr[data-row]")).to_have_count(1)
    assert states(door, [changed]) == [State.SUGGESTED]
    assert set(states(door, [ticket_id for ticket_id in ids if ticket_id != changed])) == {State.DECIDED}
    hands.press("u")
    expect(rita.locator("tr[data-row]")).to_have_count(40)
    assert set(states(door, ids)) == {State.SUGGESTED}
    assert door.run(door.store.length(keys.EXAMPLES)) == 0


def test_a_few_are_chosen_by_keys_and_closed_snoozed_and_decided(
    door: Door, agent: Agent, tickets: Tickets, rita: Page
) -> None:
    ids = [door.run(agent.hand_off(tickets(), Reason.STEP_LIMIT, "why")) for _ in range(9)]
    rita.goto("/inbox?view=person")
    row = rita.locator("tr[data-row]")
    shown = [row.nth(place).get_attribute("data-row") or "" for place in range(9)]
    hands = Keyboard(rita)
    hands.press("j", "x", "j", "j", "Shift+X")
    expect(rita.locator("[data-chosen]")).to_have_text("3 chosen")
    hands.press("s", "Enter")
    expect(rita.get_by_text("3 snoozed")).to_be_visible()
    expect(row).to_have_count(6)
    hands.press("u")
    expect(row).to_have_count(9)
    hands.press("j", "x", "z", "Enter", "j", "x", "l")  # those after the first Enter wait for the list, if they must
    rita.keyboard.type("lost or stolen card")
    hands.press("Enter")
    expect(rita.get_by_text("1 decided as lost or stolen card")).to_be_visible()
    expect(row).to_have_count(7)
    assert sorted(states(door, ids)) == sorted([State.CLOSED, State.DECIDED, *[State.HANDED_OFF] * 7])
    was = row.first.get_attribute("data-row") or ""
    door.run(door.inbox.assign(was, "rita", None, "olga"))
    rita.goto("/inbox?view=person")
    hands.press("Shift+A", "m")
    rita.keyboard.type("fraud")
    hands.press("Enter")
    expect(rita.get_by_text("7 assigned to team fraud and security")).to_be_visible()
    expect(row.first.locator(".facet")).to_have_text("fraud and security")
    hands.press("u")
    expect(rita.get_by_text("7 given back to whose they were")).to_be_visible()
    owners = [door.run(door.inbox.views.ticket(one)) for one in ids]
    assert {one.id: (one.given, one.assignee) for one in owners if one.given or one.assignee} == {was: (None, "olga")}
    hands.press("Escape")
    row.first.locator("[name=item]").click()
    row.nth(3).locator("[name=item]").click(modifiers=["Shift"])
    expect(rita.locator("[data-chosen]")).to_have_text("4 chosen")
    hands.press("Escape")
    hands.press("a")
    expect(rita.get_by_text("Choose tickets first")).to_be_visible()
    assert len(shown) == len(set(shown)) == 9


def test_the_list_follows_what_happens_and_nothing_moves(
    door: Door, agent: Agent, tickets: Tickets, rita: Page
) -> None:
    first, second = (door.run(agent.suggest(tickets(), "card_arrival")) for _ in range(2))
    rita.goto("/inbox")
    expect(rita).to_have_title("(2) Inbox · Deskhand")
    row = rita.locator("tr[data-row]")
    rita.keyboard.press("j")
    rita.keyboard.press("x")
    chosen = row.first.get_attribute("data-row")
    other = second if chosen == first else first
    door.run(door.inbox.claim(other, "olga"))
    expect(rita.locator(f'[data-row="{other}"] .with')).to_have_text("olga")
    new = door.run(agent.hand_off(tickets(), Reason.STEP_LIMIT, "why"))
    expect(rita.get_by_role("button", name="1 new")).to_be_visible()
    expect(row).to_have_count(2)
    expect(rita).to_have_title("(3) Inbox · Deskhand")
    door.run(door.inbox.approve(other, "olga", None))
    expect(rita.locator(f'[data-row="{other}"].gone')).to_be_visible()
    expect(rita.locator(f'[data-row="{chosen}"] [name=item]')).to_be_checked()
    rita.keyboard.press("r")
    expect(rita.locator(f'[data-row="{new}"]')).to_be_visible()
    expect(rita.locator(f'[data-row="{other}"]')).to_have_count(0)
    expect(rita.locator(f'[data-row="{chosen}"] [name=item]')).to_be_checked()
    door.run(door.inbox.note(chosen or "", "olga", "Wait."))
    expect(rita.locator(f'[data-row="{chosen}"] [name=item]')).not_to_be_checked()


def test_without_script_many_are_asked_for_first(
    door: Door, agent: Agent, tickets: Tickets, open_context: Open
) -> None:
    ids = [door.run(agent.suggest(tickets(), "card_arrival")) for _ in range(12)]
    page = open_context("rita", java_script_enabled=False).pages[0]
    page.goto("/inbox?view=ready")
    for place in range(12):
        page.locator("[name=item]").nth(place).check()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="12 tickets will be approved")).to_be_visible()
    assert set(states(door, ids)) == {State.SUGGESTED}
    page.get_by_role("button", name="Yes, all 12").click()
    expect(page.get_by_text("12 approved")).to_be_visible()
    page.get_by_role("button", name="Undo all").click()
    expect(page.locator("tr[data-row]")).to_have_count(12)
    page.locator("[name=item]").first.check()
    page.get_by_label("Assign to").select_option("olga")
    page.get_by_role("button", name="Assign").click()
    expect(page.get_by_text("1 assigned to olga")).to_be_visible()
    page.get_by_role("button", name="Undo all").click()
    page.locator("[name=item]").first.check()
    page.get_by_role("button", name="Snooze").click()
    page.goto("/inbox?view=snoozed")
    page.locator("[name=item]").first.check()
    page.get_by_role("button", name="Wake").click()
    expect(page.get_by_text("1 woken")).to_be_visible()


def test_a_spike_of_alike_tickets_is_found_and_decided_at_once(
    door: Door, agent: Agent, tickets: Tickets, rita: Page
) -> None:
    for shop in (
        "Aldi",
        "Tesco",
        "a cafe in Rome",
        "the gym",
        "IKEA",
        "a taxi",
        "a pharmacy",
        "a bakery",
        "Rewe",
        "Spar",
    ):
        body = f"My card payment at {shop} was declined this morning, why do you do this?"
        door.run(agent.hand_off(tickets(body=body), Reason.LOW_CONFIDENCE, "not sure", steps=1))
    same = [door.run(agent.hand_off(tickets(body=body), Reason.LOW_CONFIDENCE, "not sure", steps=1)) for _ in range(2)]
    other = door.run(agent.hand_off(tickets(body="How do I order a new card?"), Reason.LOW_CONFIDENCE, "", steps=1))

    def shown() -> bool:
        rita.goto("/inbox")
        return rita.get_by_role("link", name="12 alike").is_visible()

    wait_for(shown, message="the group stands above the list")
    assert faults_of(rita) == []
    rita.get_by_role("link", name="12 alike").click()
    row = rita.locator("tr[data-row]")
    expect(row).to_have_count(12)
    expect(rita.get_by_text("They wait for:")).to_be_visible()
    assert faults_of(rita) == []
    hands = Keyboard(rita)
    hands.press("Shift+A", "l")
    rita.keyboard.type("declined card payment")
    hands.press("Enter")
    expect(rita.get_by_role("heading", name="Decide 12?")).to_be_visible()
    hands.press("Enter")
    expect(rita.get_by_text("12 decided as declined card payment")).to_be_visible()
    assert states(door, [*same, other]) == [State.DECIDED, State.DECIDED, State.HANDED_OFF]
    hands.press("u")
    expect(row).to_have_count(12)


def race(door: Door, agent: Agent, tickets: Tickets, many: int, at_once: int) -> None:
    """Two people approve and relabel the same items, so many in a request, at the same time: each is decided once."""
    ids = [door.run(agent.suggest(tickets(), "card_arrival")) for _ in range(many)]
    versions = {ticket_id: door.run(door.inbox.views.ticket(ticket_id)).version for ticket_id in ids}

    def work(name: str, form: dict[str, str], order: list[str]) -> None:
        with signed_in(door, name) as client:
            for start in range(0, many, at_once):
                chosen = " ".join(f"{versions[one]}:{one}" for one in order[start : start + at_once])
                answer = client.post("/inbox/bulk", data={"item": chosen, "confirmed": "1", **form})
                assert answer.status_code == 303, answer.text

    people = [
        threading.Thread(target=work, args=("rita", {"act": "approve"}, ids)),
        threading.Thread(target=work, args=("olga", {"act": "edit", "choice": "lost_or_stolen_card"}, ids[::-1])),
    ]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert set(states(door, ids)) == {State.DECIDED}
    for ticket_id in ids:
        said = [one.event.type for one in door.run(door.inbox.views.timeline(ticket_id))]
        assert said.count("decided") == 1, ticket_id
    assert door.run(door.store.length(keys.EXAMPLES)) == many


def test_two_people_with_the_same_items_decide_each_once(door: Door, agent: Agent, tickets: Tickets) -> None:
    race(door, agent, tickets, many=60, at_once=15)
