"""A taxonomy that contradicts itself is refused with the path of the entry; an equal one has an equal version."""

import pytest
from pydantic import ValidationError

from tasks.errors import InvalidTaxonomy
from tasks.ticket import Priority
from tasks.triage.fields import FieldType, OwnField
from tasks.triage.taxonomy import Label, PriorityRule, Taxonomy, Team

CARDS = Team(name="cards", description="Cards.")
LOST = Label(name="lost", description="Lost.", team="cards")
FOUND = Label(name="found", description="Found.", team="cards")


RULE = PriorityRule(words=("x",), priority=Priority.HIGH)


def taxonomy(
    teams: tuple[Team, ...] = (CARDS,),
    labels: tuple[Label, ...] = (LOST, FOUND),
    rules: tuple[PriorityRule, ...] = (),
) -> Taxonomy:
    return Taxonomy(teams=teams, labels=labels, priority_rules=rules)


def field(name: str) -> OwnField:
    return OwnField(name=name, description="d", type=FieldType.TEXT)


def test_a_consistent_taxonomy_checks_to_itself_and_finds_labels_by_name() -> None:
    checked = taxonomy().checked()
    assert checked.by_name == {"lost": LOST, "found": FOUND}


@pytest.mark.parametrize(
    ("broken", "path"),
    [
        (taxonomy(teams=(CARDS, CARDS)), ("teams", 1, "name")),
        (taxonomy(labels=(LOST, FOUND, LOST)), ("labels", 2, "name")),
        (taxonomy().model_copy(update={"fields": (field("a"), field("a"))}), ("fields", 1, "name")),
        (taxonomy().model_copy(update={"fields": (field("label"),)}), ("fields", 0, "name")),
        (taxonomy(labels=(LOST, FOUND.model_copy(update={"team": "nobody"}))), ("labels", 1, "team")),
        (taxonomy(rules=(RULE, PriorityRule(words=("x",), team="nobody"))), ("priority_rules", 1, "team")),
    ],
)
def test_a_contradiction_is_refused_with_the_path_of_the_entry(broken: Taxonomy, path: tuple[str | int, ...]) -> None:
    with pytest.raises(InvalidTaxonomy) as refused:
        broken.checked()
    assert refused.value.path == path


@pytest.mark.parametrize("name", ["Refund_not_showing_up", "reverted_card_payment?", "a", "4-digit.pin", "x" * 80])
def test_names_found_in_the_wild_are_names(name: str) -> None:
    assert Team(name=name, description="d").name == name


@pytest.mark.parametrize("name", ["", "_x", "two words", "a\nb", "x" * 81, "naïve", "a/b", '"'])
def test_names_that_could_break_a_prompt_or_a_path_are_not(name: str) -> None:
    with pytest.raises(ValidationError):
        Team(name=name, description="d")


def test_one_label_or_no_team_is_no_taxonomy() -> None:
    with pytest.raises(ValidationError, match="labels"):
        taxonomy(labels=(LOST,))
    with pytest.raises(ValidationError, match="teams"):
        taxonomy(teams=())


def test_the_version_follows_the_content() -> None:
    assert taxonomy().version == taxonomy().version
    reworded = LOST.model_copy(update={"description": "Lost or stolen."})
    held = taxonomy(rules=(RULE.model_copy(update={"person": True}),))
    asked = taxonomy().model_copy(update={"fields": (field("order"),)})
    several = taxonomy().model_copy(update={"further_labels": 1})
    different = (taxonomy(), taxonomy(labels=(reworded, FOUND)), taxonomy(rules=(RULE,)), held, asked, several)
    assert len({each.version for each in different}) == 6


def test_examples_are_no_part_of_the_version() -> None:
    shown = LOST.model_copy(update={"examples": ("Where is my card?",)})
    assert taxonomy(labels=(shown, FOUND)).version == taxonomy().version


def test_a_taxonomy_that_uses_no_newer_field_keeps_the_version_it_always_had() -> None:
    assert taxonomy(rules=(RULE,)).version == "18af17d67723"


def test_one_label_at_most_says_that_none_fits_and_it_routes_nothing() -> None:
    neither = FOUND.model_copy(update={"none_of_these": True})
    flagged = taxonomy(labels=(LOST, neither)).checked()
    assert flagged.team_of == {"lost": "cards", "found": ""}
    assert flagged.version != taxonomy().version
    with pytest.raises(InvalidTaxonomy, match="only one"):
        taxonomy(labels=(LOST.model_copy(update={"none_of_these": True}), neither)).checked()
