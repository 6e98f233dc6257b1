"""Correcting a decision that stands: the one before it stays known, upstream and the evidence are set right."""

import json

import pytest

from fallbacks.delivery.outbox import payload
from fallbacks.delivery.outcomes import Outcome, OutcomeWriter
from fallbacks.errors import Stale
from fallbacks.inbox.inbox import Inbox
from fallbacks.ledger.ledger import Conclusion
from fallbacks.ledger.past.examples import Examples
from fallbacks.ledger.past.leaving import RESTS_MS, Leaving
from fallbacks.ledger.states import State
from fallbacks.ledger.sums.audit import audit
from fallbacks.store import keys
from tasks.errors import InvalidDecision
from tasks.ticket import Priority
from tasks.triage.process import HandDecision
from tests.fakes.memory_history import MemoryHistory
from tests.fallbacks.conftest import Play
from tests.fallbacks.inbox.test_close_contract import evidence, sent, suggested_alone
from tests.fallbacks.scene import DECISION, TRIAGE, Scene, message, scene

LOAN = HandDecision(label="new_loan")
CARD = HandDecision(label="lost_card")


async def decided(s: Scene, ticket_id: str = "t1") -> int:
    return (await s.inbox.approve(ticket_id, "ann", await suggested_alone(s, ticket_id))).version


async def decided_alone(s: Scene, ticket_id: str = "t1") -> int:
    """By the agent, which had the right to."""
    made = {"label": "lost_card", "team": "cards", "tier": "small", "version": "v1", "blind": False}
    conclusion = Conclusion((), DECISION, Priority.NORMAL, "earned", made)
    await s.ledger.decide(await s.running(ticket_id), conclusion, message())
    return await s.version(ticket_id)


@scene
async def test_the_new_decision_stands_and_the_earlier_one_is_kept(s: Scene) -> None:
    view = await s.inbox.correct("t1", "eve", await decided(s), LOAN, "they want a loan")
    assert view.decision is not None
    assert view.earlier is not None
    assert (view.state, view.decision["label"], view.decision["decided_by"]) == (State.DECIDED, "new_loan", "eve")
    assert (view.decision["rationale"], view.earlier["label"]) == ("they want a loan", "lost_card")
    event = json.loads((await s.store.journal("t1"))[-1])
    assert (event["type"], event["action"], event["by"], event["why"]) == (
        "decided",
        "correct",
        "eve",
        "they want a loan",
    )
    assert (await s.row())["label"] == "new_loan"


@scene
async def test_upstream_gets_both_decisions_under_the_next_sequence(s: Scene) -> None:
    version = await decided(s)
    await s.inbox.correct("t1", "eve", version, LOAN, "why")
    first, second = await sent(s)
    assert (first[0], second[0]) == ("ticket.decided", "ticket.corrected")
    assert (second[1]["decision"]["label"], second[1]["earlier"]["label"], second[1]["reason"]) == (
        "new_loan",
        "lost_card",
        "why",
    )
    rows = [await s.store.fields(keys.message(message_id)) for message_id in await s.members("outbox")]
    assert sorted(row["sequence"] for row in rows) == ["1", "2"]


@scene
async def test_what_does_not_stand_or_does_not_change_is_refused(s: Scene) -> None:
    await s.suggested("waiting")
    with pytest.raises(Stale):
        await s.inbox.correct("waiting", "ann", None, LOAN, "why")
    version = await decided(s)
    with pytest.raises(Stale):
        await s.inbox.correct("t1", "ann", version - 1, LOAN, "why")
    with pytest.raises(ValueError, match="decided so already"):
        await s.inbox.correct("t1", "ann", version, CARD, "why")
    with pytest.raises(InvalidDecision):
        await s.inbox.correct("t1", "ann", version, HandDecision(label="no_such"), "why")
    urgent = await s.inbox.correct("t1", "ann", version, CARD.model_copy(update={"priority": Priority.URGENT}), "why")
    assert (urgent.decision or {})["priority"] == "urgent"


