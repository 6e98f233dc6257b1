"""The rules outrank the model: they raise a priority, and keep a decision for a person, and say why."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.ticket import Priority, Requester, Ticket
from tasks.triage.rules import customer_tier, ruled
from tasks.triage.taxonomy import Label, PriorityRule, Taxonomy, Team

URGENT, HIGH, NORMAL, LOW = Priority.URGENT, Priority.HIGH, Priority.NORMAL, Priority.LOW
WORDS = (
    PriorityRule(words=("stolen", "identity theft", "c++"), priority=URGENT),
    PriorityRule(words=("soon",), priority=HIGH),
)
VIP = PriorityRule(customer_tiers=("VIP", "Gold"), priority=HIGH, person=True)


def taxonomy(*rules: PriorityRule) -> Taxonomy:
    return Taxonomy(
        teams=(Team(name="cards", description="c"), Team(name="fraud", description="f")),
        labels=(
            Label(name="lost_card", description="l", team="fraud"),
            Label(name="new_card", description="n", team="cards"),
        ),
        priority_rules=rules,
    ).checked()


def ticket(body: str = "hello", customer: str | None = "c-1", priority: Priority | None = None) -> Ticket:
    requester = Requester(id=customer) if customer else None
    return Ticket(source="test", subject="", body=body, requester=requester, priority=priority)


def record(tier: Any) -> str:
    return json.dumps({"customer": {"tier": tier, "country": "GB"}, "recent_tickets": []})


@pytest.mark.parametrize(
    ("text", "priority"),
    [
        ("it was STOLEN!", URGENT),
        ("identity theft", URGENT),
        ("my c++ card", URGENT),
        ("unstolen stolens", LOW),
        ("soon", HIGH),
        ("soon it was stolen", URGENT),
        ("nothing", LOW),
    ],
)
def test_a_rule_raises_the_priority_on_whole_words_in_any_case(text: str, priority: Priority) -> None:
    assert ruled(LOW, "cards", ticket(text), taxonomy(*WORDS), None).priority is priority


@given(st.sampled_from(Priority), st.none() | st.sampled_from(Priority), st.sampled_from(["x", "soon", "stolen"]))
def test_nothing_lowers_a_priority(proposed: Priority, upstream: Priority | None, word: str) -> None:
    ruling, order = ruled(proposed, "cards", ticket(word, None, upstream), taxonomy(*WORDS, VIP), None), list(Priority)
    assert order.index(ruling.priority) >= order.index(proposed)
    assert upstream is None or order.index(ruling.priority) >= order.index(upstream)
    assert bool(ruling.raised) == (ruling.priority is not proposed)
    assert ruling.person == ()


def test_it_says_why_a_priority_is_raised_and_nothing_where_it_is_not() -> None:
    assert ruled(LOW, "", ticket("STOLEN"), taxonomy(*WORDS), None).raised == ("the ticket says “STOLEN”",)
    assert ruled(URGENT, "", ticket("stolen"), taxonomy(*WORDS), None).raised == ()
    asked = ruled(LOW, "", ticket(priority=HIGH), taxonomy(*WORDS), None)
    assert asked.raised == ("the sender asked for high",)


@pytest.mark.parametrize("tier", ["vip", "VIP", " gold "])
def test_a_customer_of_the_tier_is_at_least_that_and_a_persons(tier: str) -> None:
    ruling = ruled(NORMAL, "cards", ticket(), taxonomy(VIP), record(tier))
    assert (ruling.priority, ruling.raised, ruling.person) == (HIGH, ruling.person, (f"the customer is {tier}",))
    assert ruled(URGENT, "cards", ticket(), taxonomy(VIP), record(tier)).priority is URGENT


@pytest.mark.parametrize(
    ("asked", "context"),
    [
        (ticket(), record("standard")),
        (ticket(), record("")),
        (ticket(), "{}"),  # the directory knows no such customer
        (ticket(customer=None), None),
        (ticket("I am a VIP customer", None), '{"error": "no context"}'),
    ],
)
def test_a_customer_who_is_not_of_the_tier_is_the_agents(asked: Ticket, context: str | None) -> None:
    ruling = ruled(NORMAL, "cards", asked, taxonomy(VIP), context)
    assert (ruling.priority, ruling.person) == (NORMAL, ())


@pytest.mark.parametrize(
    "context",
    [
        None,
        "",
        "not JSON",
        "[]",
        '{"error": "too long"}',
        '{"customer": {"unavailable": "no answer in time"}}',
        '{"customer": "vip"}',
        record(["vip"]),
    ],
)
def test_where_the_record_cannot_be_read_a_person_decides_and_nothing_is_raised(context: str | None) -> None:
    ruling = ruled(NORMAL, "cards", ticket(), taxonomy(VIP), context)
    (why,) = ruling.person
    assert (ruling.priority, ruling.raised) == (NORMAL, ())
    assert "could not be read" in why
    assert "VIP or Gold" in why
    assert customer_tier(ticket(), context) is None
    assert ruled(NORMAL, "cards", ticket(), taxonomy(*WORDS), context).person == ()


def test_a_rule_with_words_and_tiers_needs_both() -> None:
    both = taxonomy(PriorityRule(words=("refund",), customer_tiers=("vip",), person=True))
    assert ruled(LOW, "", ticket("refund"), both, record("vip")).person == (
        "the ticket says “refund” and the customer is vip",
    )
    assert ruled(LOW, "", ticket("hello"), both, record("vip")).person == ()
    assert ruled(LOW, "", ticket("refund"), both, record("plus")).person == ()
    assert ruled(LOW, "", ticket("hello"), both, None).person == ()


def test_words_of_a_team_keep_a_proposal_for_another_team_for_a_person() -> None:
    hacked = taxonomy(PriorityRule(words=("hacked",), team="fraud"))
    assert ruled(LOW, "fraud", ticket("hacked"), hacked, None).person == ()
    (why,) = ruled(LOW, "cards", ticket("hacked"), hacked, None).person
    assert why == "the ticket says “hacked”, which is for fraud, and another team is suggested"


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ({"priority": "high"}, "needs words or customer_tiers"),
        ({"words": ["x"]}, "needs a priority, a team or person"),
        ({"words": ["x"], "person": False}, "needs a priority, a team or person"),
        ({"words": ["x"], "person": "often"}, "valid boolean"),
        ({"customer_tiers": ["x" * 41], "person": True}, "at most 40"),
        ({"customer_tiers": [" "], "person": True}, "at least 1"),
    ],
)
def test_a_rule_that_says_nothing_is_refused(rule: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        PriorityRule.model_validate(rule)
