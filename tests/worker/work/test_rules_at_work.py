"""A rule of the taxonomy holds against a label that has earned autonomy, and the ticket's page says so."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from fallbacks.autonomy.standing import Judgement, Key
from fallbacks.inbox.explain import Explanation, explain
from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.states import State
from fallbacks.ledger.views import TicketView, Views
from tasks.run import events as ev
from tasks.run.limits import Limits
from tasks.ticket import Priority, Requester, Ticket
from tasks.triage.process import Triage
from tasks.triage.taxonomy import PriorityRule
from tests.fakes.desk import TAXONOMY, TICKET, TOOL_TROUBLE, Workshop, submit
from tests.fakes.executors import executor
from tests.fakes.memory_store import MemoryStore
from tests.fakes.scripted_model import ScriptedModel, reply, text
from worker.models.tier import Tier

RULED = TAXONOMY.model_copy(
    update={
        "priority_rules": (
            PriorityRule(customer_tiers=("vip",), priority=Priority.HIGH, person=True),
            PriorityRule(words=("money",), team="access"),
            PriorityRule(words=("twice",), priority=Priority.URGENT),
        )
    }
).checked()
BODY = TICKET.body.replace("money", "cash").replace("twice", "2x")
SUBMITS = [reply(submit(evidence=["charged my card"]))]


async def earned(_: Key) -> Judgement:
    return Judgement(auto=True, blind=False, why="people agreed")


async def audited(_: Key) -> Judgement:
    return Judgement(auto=False, blind=True, why="drawn for the audit")


Worked = tuple[TicketView, Explanation, str]


def work(answer: Any, body: str = BODY, *, judge: Callable[[Key], Awaitable[Judgement]] = earned, **how: Any) -> Worked:
    """One ticket of customer c-1 worked to its rest. answer: the context that is looked up for it."""

    async def worked() -> Worked:
        store, workshop = MemoryStore(), Workshop(answers={"": answer})
        ledger = Ledger(store, Triage(RULED))
        worker = executor(
            ledger,
            (Tier(ScriptedModel(how.get("script", SUBMITS)), 0.5),),
            process=Triage(RULED),
            tools=workshop.tools(),
            judge=judge,
        )
        asked = how.get("priority")
        ticket = Ticket(id="t", source="test", subject="", body=body, requester=Requester(id="c-1"), priority=asked)
        await ledger.accept(ticket, Limits())
        await worker.triage("t")
        views = Views(store)
        view, timeline = await views.ticket("t"), await views.timeline("t")
        said = "; ".join(r.event.why for r in timeline if isinstance(r.event, ev.Suggested | ev.Decided))
        due = None if view.due_by_ms is None else view.due_by_ms - await store.now_ms()
        return (
            replace(view, due_by_ms=due),
            explain(view, await views.checkpoint("t"), timeline, 0, Triage(RULED)),
            said,
        )

    return asyncio.run(worked())


def test_without_a_rule_that_holds_the_label_is_decided_alone() -> None:
    view, card, _ = work({"customer": {"tier": "standard"}})
    assert (view.state, card.rules) == (State.DECIDED, ())


@pytest.mark.parametrize("judge", [earned, audited])
def test_a_vip_waits_for_a_person_with_priority_and_the_proposal_in_sight(judge: Any) -> None:
    view, card, said = work({"customer": {"tier": "vip"}}, judge=judge)
    assert view.decision is not None
    assert (view.state, view.decision["priority"], view.blind) == (State.SUGGESTED, "high", False)
    assert view.due_by_ms == 3600 * 1000
    assert said == "a person must decide: the customer is vip"
    assert card.rules == ("priority raised to high: the customer is vip", said)
    assert view.unaided is not None  # it is evidence like any other


@pytest.mark.parametrize("answer", [TOOL_TROUBLE, {"customer": {"unavailable": "no answer in time"}}])
def test_a_customer_who_could_not_be_looked_up_waits_for_a_person(answer: Any) -> None:
    view, card, said = work(answer)
    assert view.decision is not None
    assert (view.state, view.decision["priority"]) == (State.SUGGESTED, "normal")
    assert card.rules == (said,)
    assert "could not be read, and the rules have one for vip customers" in said


def test_words_of_another_team_than_the_proposed_one_ask_for_a_person() -> None:
    view, _, said = work({}, BODY + " My money!")
    assert view.state is State.SUGGESTED
    assert "which is for access" in said


def test_what_no_model_could_answer_is_as_urgent_as_the_rules_say() -> None:
    prose = [reply(text("Billing, I think."))]
    assert work({"customer": {"tier": "vip"}}, script=prose)[0].due_by_ms == 3600 * 1000
    assert work({"customer": {"tier": "vip"}}, BODY + " twice", script=prose)[0].due_by_ms == 900 * 1000
    assert work({}, script=prose)[0].due_by_ms == 4 * 3600 * 1000
    assert work({}, script=prose, priority=Priority.LOW)[0].due_by_ms == 24 * 3600 * 1000