@scene
async def test_a_correction_can_be_undone_and_the_decision_before_it_stands_again(s: Scene) -> None:
    version = await decided(s)
    await s.pass_ms(10_001)
    for message_id in await s.members("outbox"):
        await s.store.run("settle_outbox", "t1", message_id, "delivered", 0)
    corrected = await s.inbox.correct("t1", "eve", version, LOAN, "why")
    assert corrected.delivery == "pending"
    back = await s.inbox.undo("t1", "eve", corrected.version)
    assert back.decision is not None
    assert (back.state, back.decision["label"], back.decision["decided_by"]) == (State.DECIDED, "lost_card", "ann")
    assert (back.earlier, back.delivery, await sent(s)) == (None, "delivered", [])
    assert await evidence(s) == (1, 1)


@scene
async def test_the_evidence_says_what_stands(s: Scene) -> None:
    await s.inbox.correct("a", "eve", await decided(s, "a"), LOAN, "why")
    assert await evidence(s) == (1, 0)
    await s.inbox.correct("a", "eve", None, CARD, "it was right")
    assert await evidence(s) == (1, 1)
    await s.inbox.correct("b", "eve", await decided_alone(s, "b"), LOAN, "why")
    assert await evidence(s) == (2, 1)


@scene
async def test_the_training_examples_say_what_stands(s: Scene) -> None:
    await s.inbox.correct("a", "eve", await decided(s, "a"), LOAN, "why")
    await decided(s, "b")
    await s.inbox.correct("c", "eve", await decided_alone(s, "c"), LOAN, "why")
    found = [json.loads(stored) async for stored in Examples(s.store, TRIAGE).standing()]
    assert [(row["id"], row["label"]) for row in found] == [("a", "new_loan"), ("b", "lost_card"), ("c", "new_loan")]


@scene
async def test_a_judged_probe_is_not_corrected(s: Scene) -> None:
    await decided(s)
    await s.store.put("t:t1", {"probe": "missed"})
    with pytest.raises(ValueError, match="probe"):
        await s.inbox.correct("t1", "ann", None, LOAN, "why")


def test_a_ticket_in_history_comes_back_to_be_corrected_and_leaves_again(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        history = MemoryHistory()
        leaving = Leaving(s.store, history, TRIAGE)
        inbox = Inbox(s.store, TRIAGE, OutcomeWriter(wanted=True), history=history)
        await decided(s)
        lease = await s.running("t2")
        await s.begin(lease, 100)
        await s.end(lease, 30)
        await s.ledger.decide(lease, Conclusion((), DECISION, Priority.NORMAL), ())
        await s.pass_ms(RESTS_MS + 1)
        await delivered(s)
        before = await s.store.journal("t2"), (await s.row("t2"))["spent"]
        assert (await leaving.round()).left == 2
        shown = await inbox.views.ticket("t2")
        with pytest.raises(Stale):
            await inbox.correct("t2", "eve", shown.version + 1, LOAN, "why")
        assert await s.row("t2") == {}
        view = await inbox.correct("t2", "eve", shown.version, LOAN, "why")
        assert ((view.decision or {})["label"], (view.earlier or {})["label"]) == ("new_loan", "lost_card")
        assert (await s.store.journal("t2"))[:-1] == before[0]
        assert (await s.row("t2"))["spent"] == before[1] == "30"
        report = await audit(s.store)
        assert (report.problems, report.archived, report.archived_spent) == ((), 1, 0)
        assert (await leaving.round()).left == 0  # it can be undone
        await s.pass_ms(10_001)
        await delivered(s)
        assert (await leaving.round()).left == 1
        assert ((await inbox.views.ticket("t2")).decision or {})["label"] == "new_loan"
        report = await audit(s.store)
        assert (report.problems, report.archived, report.archived_spent) == ((), 2, 30)

    play_for_real(story)


def test_a_correction_whose_texts_are_long_still_fits_a_webhook() -> None:
    long = DECISION | {"summary": "s" * 500, "rationale": "ü" * 2000, "evidence": ["ü" * 500] * 5}
    (entry,) = OutcomeWriter(wanted=True).entries(
        Outcome.CORRECTED, "t1", "http", {"decision": long, "earlier": long, "reason": "why" * 600}
    )
    sent = payload(entry.body, 2)
    assert len(sent.encode()) < 20_000
    assert json.loads(sent)["data"]["truncated"][0] == "earlier.evidence"
    assert json.loads(sent)["data"]["decision"]["rationale"]


async def delivered(s: Scene) -> None:
    for message_id, flat in await s.store.run("take_outbox", "", 100, 1000):
        row = dict(zip(flat[::2], flat[1::2], strict=True))
        await s.store.run("settle_outbox", row["ticket"], message_id, "delivered", 0)
