"""Adding a message: in every state, once, and what it makes stale cannot be approved any more; on every store."""

import json
from typing import Any

import pytest

from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.errors import ConversationFull, MessageConflict, Stale, UnknownTicket
from fallbacks.inbox.conversations import AddedTo, Bounds, Conversations, Kept
from fallbacks.inbox.endings import UNDO_MS
from fallbacks.inbox.explain import explain
from fallbacks.ledger.attachments import packed_texts
from fallbacks.ledger.ledger import Claim, Conclusion
from fallbacks.ledger.past.leaving import RESTS_MS, Leaving
from fallbacks.ledger.states import Closed, State
from fallbacks.ledger.sums.audit import audit
from fallbacks.store import keys
from tasks.conversation import Message
from tasks.errors import NewMessages
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.checkpoint import fold
from tasks.run.limits import Limits
from tasks.ticket import Attachment, Priority
from tasks.tools.ports import AttachmentText
from tasks.triage.process import HandDecision
from tests.fakes.memory_history import MemoryHistory
from tests.fallbacks.conftest import Play
from tests.fallbacks.inbox.test_close_contract import sent
from tests.fallbacks.inbox.test_correct_contract import decided, delivered
from tests.fallbacks.scene import DECISION, TRIAGE, Scene, scene
from worker.connectors.mail.original import packed

LIMITS = Limits(max_steps=4, max_cost_nanodollars=1000)


def conversations(s: Scene, history: MemoryHistory | None = None, **bounds: Any) -> Conversations:
    return Conversations(s.store, TRIAGE, OutcomeWriter(wanted=True), Bounds(LIMITS, **bounds), history)


def message(message_id: str = "m1", body: str = "It was stolen from my bag.", **fields: Any) -> Message:
    return Message(id=message_id, body=body, **fields)


async def add(s: Scene, message_id: str = "m1", ticket_id: str = "t1", **fields: Any) -> AddedTo:
    return await conversations(s).add(ticket_id, message(message_id, **fields), door="http")


@scene
async def test_a_queued_or_parked_ticket_waits_on_with_the_message(s: Scene) -> None:
    await s.accept()
    assert await add(s) == AddedTo("t1", "m1", State.QUEUED, created=True, works=True)
    assert await s.types() == ["accepted", "message_added"]
    claim = await s.ledger.claim("t1", "w1")
    assert isinstance(claim, Claim)
    await s.ledger.park(claim.lease, (), Reason.MODEL_OVERLOADED, await s.store.now_ms() + 60_000)
    assert (await add(s, "m2")).state is State.PARKED
    assert await s.members("due") == ["t1"]


@scene
async def test_the_same_message_is_added_once_whatever_happened_between(s: Scene) -> None:
    version = await s.suggested()
    assert (await add(s)).created
    again = await add(s)
    assert (again.created, again.state) == (False, State.QUEUED)
    await s.ledger.suggest(await s.claim(), Conclusion((), DECISION, Priority.NORMAL))
    assert (await add(s)).state is State.SUGGESTED
    with pytest.raises(MessageConflict):
        await add(s, body="Something else.")
    assert (await s.types()).count("message_added") == 1
    assert (await s.inbox.views.ticket("t1")).messages == 1
    assert version < await s.version()


@scene
async def test_a_run_hears_of_it_before_its_next_step_and_before_it_ends(s: Scene) -> None:
    lease = await s.running()
    await s.begin(lease, 100)
    await s.end(lease, 10)
    assert (await add(s)).state is State.RUNNING
    started, step = s.ledger.begin_step, ev.StepStarted(2, "c2", "small", 100)
    with pytest.raises(NewMessages):
        await started(lease, step, (), run_cap=None, day_cap=None, heard=0)
    assert (await s.row()).get("rsv") is None
    with pytest.raises(NewMessages):
        await s.ledger.suggest(lease, Conclusion((), DECISION, Priority.NORMAL, heard=0))
    with pytest.raises(NewMessages):
        await s.ledger.decide(lease, Conclusion((), DECISION, Priority.NORMAL, heard=0), ())
    await started(lease, step, (), run_cap=None, day_cap=None, heard=1)
    await s.end(lease, 10, "c2")
    await s.ledger.suggest(lease, Conclusion((), DECISION, Priority.NORMAL, heard=1))
    assert await s.state() is State.SUGGESTED


@scene
async def test_a_suggestion_is_withdrawn_and_its_approval_comes_too_late(s: Scene) -> None:
    version = await s.suggested()
    held = await s.inbox.claim("t1", "ann", version)
    assert await add(s) == AddedTo("t1", "m1", State.QUEUED, created=True, works=True)
    view = await s.inbox.views.ticket("t1")
    assert (view.decision, view.queue, view.holder) == (None, None, None)
    assert await s.members("inbox") == await s.members("inbox:label:lost_card") == []
    with pytest.raises(Stale) as stale:
        await s.inbox.approve("t1", "ann", held.version)
    assert stale.value.state == "queued"
    assert (await s.types())[-2:] == ["message_added", "reopened"]


