"""Triage as the rails and the inbox see it."""

from typing import Any

import pytest
from pydantic import ValidationError

from tasks.errors import InvalidDecision
from tasks.run.messages import SUBMIT
from tasks.run.process import Process
from tasks.ticket import Priority, Requester
from tasks.triage.process import NO_LABEL_FITS, HandDecision, Triage
from tasks.triage.taxonomy import PriorityRule, Taxonomy
from tests.fakes.desk import TAXONOMY, TICKET, TRIAGE, submission

RULE = PriorityRule(customer_tiers=("vip",), priority=Priority.URGENT, person=True)
RULED = Triage(TAXONOMY.model_copy(update={"priority_rules": (RULE,)}))
VIP, CONTEXT = TICKET.model_copy(update={"requester": Requester(id="c-1")}), '{"customer": {"tier": "vip"}}'
SUGGESTED = TRIAGE.read(submission(), TICKET, "m", None, None).result


def by_hand(suggested: dict[str, Any] | None, **given: Any) -> dict[str, Any]:
    return TRIAGE.by_hand(TICKET, suggested, HandDecision(**given), "ada")


def test_it_is_a_process() -> None:
    process: Process = TRIAGE
    assert (process.name, process.terminal.name) == ("triage", SUBMIT)


def test_the_rules_outrank_the_model_in_what_is_read_and_hold_where_none_answered() -> None:
    found = RULED.read(submission(), VIP, "m", CONTEXT, None)
    assert found.result["priority"] == found.priority == Priority.URGENT
    assert found.raised == found.person == ("the customer is vip",)
    assert RULED.priority(VIP, CONTEXT) is Priority.URGENT
    assert RULED.priority(TICKET, None) is Priority.NORMAL


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(InvalidDecision, match=r"label: .*; evidence\.0"):
        TRIAGE.read(submission(label="x", evidence=["never said"]), TICKET, "m", None, None)


def test_the_inbox_filters_by_every_facet_that_a_result_has() -> None:
    facets = TRIAGE.facets(SUGGESTED)
    assert facets == {"label": "duplicate_charge", "team": "billing"}
    assert all(value in TRIAGE.facet_values[name] for name, value in facets.items())
    assert facets.keys() == TRIAGE.facet_values.keys()


def test_a_person_may_give_the_label_alone() -> None:
    alone = by_hand(None, label="password_reset")
    assert (alone["team"], alone["priority"], alone["tier"]) == ("access", "normal", "person")
    assert (alone["decided_by"], alone["confidence"], alone["rationale"]) == ("ada", 1.0, "Decided by ada.")
    edited = by_hand(SUGGESTED, label="password_reset", priority="high")
    assert (edited["priority"], edited["summary"]) == ("high", SUGGESTED["summary"])
    assert not TRIAGE.agrees(SUGGESTED, edited)
    assert TRIAGE.agrees(SUGGESTED, by_hand(SUGGESTED, label=TRIAGE.key(SUGGESTED), priority="low"))


def test_a_person_is_held_to_the_taxonomy() -> None:
    with pytest.raises(InvalidDecision, match="'nonsense' is not in the taxonomy"):
        by_hand(None, label="nonsense")
    with pytest.raises(ValidationError):
        by_hand(None, label="password_reset", team="vip")


def test_what_a_digit_picks_can_be_given_by_hand() -> None:
    (choice,) = TRIAGE.likely(TICKET, SUGGESTED, None, {})
    assert (choice.name, choice.detail) == ("password_reset", "access")
    assert by_hand(SUGGESTED, **choice.given)["label"] == "password_reset"


def test_a_mistaken_copy_differs_in_label_team_and_their_names_alone() -> None:
    true = {**SUGGESTED, "rationale": "duplicate charge, so billing"}
    wrong = TRIAGE.mistaken(true, lambda names: names[0])
    assert wrong is not None
    assert not TRIAGE.agrees(true, wrong)
    assert (wrong["team"], wrong["rationale"]) == ("access", "password reset, so access")
    assert wrong["summary"] == true["summary"]
    assert TRIAGE.mistaken({**true, "label": "gone"}, lambda names: names[0]) is None


def test_the_headline_stands_inside_a_sentence() -> None:
    assert TRIAGE.headline(SUGGESTED) == "duplicate_charge for billing"


def test_that_no_label_fits_is_for_a_person_and_says_so_to_the_model() -> None:
    labels = tuple(
        each.model_copy(update={"none_of_these": each.name == "duplicate_charge"}) for each in TAXONOMY.labels
    )
    triage = Triage(Taxonomy(teams=TAXONOMY.teams, labels=labels))
    assert TRIAGE.fits(SUGGESTED)
    assert not triage.fits(SUGGESTED)
    assert triage.read(submission(), TICKET, "m", None, None).person == (NO_LABEL_FITS,)
    assert "where no other label fits" in triage.system("")
    assert "where no other label fits" not in TRIAGE.system("")
