"""What somebody typed is never lost, and an act that failed brings its ticket back."""

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, Route, expect

from fallbacks.ledger.states import State
from tasks.reasons import Reason
from tasks.ticket import Ticket
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.door import PASSWORD, Door
from tests.fallbacks.console.flaky import Fate, ended, play
from tests.fallbacks.console.keyboard import Keyboard
from tests.services.waiting import wait_for

Tickets = Callable[..., Ticket]
HINT = "Look at the second sentence: she leaves on Friday."


def sign_in(page: Page, name: str = "rita") -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_a_hint_survives_a_cut_network_a_slow_one_and_the_end_of_the_session(
    door: Door, agent: Agent, tickets: Tickets, rita: Page
) -> None:
    for _ in range(3):
        door.run(agent.hand_off(tickets(), Reason.LOOP_DETECTED, "three times the same"))
    rita.goto("/work")
    expect(rita.locator("#main[data-ahead]")).to_be_attached()
    keys = Keyboard(rita)
    item, hint, notice = keys.at_hand, rita.get_by_label("Note to the agent"), rita.locator("#notice")
    back = rita.locator(f'#main[data-ticket="{item}"]:not([aria-busy])')
    keys.press("r")
    rita.keyboard.type(HINT)
    rita.context.set_offline(True)
    keys.press("Control+Enter")
    expect(notice).to_contain_text(f"{item}: No answer")
    expect(back).to_be_attached()
    expect(hint).to_have_value(HINT)
    expect(rita.get_by_role("alert")).to_contain_text("it may have been done or not")
    rita.context.set_offline(False)

    held: list[Route] = []
    rita.route("**/resume", lambda route: route.continue_() if held else held.append(route))
    hint.focus()
    keys.press("Control+Enter")
    expect(notice).to_contain_text(f"{item}: No answer yet; still waiting")
    search = rita.get_by_role("searchbox", name="Search tickets")
    search.fill("rollout ö")
    rita.context.clear_cookies()
    held[0].continue_()
    rita.wait_for_url("**/sign-in?*")
    expect(rita.get_by_text("what you had written is kept")).to_be_visible()
    sign_in(rita)
    expect(back).to_be_attached()
    expect(hint).to_have_value(HINT)
    expect(search).to_have_value("rollout ö")
    hint.focus()
    keys.press("Control+Enter")
    keys.expect_next(item)
    wait_for(lambda: door.run(door.inbox.views.ticket(item)).state is State.QUEUED, message="sent back")
    rita.goto(f"/tickets/{item}")
    expect(rita.get_by_text("it was not sent")).to_be_hidden()


def test_two_reviewers_over_a_bad_network_decide_nothing_twice_and_lose_no_text(
    door: Door, open_context: Callable[..., BrowserContext]
) -> None:
    door.add_user("otto")
    contexts = [open_context("rita"), open_context("olga")]
    fates = [Fate.CUT, Fate.LOST, Fate.FINE, Fate.SLOW, Fate.FINE, Fate.FINE]
    hands = play(door, contexts, 22, fates, many=3)
    ends, notes = ended(door, 22)
    assert set(ends) <= {"decided ", "sent back "}
    assert {fate for hand in hands for fate in hand.fates} == set(Fate)
    typed = {ticket: text for hand in hands for ticket, text in hand.typed.items()}
    assert typed
    assert {ticket: notes.get(ticket) for ticket in typed} == typed


def test_what_others_do_and_what_is_refused_leave_the_text_where_it_is(
    door: Door, agent: Agent, tickets: Tickets, rita: Page
) -> None:
    ticket_id = door.run(agent.hand_off(tickets(), Reason.LOOP_DETECTED, "three times the same"))
    rita.goto(f"/tickets/{ticket_id}")
    hint = rita.get_by_label("Note to the agent")
    rita.keyboard.press("r")
    rita.keyboard.type(HINT)
    rita.locator(".text .body").first.click()
    door.run(door.inbox.note(ticket_id, "olga", "She called."))
    expect(rita.locator("[data-changed]")).to_be_visible()
    expect(hint).to_have_value(HINT)
    rita.get_by_text("Show it as it is now").click()
    expect(hint).to_have_value(HINT)

    rita.evaluate("sessionStorage.setItem('draft:otto:tkt_0001', '{}')")
    rita.context.clear_cookies()
    rita.reload()
    sign_in(rita)
    expect(hint).to_have_value(HINT)
    assert rita.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('draft:otto'))") == []
    door.run(door.inbox.cancel(ticket_id, "olga"))
    expect(rita.locator("[data-changed]")).to_be_visible()
    rita.reload()
    expect(rita.locator("[data-unsent]")).to_contain_text(HINT)
    rita.get_by_role("button", name="Discard it").click()
    expect(rita.locator("[data-unsent]")).to_be_hidden()

    door.run(agent.reject("rej_1", '{"subject": 7}', "source: Field required"))
    rita.goto("/tickets/rej_1")
    rita.keyboard.press("e")
    rita.keyboard.press("Control+a")
    rita.keyboard.type('{"subject": 8}')
    rita.keyboard.press("Control+Enter")
    expect(rita.get_by_role("alert")).to_contain_text("body: Field required")
    expect(rita.get_by_label("The ticket as JSON")).to_have_value('{"subject": 8}')
