"""Two reviewers on one inbox: nothing is decided twice, and who comes late is told."""

import asyncio
from collections import Counter
from collections.abc import Callable

from fallbacks.errors import Stale
from fallbacks.ledger.ledger import Claim, Conclusion
from fallbacks.ledger.states import State
from tasks.run import events as ev
from tasks.run.limits import Limits
from tasks.ticket import Priority, Ticket
from tasks.triage.process import HandDecision
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.browserless import signed_in, version_on
from tests.fallbacks.console.door import Door
from tests.fallbacks.scene import AGE

ITEMS = 300
HANDS = 2
"""Each reviewer has so many windows open: they are served the same items, and race with themselves, too."""


async def suggested(door: Door, agent: Agent, number: int) -> None:
    ticket = Ticket(id=f"race_{number:04d}", source="mail", subject="", body="Where is my card?")
    await door.ledger.accept(ticket, Limits())
    claim = await door.ledger.claim(ticket.id or "", "worker-1")
    assert isinstance(claim, Claim)
    decision = agent.decision(ticket, "card_arrival", 0.9, "")
    await door.ledger.suggest(claim.lease, Conclusion((), decision, Priority.NORMAL))


async def drain(door: Door, person: str, late: list[str]) -> None:
    """Take what is served and decide it. Every third time another window acts on the same page as well."""
    while (view := await door.inbox.next(person)) is not None:
        acts = [door.inbox.approve(view.id, person, view.version)]
        if int(view.id[-1]) % 3 == 0:
            by_hand = HandDecision(label="lost_or_stolen_card")
            acts.append(door.inbox.decide(view.id, f"{person}-elsewhere", view.version, by_hand))
            acts.append(door.inbox.approve(view.id, person, view.version))
        for outcome in await asyncio.gather(*acts, return_exceptions=True):
            if isinstance(outcome, BaseException):
                assert isinstance(outcome, Stale), outcome
                late.append(view.id)


async def race(door: Door, agent: Agent) -> list[str]:
    for start in range(0, ITEMS, 100):
        await asyncio.gather(*(suggested(door, agent, start + number) for number in range(100)))
    late: list[str] = []
    people = ["rita", "olga"] * HANDS
    await asyncio.gather(*(drain(door, person, late) for person in people))
    return late


def test_two_reviewers_decide_every_item_once(door: Door, agent: Agent) -> None:
    late = door.run(race(door, agent))
    stats = door.run(door.inbox.views.stats())
    assert stats.states[State.DECIDED] == ITEMS
    assert stats.inbox == {}
    assert late, "nobody raced"

    async def decisions() -> Counter[int]:
        found = Counter[int]()
        for number in range(ITEMS):
            timeline = await door.inbox.views.timeline(f"race_{number:04d}")
            found[sum(isinstance(recorded.event, ev.Decided) for recorded in timeline)] += 1
        return found

    assert door.run(decisions()) == {1: ITEMS}
    assert len(door.run(door.store.listed("examples", 0, -1))) == ITEMS


def test_an_expired_hold_returns_the_item_and_the_late_act_is_refused(
    door: Door, agent: Agent, tickets: Callable[..., Ticket]
) -> None:
    ticket_id = door.run(agent.suggest(tickets(), "card_arrival"))
    with signed_in(door, "rita") as rita, signed_in(door, "olga") as olga:
        seen = version_on(rita.get("/work").text)
        assert "Nothing waits" in olga.get("/work").text
        door.run(door.store.redis.eval(AGE, 0, door.store.prefix, 5 * 60_000 + 1))
        assert f'data-ticket="{ticket_id}"' in olga.get("/work").text
        late = rita.post(f"/tickets/{ticket_id}/approve", data={"version": seen, "then": "work"})
        assert late.status_code == 409
        assert "Not done: it has changed meanwhile" in late.text
        assert "olga" in late.text
        assert door.run(door.inbox.views.ticket(ticket_id)).state is State.SUGGESTED
        done = olga.post(f"/tickets/{ticket_id}/approve", data={"version": seen, "then": "work"})
        assert done.status_code == 303
        again = rita.post(
            f"/tickets/{ticket_id}/approve", data={"version": seen}, headers={"Accept": "application/json"}
        )
        assert again.status_code == 409
        assert "decided by now" in again.json()["notice"]


def test_a_note_that_races_a_decision_moves_nothing(door: Door, agent: Agent, tickets: Callable[..., Ticket]) -> None:
    async def both(ticket_id: str) -> None:
        notes = [door.inbox.note(ticket_id, "olga", f"note {number}") for number in range(20)]
        done = await asyncio.gather(door.inbox.approve(ticket_id, "rita", None), *notes, return_exceptions=True)
        if isinstance(done[0], Stale):  # a note came between its read and its write
            await door.inbox.approve(ticket_id, "rita", None)

    for _ in range(10):
        ticket_id = door.run(agent.suggest(tickets(), "card_arrival"))
        door.run(both(ticket_id))
        assert door.run(door.inbox.views.ticket(ticket_id)).state is State.DECIDED


def test_a_blind_item_shows_no_suggestion_anywhere(door: Door, agent: Agent, tickets: Callable[..., Ticket]) -> None:
    async def blind() -> str:
        claim = await agent.claimed(tickets(body="Something about nothing in particular."))
        await agent.step(claim, 1, "submit_decision")
        decision = agent.decision(claim.ticket, "cash_withdrawal_charge", 0.93, "")
        submitted = ev.DecisionSubmitted(1, decision)
        proposal = {"label": decision["label"], "team": decision["team"], "tier": "m", "version": "v", "blind": True}
        conclusion = Conclusion((submitted,), decision, Priority.NORMAL, unaided=proposal, blind=True)
        await door.ledger.suggest(claim.lease, conclusion)
        return claim.lease.ticket_id

    ticket_id = door.run(blind())
    with signed_in(door, "rita") as rita:
        page = rita.get("/work").text
        assert f'data-ticket="{ticket_id}"' in page
        shown = page.replace('<option value="cash_withdrawal_charge">', "").replace(
            "cash withdrawal charge</option>", ""
        )
        assert "cash_withdrawal_charge" not in shown
        assert "93 %" not in page
        assert "/approve" not in page
        assert "decide blind" in rita.get("/inbox").text
        sent = {"version": version_on(page), "label": "card_arrival"}
        assert rita.post(f"/tickets/{ticket_id}/decide", data=sent).status_code == 303
        assert "cash_withdrawal_charge" in rita.get(f"/tickets/{ticket_id}").text
