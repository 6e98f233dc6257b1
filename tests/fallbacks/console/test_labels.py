"""Labels: found by words, and how far each is from being decided alone, in plain numbers."""

import json
from collections.abc import Callable

from fallbacks.ledger.limits.control import Control
from fallbacks.store import keys
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


def test_an_operator_revokes_what_a_label_has_earned_and_everybody_can_read_why(door: Door) -> None:
    agent = {"label": "card_arrival", "team": "card_delivery", "tier": "local", "version": "v1", "blind": False}
    row = {"label": "card_arrival", "team": "card_delivery", "proposed": "card_arrival", "agent": agent, "at": 1}
    rows = [json.dumps({**row, "id": f"t{number}", "text": f"card {number}"}) for number in range(250)]
    door.run(door.store.redis.rpush(f"{door.store.prefix}{keys.EXAMPLES}", *rows))
    asked = {"kind": "card_arrival", "why": "a new courier", "meant": "1"}
    with signed_in(door, "rita") as rita, signed_in(door, "olga") as olga:
        page = rita.get("/labels?q=arrival").text
        assert "decided alone" in page
        assert "Revoke" not in page
        assert rita.post("/labels/revoke", data=asked).status_code == 403
        assert "Revoke" in olga.get("/labels?q=arrival").text
        assert olga.post("/labels/revoke", data={**asked, "meant": ""}).status_code == 422
        assert olga.post("/labels/revoke", data={**asked, "why": " "}).status_code == 422
        assert olga.post("/labels/revoke", data=asked).status_code == 303
        page = rita.get("/labels?q=arrival").text
        assert "decided alone</span>" not in page
        assert "238 of about 238 agreeing decisions to go" in page, "twice the proof, from nothing"
        assert "revoked by olga: a new courier" in page
        assert "there is nothing to revoke" in olga.post("/labels/revoke", data=asked).text
    logged = door.run(Control(door.store).log(1))[0]
    assert (logged.who, logged.words) == ("olga", "card_arrival is revoked, and not decided alone: a new courier")