@scene
async def test_what_is_with_people_stays_there_and_shows_itself_again(s: Scene) -> None:
    version = await s.handed_off()
    await s.inbox.snooze("t1", "ann", version, 3600)
    assert (await add(s)).state is State.HANDED_OFF
    shown = await s.inbox.next("eve")
    assert shown is not None
    assert (shown.id, shown.reason, shown.messages, shown.last_message) == ("t1", Reason.STEP_LIMIT, 1, "m1")
    with pytest.raises(Stale):
        await s.inbox.decide("t1", "eve", version + 1, HandDecision(label="new_loan"))


@scene
async def test_a_decision_stands_while_what_was_added_is_worked(s: Scene) -> None:
    await decided(s)
    assert (await add(s)).works
    view = await s.inbox.views.ticket("t1")
    assert (view.state, view.decision, (view.stands or {})["label"], view.unaided) == (
        State.QUEUED,
        None,
        "lost_card",
        None,
    )
    claim = await s.ledger.claim("t1", "w1")
    assert isinstance(claim, Claim)
    assert claim.stands == view.stands == view.earlier
    await s.ledger.uphold(claim.lease, Conclusion((), None, Priority.NORMAL, heard=1), claim.stands or {})
    view = await s.inbox.views.ticket("t1")
    assert (view.state, (view.decision or {})["decided_by"], view.stands) == (State.DECIDED, "ann", None)
    assert [event for event, _ in await sent(s)] == ["ticket.decided"]


@scene
async def test_a_person_corrects_or_keeps_what_stands(s: Scene) -> None:
    for ticket_id, label, events in (
        ("kept", "lost_card", ["ticket.decided"]),
        ("changed", "new_loan", ["ticket.decided", "ticket.corrected"]),
    ):
        await decided(s, ticket_id)
        await add(s, ticket_id=ticket_id)
        loan = DECISION | {"label": "new_loan", "team": "loans"}
        await s.ledger.suggest(await s.claim(ticket_id), Conclusion((), loan, Priority.NORMAL))
        view = await s.inbox.decide(ticket_id, "eve", None, HandDecision(label=label))
        assert (view.state, view.stands, (view.earlier or {})["label"]) == (State.DECIDED, None, "lost_card")
        outcomes = [(event, data) for event, data in await sent(s) if data["id"] == ticket_id]
        assert [event for event, _ in outcomes] == events
    assert (outcomes[1][1]["earlier"]["label"], outcomes[1][1]["message"]) == ("lost_card", "m1")
    back = await s.inbox.undo("changed", "eve", None)
    assert (back.state, (back.stands or {})["label"]) == (State.SUGGESTED, "lost_card")


@scene
async def test_to_close_what_was_added_leaves_the_decision_as_it_stands(s: Scene) -> None:
    await decided(s)
    await s.pass_ms(UNDO_MS + 1)
    await delivered(s)
    before = await s.row()
    await add(s)
    loan = DECISION | {"label": "new_loan", "team": "loans"}
    offered = (ev.DecisionSubmitted(1, loan),)
    await s.ledger.suggest(await s.claim(), Conclusion(offered, loan, Priority.NORMAL))
    for _ in range(2):
        view = await s.inbox.close("t1", "eve", None, Closed.THANKS)
        timeline = await s.inbox.views.timeline("t1")
        headline = explain(view, fold(timeline), timeline, await s.store.now_ms(), TRIAGE).headline
        assert headline.startswith("ann decided lost_card"), headline
        assert "had suggested" not in headline, "of what was closed"
        assert (view.state, view.decision, view.stands, view.closed) == (
            State.DECIDED,
            json.loads(before["decision"]),
            None,
            None,
        )
        back = await s.inbox.undo("t1", "eve", None)
        assert (back.state, (back.decision or {})["label"], (back.stands or {})["label"], back.delivery) == (
            State.SUGGESTED,
            "new_loan",
            "lost_card",
            "delivered",
        )
    assert await s.members("inbox") == ["t1"]
    assert await sent(s) == []


@scene
async def test_what_was_closed_or_cancelled_is_worked_after_all(s: Scene) -> None:
    await s.inbox.close("t1", "ann", await s.suggested(), Closed.THANKS)
    await s.inbox.cancel(await s.accept("t2"), "ann")
    for ticket_id in ("t1", "t2"):
        assert (await add(s, ticket_id=ticket_id)).works
        view = await s.inbox.views.ticket(ticket_id)
        assert (view.state, view.closed, view.stands, view.undo_until_ms) == (State.QUEUED, None, None, None)
        await s.ledger.suggest(await s.claim(ticket_id), Conclusion((), DECISION, Priority.NORMAL))


