"""A reviewer drains the inbox by keyboard alone, and each action costs as many keys as was promised."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import Page, Route, expect

from fallbacks.inbox.finding import found
from fallbacks.ledger.states import State
from tasks.reasons import Reason
from tasks.ticket import Ticket
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.door import Door
from tests.fallbacks.console.keyboard import Keyboard
from tests.fallbacks.console.test_screens import faults_of
from tests.services.waiting import wait_for

Tickets = Callable[..., Ticket]
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def state_of(door: Door, ticket_id: str) -> State:
    return door.run(door.inbox.views.ticket(ticket_id)).state


def decision_of(door: Door, ticket_id: str) -> dict[str, Any]:
    return door.run(door.inbox.views.ticket(ticket_id)).decision or {}


def arrives(door: Door, ticket_id: str, state: State) -> None:
    wait_for(lambda: state_of(door, ticket_id) is state, message=f"{ticket_id} is {state}")


def suggestions(door: Door, agent: Agent, tickets: Tickets, count: int) -> None:
    for _ in range(count):
        door.run(agent.suggest(tickets(), "card_arrival"))


def resume(keys: Keyboard) -> None:
    keys.press("r")
    keys.page.keyboard.type("It is about the card's PIN.")
    keys.press("Control+Enter")


TURNS = ("approve", "relabel", "approve", "reject", "approve", "resume")
DO: dict[str, Callable[[Keyboard], None]] = {
    "approve": lambda keys: keys.press("a"),
    "relabel": lambda keys: keys.press("2"),
    "reject": lambda keys: keys.press("x", "4"),
    "resume": resume,
}
KEYS = {"approve": 1, "relabel": 1, "reject": 2, "resume": 2}
"""Promised: approve 1, relabel at most 2, reject with a reason 2, a hint 1 and Ctrl-Enter beside its text."""


def test_twenty_items_are_drained_by_keyboard_alone(door: Door, agent: Agent, tickets: Tickets, rita: Page) -> None:
    suggestions(door, agent, tickets, 16)
    failed = [door.run(agent.hand_off(tickets(), Reason.STEP_LIMIT, "8 of 8 model calls used")) for _ in range(4)]
    keys = Keyboard(rita)
    keys.press("w")
    rita.wait_for_url("**/work")
    keys.count()
    done: dict[str, list[str]] = {"approve": [], "relabel": [], "reject": [], "resume": []}
    item = keys.at_hand
    for turn in range(20):
        action = TURNS[turn % len(TURNS)]
        if action in ("approve", "reject") and item in failed:
            action = "resume"  # it has no suggestion
        done[action].append(item)
        DO[action](keys)
        assert keys.count() == KEYS[action]
        item = keys.expect_next(item)
    expect(rita.get_by_role("heading", name="Nothing is left for you")).to_be_visible()
    for ticket_id in done["approve"] + done["relabel"]:
        arrives(door, ticket_id, State.DECIDED)
    for ticket_id in done["reject"]:
        arrives(door, ticket_id, State.HANDED_OFF)
    for ticket_id in done["resume"]:
        arrives(door, ticket_id, State.QUEUED)
    assert all(done.values()), done
    assert {decision_of(door, ticket_id)["label"] for ticket_id in done["approve"]} == {"card_arrival"}
    assert "card_arrival" not in {decision_of(door, ticket_id)["label"] for ticket_id in done["relabel"]}
    assert sorted(ticket_id for _, ticket_id in door.published) == sorted(done["resume"])


SHORTEST = """async () => {
    const [{ found }, choices] = await Promise.all([
        import("/static/palette.js"), fetch("/choices").then((answer) => answer.json())]);
    const spelled = (words, letters) => !letters ? [""] : words.flatMap((word, at) =>
        [...word.slice(0, letters)].flatMap((_, last) =>
            spelled(words.slice(at + 1), letters - last - 1).map((rest) => word.slice(0, last + 1) + rest)));
    const first = (typed, name) => found(typed, [], choices)[0]?.name === name;
    return choices.map(({ name, words }) => [name, [1, 2, 3].find((letters) =>
        spelled(words.toLowerCase().match(/[a-z0-9]+/g), letters).some((typed) => first(typed, name)))]);
}"""
"""How few letters of its words, from their beginnings, make each label the first hit."""

HITS = """async (asked) => {
    const [{ found }, choices] = await Promise.all([
        import("/static/palette.js"), fetch("/choices").then((answer) => answer.json())]);
    return asked.map((text) => found(text, [], choices).map(({ name }) => name));
}"""
ASKED = [
    "",
    "c",
    "lsc",
    "stolen",
    "refund not",
    "exch",
    "atm",
    "PIN",
    "not rec",
    "fees",
    "cash wrong",
    "nothing like it",
]


def test_any_label_is_found_by_three_letters_and_a_decision_is_undone(
    door: Door, agent: Agent, tickets: Tickets, rita: Page
) -> None:
    suggestions(door, agent, tickets, 2)
    rita.goto("/work")
    keys = Keyboard(rita)
    item = keys.at_hand
    letters = dict(rita.evaluate(SHORTEST))
    assert set(letters) == {label.name for label in door.process.taxonomy.labels}
    assert all(letters.values()), letters
    hits = [[choice.name for choice in found(door.process, text)] for text in ASKED]
    assert rita.evaluate(HITS, ASKED) == hits, "the terminal finds the same"
    keys.press("l", "l", "s", "c")
    expect(rita.locator(".palette [aria-selected=true]")).to_contain_text("lost or stolen card")
    assert not faults_of(rita)
    keys.press("Enter")
    assert keys.count() == 5
    keys.expect_next(item)
    arrives(door, item, State.DECIDED)
    expect(rita.get_by_text("Decided as lost or stolen card")).to_be_visible()
    keys.press("u")
    expect(rita.locator(f'#main[data-ticket="{item}"]')).to_be_attached()
    assert state_of(door, item) is State.SUGGESTED
    assert decision_of(door, item)["label"] == "card_arrival"
    expect(rita.get_by_text("Undone; it waits as before")).to_be_visible()
    keys.press("l")
    expect(rita.locator(".palette li").first).to_contain_text("lost or stolen card")  # the last one used
    rita.keyboard.type("tracked or sent by courier")
    expect(rita.locator(".palette li")).to_have_count(0)
    keys.press("Escape", "p", "u", "Escape", "a")
    keys.expect_next(item)
    arrives(door, item, State.DECIDED)
    decided = decision_of(door, item)
    assert (decided["label"], decided["priority"], decided["tier"]) == ("card_arrival", "urgent", "person")


def test_a_key_without_meaning_takes_the_next_one_with_it(
    door: Door, agent: Agent, tickets: Tickets, rita: Page
) -> None:
    draft = door.run(agent.hand_off(tickets(), Reason.LOW_CONFIDENCE, "0.44 of 0.60", label="card_arrival"))
    bare = door.run(agent.hand_off(tickets(), Reason.STEP_LIMIT, "8 of 8 model calls used"))
    rita.clock.install(time=NOON)
    rita.goto(f"/work?item={bare}")
    keys = Keyboard(rita)
    assert keys.at_hand == bare
    rita.clock.pause_at(NOON + timedelta(minutes=1))  # however long a busy machine takes from key to key
    keys.press("x", "1", "2")
    expect(rita.get_by_text("x means nothing here")).to_be_visible()
    assert (keys.at_hand, state_of(door, bare)) == (bare, State.HANDED_OFF)
    rita.clock.run_for(1600)
    keys.press("z", "2")
    assert keys.expect_next(bare) == draft
    arrives(door, bare, State.CLOSED)
    keys.press("x")
    expect(rita.get_by_role("button", name="wrong team")).to_be_in_viewport()
    keys.press("x", "2")
    keys.expect_next(draft)
    wait_for(lambda: door.run(door.inbox.views.ticket(draft)).reason is Reason.SUGGESTION_REJECTED, message="rejected")


def test_assign_skip_and_snooze_leave_an_item_to_others(door: Door, agent: Agent, tickets: Tickets, rita: Page) -> None:
    suggestions(door, agent, tickets, 5)
    rita.goto("/work")
    keys = Keyboard(rita)
    skipped = keys.at_hand
    keys.press("m", "3")
    assigned, skipped = skipped, keys.expect_next(skipped)
    wait_for(lambda: door.run(door.inbox.views.ticket(assigned)).assignee == "olga", message="assigned")
    rita.goto("/inbox?assignee=olga")
    expect(rita.locator("tr[data-row]")).to_have_count(1)
    expect(rita.get_by_text("for olga")).to_be_visible()
    rita.goto("/work")
    assert keys.at_hand == skipped
    keys.press("g", "1")
    given, skipped = skipped, keys.expect_next(skipped)
    team = f"team:{door.process.facet_values['team'][0]}"
    wait_for(lambda: door.run(door.inbox.views.ticket(given)).given == team, message="given to the team")
    keys.press("n")
    snoozed = keys.expect_next(skipped)
    keys.press("h", "3")
    keys.expect_next(snoozed)
    wait_for(lambda: door.run(door.inbox.views.ticket(snoozed)).snoozed_until_ms, message="snoozed")
    rita.goto(f"/work/{snoozed}")
    expect(rita.locator(".meta").get_by_text("snoozed for 4 h")).to_be_visible()
    rita.get_by_role("button", name="Wake it").click()
    expect(rita.get_by_role("button", name="Wake it")).to_be_hidden()
    keys.press("h")
    rita.get_by_label("For as long as").fill("2d")
    keys.press("Enter")
    keys.expect_next(snoozed)
    rita.goto(f"/tickets/{snoozed}")
    expect(rita.locator(".meta").get_by_text("snoozed for 2 d")).to_be_visible()
    assert door.run(door.inbox.views.ticket(skipped)).holder is None
    assert state_of(door, skipped) is state_of(door, snoozed) is State.SUGGESTED


def test_the_next_item_is_there_before_the_answer(door: Door, agent: Agent, tickets: Tickets, rita: Page) -> None:
    suggestions(door, agent, tickets, 4)
    held: list[Route] = []
    rita.route("**/approve", lambda route: held.append(route))
    rita.goto("/work")
    keys = Keyboard(rita)
    for _ in range(2):
        item = keys.at_hand
        expect(rita.locator("#main[data-ahead]")).to_be_attached()
        keys.press("a")
        keys.expect_next(item)
        while not held:
            rita.wait_for_timeout(10)  # Playwright hands routes over while it is waited on
        assert state_of(door, item) is State.SUGGESTED
        held.pop().continue_()
        arrives(door, item, State.DECIDED)


def test_keys_can_be_turned_off_for_a_person(door: Door, agent: Agent, tickets: Tickets, rita: Page) -> None:
    suggestions(door, agent, tickets, 1)
    rita.goto("/settings")
    rita.get_by_label("Single keys act at once").uncheck()
    rita.get_by_role("button", name="Save").click()
    expect(rita.get_by_label("Single keys act at once")).not_to_be_checked()
    rita.goto("/work")
    keys = Keyboard(rita)
    item = keys.at_hand
    keys.press("a", "n", "?")
    assert keys.at_hand == item
    assert state_of(door, item) is State.SUGGESTED
    expect(rita.locator("dialog[open]")).to_have_count(0)


def test_keys_of_any_layout_are_taken_and_those_of_an_input_method_are_not(
    door: Door, agent: Agent, tickets: Tickets, rita: Page
) -> None:
    suggestions(door, agent, tickets, 3)
    rita.goto("/work")
    keys = Keyboard(rita)

    def strike(**event: object) -> None:
        rita.evaluate(
            "(event) => document.dispatchEvent(new KeyboardEvent('keydown', event))", {**event, "bubbles": True}
        )

    item = keys.at_hand
    strike(key="a", code="KeyA", isComposing=True)
    strike(key="Process", code="KeyA", keyCode=229)
    assert keys.at_hand == item
    strike(key="\u0444", code="KeyA")  # where a Latin keyboard has its a
    second = keys.expect_next(item)
    strike(key="A", code="KeyQ")  # Caps Lock, on a French keyboard
    third = keys.expect_next(second)
    strike(key="&", code="Digit1")  # its row of digits
    keys.expect_next(third)
    for each in (item, second, third):
        arrives(door, each, State.DECIDED)


def test_keys_do_nothing_in_a_field_and_are_listed(door: Door, agent: Agent, tickets: Tickets, rita: Page) -> None:
    suggestions(door, agent, tickets, 1)
    rita.goto("/work")
    item = Keyboard(rita).at_hand
    rita.keyboard.press("r")
    rita.keyboard.type("a n s 1 ?")
    expect(rita.get_by_label("Note to the agent")).to_have_value("a n s 1 ?")
    rita.keyboard.press("Escape")
    rita.keyboard.press("?")
    expect(rita.get_by_role("dialog", name="Keys")).to_be_visible()
    rita.keyboard.press("a")
    rita.keyboard.press("Escape")
    expect(rita.get_by_role("dialog", name="Keys")).to_be_hidden()
    assert state_of(door, item) is State.SUGGESTED


def test_the_timeline_grows_while_one_looks(door: Door, agent: Agent, tickets: Tickets, rita: Page) -> None:
    claim = door.run(agent.claimed(tickets()))
    door.run(agent.step(claim, 1, "lookup_customer"))
    rita.goto(f"/tickets/{claim.lease.ticket_id}")
    lines = rita.locator("[data-lines] > li")
    found = lines.filter(has_text="search_knowledge_base")
    expect(found).to_have_count(0)
    door.run(agent.step(claim, 2, "search_knowledge_base"))
    expect(found).not_to_have_count(0)
    door.run(door.inbox.cancel(claim.lease.ticket_id, "olga"))
    expect(rita.locator(".crumb .pill")).to_have_text("cancelled")
