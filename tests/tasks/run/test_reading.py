"""Reading replies: one repair turn, then the plan; and what a submission means."""

from typing import Any

import pytest

from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.agent import Agent
from tasks.run.checkpoint import Checkpoint
from tasks.run.messages import ModelReply
from tasks.run.reading import Reader
from tasks.ticket import Priority, Requester, Ticket
from tasks.triage.fields import FieldType, OwnField
from tasks.triage.process import Triage
from tasks.triage.taxonomy import PriorityRule
from tests.fakes.desk import TAXONOMY, TICKET, TRIAGE, search, submission, submit
from tests.fakes.scripted_model import reply, text, tool_use

FRESH, REPAIRED = Checkpoint(), Checkpoint(repairs=1, repaired=1)


def read(said: ModelReply, checkpoint: Checkpoint = FRESH, ticket: Ticket = TICKET, least: float = 0.6) -> list[Any]:
    return Reader(Agent(TRIAGE, {}), ticket, "scripted", least).read(said, checkpoint, 2)


def stopped(said: ModelReply, checkpoint: Checkpoint = FRESH) -> str:
    (event,) = read(said, checkpoint)
    assert isinstance(event, ev.RunStopped)
    assert event.step == 2
    return event.reason


def test_a_valid_submission_is_a_decision_with_the_team_of_its_label() -> None:
    (event,) = read(reply(submit()))
    assert isinstance(event, ev.DecisionSubmitted)
    assert event.decision is not None
    assert (event.decision["team"], event.decision["decided_by"], event.decision["tier"]) == (
        "billing", "agent", "scripted",
    )  # fmt: skip


def test_the_rules_are_applied_to_what_was_read_and_stand_in_the_event_in_words() -> None:
    rule = PriorityRule(customer_tiers=("vip",), priority=Priority.URGENT, person=True)
    ruled = TAXONOMY.model_copy(update={"priority_rules": (rule,)})
    asked = TICKET.model_copy(update={"requester": Requester(id="c-1")})
    looked_up = Checkpoint(context='{"customer": {"tier": "vip"}}')
    (event,) = Reader(Agent(Triage(ruled), {}), asked, "scripted", 0.6).read(reply(submit()), looked_up, 2)
    assert isinstance(event, ev.DecisionSubmitted)
    assert event.decision is not None
    assert event.decision["priority"] == "urgent"
    assert event.raised == event.person == ("the customer is vip",)
    assert Checkpoint().apply(ev.read_event(event.to_json())).person == event.person


def test_without_what_every_decision_needs_the_draft_is_kept_and_the_run_stops() -> None:
    needed = OwnField(name="order", description="d", type=FieldType.TEXT, required=True)
    process = Triage(TAXONOMY.model_copy(update={"fields": (needed,)}))
    offered, stop = Reader(Agent(process, {}), TICKET, "scripted", 0.6).read(reply(submit()), FRESH, 2)
    assert isinstance(offered, ev.DecisionSubmitted)
    assert isinstance(stop, ev.RunStopped)
    assert (stop.reason, stop.detail) == (
        Reason.LOW_CONFIDENCE,
        "no order was found, and every decision needs it",
    )
    said = reply(submit(fields={"order": "A-7"}))
    assert len(Reader(Agent(process, {}), TICKET, "scripted", 0.6).read(said, FRESH, 2)) == 1


def test_calls_beside_a_valid_submission_do_not_matter() -> None:
    (event,) = read(reply(search("a"), submit(), search("b")))
    assert isinstance(event, ev.DecisionSubmitted)


def test_below_its_tiers_confidence_the_proposal_is_kept_and_the_run_stops() -> None:
    proposed, stop = read(reply(submit(confidence=0.59)))
    assert isinstance(proposed, ev.DecisionSubmitted)
    assert (stop.reason, stop.step) == (Reason.LOW_CONFIDENCE, 2)
    assert [event.type for event in read(reply(submit(confidence=0.6)))] == ["decision_submitted"]


def test_tool_calls_alone_need_no_answer_yet() -> None:
    assert read(reply(search("a"))) == []


def test_a_paused_turn_is_no_prose() -> None:
    assert read(reply(text("still thinking"), stop="pause_turn")) == []


@pytest.mark.parametrize("blocks", [(), (text("I would say billing."),), ({"type": "thinking", "thinking": "hm"},)])
def test_prose_is_asked_for_a_decision_once(blocks: tuple[Any, ...]) -> None:
    (event,) = read(reply(*blocks))
    assert isinstance(event, ev.RepairAsked)
    assert event.tool_call_id == ""
    assert stopped(reply(*blocks), REPAIRED) == Reason.NO_DECISION


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"label": "nonsense"}, "not in the taxonomy"),
        ({"evidence": ["never written"]}, "evidence.0"),
        ({"evidence": []}, "evidence"),
        ({"confidence": 1.5}, "confidence"),
        ({"priority": "asap"}, "priority"),
        ({"team": "vip"}, "team"),
    ],
)
def test_an_invalid_decision_is_answered_with_its_fault_once(changed: dict[str, Any], fault: str) -> None:
    (event,) = read(reply(submit("s9", **changed)))
    assert isinstance(event, ev.RepairAsked)
    assert event.tool_call_id == "s9"
    assert fault in event.message
    assert stopped(reply(submit(**changed)), REPAIRED) == Reason.INVALID_DECISION


def test_every_submission_of_a_refused_reply_gets_an_answer() -> None:
    events = read(reply(submit("a", label="nonsense"), submit("b")))
    assert [event.tool_call_id for event in events] == ["a", "b"]


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("max_tokens", Reason.REPLY_TRUNCATED),
        ("refusal", Reason.MODEL_REFUSED),
        ("model_context_window_exceeded", Reason.CONTEXT_EXCEEDED),
        ("simmered_down", Reason.UNKNOWN_STOP),
    ],
)
def test_a_reply_cut_short_is_never_read_even_with_a_whole_submission_in_it(stop: str, reason: Reason) -> None:
    assert stopped(reply(submit(), stop=stop)) == reason


def test_a_quote_copied_from_the_escaped_ticket_counts_and_is_kept_as_the_requester_wrote_it() -> None:
    ticket = Ticket(source="test", subject="", body="I bought 2 <big> things at A&B, charged twice")
    (event,) = read(reply(submit(evidence=["2 &lt;big&gt; things at A&amp;B"])), ticket=ticket)
    assert event.decision["evidence"] == ["2 <big> things at A&B"]


def test_a_quote_of_an_escape_the_requester_typed_stays_as_typed() -> None:
    ticket = Ticket(source="test", subject="", body="your page shows &amp; everywhere")
    (event,) = read(reply(submit(evidence=["shows &amp; every"])), ticket=ticket)
    assert event.decision["evidence"] == ["shows &amp; every"]


def test_a_submission_that_is_no_object_is_an_invalid_decision() -> None:
    (event,) = read(reply(tool_use("s", "submit_decision", [submission()])))
    assert isinstance(event, ev.RepairAsked)
