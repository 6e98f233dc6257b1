"""A submission becomes a decision only when every field keeps the contract."""

from typing import Any

import pytest

from tasks.errors import InvalidDecision
from tasks.ticket import Ticket
from tasks.triage.decision import read_suggestion
from tasks.triage.taxonomy import Label, Taxonomy, Team

TAXONOMY = Taxonomy(
    teams=(Team(name="cards", description="c"), Team(name="fraud", description="f")),
    labels=(
        Label(name="lost_card", description="l", team="fraud"),
        Label(name="new_card", description="n", team="cards"),
    ),
)
TICKET = Ticket(source="test", subject="Help", body="I lost my\n card  yesterday. Please block it.")
GOOD: dict[str, Any] = {
    "label": "lost_card",
    "priority": "normal",
    "summary": "Lost card.",
    "rationale": "They say so.",
    "evidence": ["I lost my card yesterday."],
    "confidence": 0.9,
}


def test_a_good_submission_becomes_a_decision_with_the_labels_team() -> None:
    decision = read_suggestion(GOOD, TICKET, TAXONOMY, "tier-1")
    assert (decision.label, decision.team, decision.decided_by, decision.tier) == (
        "lost_card",
        "fraud",
        "agent",
        "tier-1",
    )


def test_white_space_is_not_part_of_a_quote_but_every_character_is() -> None:
    read_suggestion({**GOOD, "evidence": ["lost   my card\tyesterday"]}, TICKET, TAXONOMY, "t")
    with pytest.raises(InvalidDecision, match=r"evidence\.0: not a verbatim quote"):
        read_suggestion({**GOOD, "evidence": ["I lost my Card"]}, TICKET, TAXONOMY, "t")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"label": "stolen_card"}, "label: 'stolen_card' is not in the taxonomy"),
        ({"team": "cards"}, "team: Extra inputs are not permitted"),
        ({"priority": "asap"}, "priority: Input should be"),
        ({"confidence": 1.2}, "confidence: "),
        ({"confidence": float("nan")}, "confidence: "),
        ({"evidence": []}, "evidence: "),
        ({"evidence": ["I"] * 6}, "evidence: "),
        ({"evidence": ["the customer lost it"]}, "evidence.0: not a verbatim quote"),
        ({"evidence": ["I lost", " \n"]}, "evidence.1: not a verbatim quote"),
        ({"summary": ""}, "summary: "),
        ({"rationale": "x" * 2001}, "rationale: "),
    ],
)
def test_a_fault_is_named_by_its_field(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(InvalidDecision) as refused:
        read_suggestion({**GOOD, **change}, TICKET, TAXONOMY, "t")
    assert fault in str(refused.value)


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(InvalidDecision, match=r"label: .*; evidence\.0: "):
        read_suggestion({**GOOD, "label": "x", "evidence": ["nowhere"]}, TICKET, TAXONOMY, "t")
    with pytest.raises(InvalidDecision, match=r"summary: .*; confidence: "):
        read_suggestion({**GOOD, "summary": "", "confidence": 7}, TICKET, TAXONOMY, "t")


@pytest.mark.parametrize("arguments", [None, "lost_card", [], 3, {}])
def test_what_is_not_a_submission_at_all_is_refused(arguments: object) -> None:
    with pytest.raises(InvalidDecision):
        read_suggestion(arguments, TICKET, TAXONOMY, "t")
