"""Triage as the rails and the inbox see it."""

from typing import Any

import pytest
from pydantic import ValidationError

from tasks.errors import InvalidDecision
from tasks.run.messages import SUBMIT
from tasks.run.process import Process
from tasks.ticket import Priority, Requester
from tasks.triage.fields import FieldType, OwnField
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


EXTENDED = TAXONOMY.model_copy(
    update={
        "fields": (
            OwnField(name="order", description="o", type=FieldType.TEXT, pattern=r"A-\d+", required=True),
            OwnField(name="language", description="l", type=FieldType.ENUM, values=("en", "de")),
        ),
        "further_labels": 1,
    }
).checked()
FIELDS = Triage(EXTENDED)


def read_with(**changed: Any) -> dict[str, Any]:
    return FIELDS.read(submission(**changed), TICKET, "m", None, None).result


def hand(suggested: dict[str, Any] | None, **typed: str) -> dict[str, Any]:
    given = HandDecision.model_validate(FIELDS.typed({"label": "duplicate_charge", **typed}))
    return FIELDS.by_hand(TICKET, suggested, given, "ada")


def test_fields_and_further_labels_are_read_where_the_taxonomy_has_them() -> None:
    found = FIELDS.read(
        submission(fields={"order": "A-7", "language": None}, further_labels=["password_reset"]),
        TICKET,
        "m",
        None,
        None,
    )
    assert (found.result["fields"], found.result["further_labels"]) == ({"order": "A-7"}, ["password_reset"])
    assert found.missing == ()
    assert FIELDS.shown(found.result)["order"] == "A-7"
    assert FIELDS.cells(found.result) == {"order": "A-7", "language": "", "further_labels": "password_reset"}
    assert FIELDS.read(submission(), TICKET, "local", None, None).missing == ("order",)
    with pytest.raises(InvalidDecision, match=r"fields\.order: does not match .*; further_labels: 'x' is not"):
        read_with(fields={"order": "7"}, further_labels=["x"])


def test_without_them_nothing_is_different() -> None:
    assert SUGGESTED.keys() == submission().keys() | {"team", "decided_by", "tier"}
    assert TRIAGE.columns == ()
    assert TRIAGE.terminal.input_schema["properties"].keys() == submission().keys()
    assert "Fields" not in TRIAGE.system("")
    assert "- order: o" in FIELDS.system("")
    with pytest.raises(InvalidDecision, match="fields: Extra inputs"):
        TRIAGE.read(submission(fields={}), TICKET, "m", None, None)
    with pytest.raises(InvalidDecision, match="there is no such field"):
        by_hand(SUGGESTED, label="password_reset", fields={"order": "A-7"})


def test_a_person_keeps_changes_and_empties_what_was_suggested() -> None:
    suggested = read_with(fields={"order": "A-7", "language": "en"}, further_labels=["password_reset"])
    assert hand(suggested)["fields"] == suggested["fields"]
    assert hand(suggested)["further_labels"] == ["password_reset"]
    changed = hand(suggested, **{"fields.language": "", "fields.order": "A-8", "fields.further_labels": ""})
    assert (changed["fields"], changed["further_labels"]) == ({"order": "A-8"}, [])
    with pytest.raises(InvalidDecision, match="every decision needs order") as refused:
        hand(None)
    assert refused.value.field == "fields.order"
    with pytest.raises(InvalidDecision, match=r"fields\.language: is not one of"):
        hand(suggested, **{"fields.language": "fr"})
    gone = {**suggested, "fields": {"order": "A-7", "colour": "red", "language": "fr"}}
    assert hand(gone)["fields"] == {"order": "A-7"}  # what the taxonomy no longer takes


def test_a_changed_value_is_a_disagreement_and_an_added_one_is_not() -> None:
    suggested = read_with(fields={"order": "A-7"})
    assert FIELDS.agrees(suggested, hand(suggested, **{"fields.language": "de"}))
    assert not FIELDS.agrees(suggested, hand(suggested, **{"fields.order": "A-8"}))
    assert FIELDS.agrees(suggested, FIELDS.facets(suggested))  # evidence from before there were fields


def test_a_mistaken_copy_names_no_label_twice() -> None:
    wrong = FIELDS.mistaken(
        read_with(fields={"order": "A-7"}, further_labels=["password_reset"]), lambda names: names[0]
    )
    assert wrong is not None
    assert (wrong["label"], wrong["further_labels"]) == ("password_reset", [])
