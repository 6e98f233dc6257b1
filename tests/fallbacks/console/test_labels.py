"""Labels: found by words, and how far each is from being decided alone, in plain numbers."""

from collections.abc import Callable

from tasks.ticket import Ticket
from tasks.triage.process import HandDecision
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.browserless import signed_in
from tests.fallbacks.console.door import Door


def test_a_label_is_found_by_words_and_says_what_it_still_has_to_prove(
    door: Door, agent: Agent, tickets: Callable[..., Ticket]
) -> None:
    for _ in range(3):
        door.run(door.inbox.approve(door.run(agent.suggest(tickets(), "card_arrival")), "rita", None))
    changed = door.run(agent.suggest(tickets(), "card_not_working"))
    door.run(door.inbox.decide(changed, "rita", None, HandDecision(label="card_arrival")))
    with signed_in(door, "rita") as rita:
        page = rita.get("/labels?q=arrival").text
        assert "193 of about 196 agreeing decisions to go" in page
        assert "lost or stolen card" not in page
        page = rita.get("/labels?q=not+working").text
        assert f'<a href="/tickets/{changed}">card arrival</a>' in page
        assert "None is like that" in rita.get("/labels?q=no+such+thing").text