@pytest.mark.parametrize("said", ["Thanks a lot!", "I am out of office until Monday."])
def test_thanks_and_machines_change_nothing(play: Play, said: str) -> None:
    async def story(s: Scene) -> None:
        version, automatic = await s.suggested(), "office" in said
        added = await add(s, body=said, automatic=automatic)
        assert (added.state, added.created, added.works) == (State.SUGGESTED, True, False)
        assert (await s.inbox.approve("t1", "ann", version)).state is State.DECIDED
        assert (await add(s, "m2", body=said, automatic=automatic)).state is State.DECIDED
        again = await add(s, "m2", body=said, automatic=automatic)
        assert (again.created, again.state) == (False, State.DECIDED)
        lease = await s.running("t2")
        await add(s, ticket_id="t2", body=said, automatic=automatic)
        await s.ledger.suggest(lease, Conclusion((), DECISION, Priority.NORMAL, heard=0))

    play(story)


@scene
async def test_what_nobody_may_add_to_is_refused(s: Scene) -> None:
    with pytest.raises(UnknownTicket):
        await add(s)
    await s.ledger.reject("bad", "cmF3", "no subject", "intake")
    with pytest.raises(ValueError, match="could not be read"):
        await add(s, ticket_id="bad")
    await s.suggested("probe")
    await s.store.put(keys.PROBES, {"probe": "{}"})
    with pytest.raises(UnknownTicket):
        await add(s, ticket_id="probe")


@scene
async def test_a_conversation_has_a_largest_size(s: Scene) -> None:
    await s.accept()
    small = conversations(s, chars=1000)
    await small.add("t1", message(body="x" * 900), door="http")
    with pytest.raises(ConversationFull):
        await small.add("t1", message("m2", body="x" * 100), door="http")
    assert await s.types() == ["accepted", "message_added"]


@scene
async def test_two_machines_that_answer_each_other_go_to_people(s: Scene) -> None:
    bounds = conversations(s, per_hour=2)
    for ticket_id, act in (("queued", s.accept), ("suggested", s.suggested), ("decided", lambda one: decided(s, one))):
        await act(ticket_id)
        for n in range(3):
            added = await bounds.add(ticket_id, message(f"m{n}"), door="http")
        assert added.state is State.HANDED_OFF, ticket_id
        view = await s.inbox.views.ticket(ticket_id)
        assert (view.reason, view.messages) == (Reason.MESSAGE_LOOP, 3)
        assert view.queue == "limits"
    assert [event for event, _ in await sent(s)].count("ticket.handed_off") == 2  # what stands goes on standing
    assert len(await s.members("inbox:reason:message_loop")) == 3


@scene
async def test_its_limits_are_fresh_and_bounded_by_what_the_ticket_may_cost(s: Scene) -> None:
    lease = await s.running(limits=LIMITS)
    await s.begin(lease, 900)
    await s.end(lease, 800)
    await s.ledger.suggest(lease, Conclusion((), DECISION, Priority.NORMAL))
    await conversations(s, ticket_cost_nanodollars=1200).add("t1", message(), door="http")
    limits = (await s.inbox.views.ticket("t1")).limits
    assert (limits.max_cost_nanodollars, limits.max_steps) == (1200, 5)


def test_a_message_brings_a_ticket_back_from_history_and_is_known_there(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        history = MemoryHistory()
        await decided(s)
        talk = conversations(s, history)
        kept = Kept(packed(b"Subject: Re"), packed_texts({1: AttachmentText("12 November")}))
        file = (Attachment(name="letter.txt"),)
        await talk.add("t1", message(body="thanks"), door="http")
        await talk.add("t1", message("m0", automatic=True, attachments=file), door="mail", kept=kept)
        await s.pass_ms(RESTS_MS + 1)
        await delivered(s)
        assert (await Leaving(s.store, history, TRIAGE).round()).left == 1
        assert await s.store.fields("messages:t1") == await s.store.fields("original:t1") == {}
        assert await talk.views.original("t1", "m0") == b"Subject: Re"
        assert not (await talk.add("t1", message(body="thanks"), door="http")).created
        added = await talk.add("t1", message("m2"), door="http")
        assert (added.state, added.works) == (State.QUEUED, True)
        assert await s.store.fields("original:t1") == {"zlib:m0": kept.original, "attached:m0": kept.attached}
        assert (await talk.views.attachment_texts("t1"))[1].text == "12 November"
        assert [json.loads(event)["type"] for event in await s.store.journal("t1")][-2:] == [
            "message_added",
            "reopened",
        ]
        assert (await audit(s.store)).problems == ()

    play_for_real(story)
