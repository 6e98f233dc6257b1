"""What the digits stand for: similar tickets, then shared words, then the suggested label's team, most used first."""

from tasks.ticket import Ticket
from tasks.triage.likely import MOST, likely_labels
from tasks.triage.taxonomy import Label, Taxonomy, Team

NAMES = ("card_arrival", "card_lost", "refund", *(f"other_thing_{n}" for n in range(20)))
TAXONOMY = Taxonomy(
    teams=(Team(name="cards", description="Cards"), Team(name="other", description="Other")),
    labels=tuple(
        Label(name=name, description=f"About {name}", team="other" if name.startswith("other") else "cards")
        for name in NAMES
    ),
)


def ticket(body: str) -> Ticket:
    return Ticket(source="t", subject="", body=body)


def test_similar_tickets_come_first_then_shared_words_and_never_what_is_suggested() -> None:
    context = '{"similar_tickets": [{"label": "refund"}, {"text": "undecided"}, {"label": "gone_from_taxonomy"}]}'
    likely = likely_labels(TAXONOMY, ticket("My arrival"), "card_lost", context, {})
    assert likely[:2] == ("refund", "card_arrival")
    assert "card_lost" not in likely


def test_near_misses_leave_room_for_the_team_of_what_is_suggested() -> None:
    likely = likely_labels(TAXONOMY, ticket("other thing"), "card_lost", None, {"refund": 3})
    assert [name.startswith("other") for name in likely[:4]] == [True] * 4
    assert likely[4:6] == ("refund", "card_arrival")


def test_there_are_always_as_many_as_there_are_digits() -> None:
    for said, context in (("other thing", None), ("nothing alike", "not json"), ("x", "[]"), ("x", "")):
        assert len(likely_labels(TAXONOMY, ticket(said), None, context, {})) == MOST
    unlike = '{"similar_tickets": {"unavailable": "no answer in time"}}'
    assert likely_labels(TAXONOMY, None, None, unlike, {"other_thing_7": 1})[0] == "other_thing_7"


def test_a_ticket_that_shares_words_with_a_labels_examples_finds_it() -> None:
    labels = [label.model_copy(update={"examples": ("Hat der Bote geklingelt?",)}) for label in TAXONOMY.labels[1:2]]
    taught = TAXONOMY.model_copy(update={"labels": (TAXONOMY.labels[0], *labels, *TAXONOMY.labels[2:])})
    said = ticket("der Bote war da")
    assert likely_labels(taught, said, None, None, {})[0] == "card_lost"
    assert likely_labels(TAXONOMY, said, None, None, {})[0] != "card_lost"
