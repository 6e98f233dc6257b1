"""What the digits stand for: proposal first, then similar tickets, then shared words."""

from fallbacks.inbox.likely_labels import MOST, likely_labels
from tasks.ticket import Ticket
from tasks.triage.taxonomy import Label, Taxonomy, Team

TAXONOMY = Taxonomy(
    teams=(Team(name="cards", description="Cards"),),
    labels=tuple(
        Label(name=name, description=f"About {name}", team="cards")
        for name in ("card_arrival", "card_lost", "refund", *(f"other_thing_{n}" for n in range(20)))
    ),
)


def ticket(body: str) -> Ticket:
    return Ticket(source="t", subject="", body=body)


def test_the_proposal_comes_first_then_similar_tickets_then_shared_words() -> None:
    context = '{"similar_tickets": [{"label": "refund"}, {"text": "undecided"}, {"label": "gone_from_taxonomy"}]}'
    likely = likely_labels(TAXONOMY, ticket("My arrival"), {"label": "card_lost"}, context)
    assert likely == ("card_lost", "refund", "card_arrival")


def test_there_are_never_more_than_digits() -> None:
    assert len(likely_labels(TAXONOMY, ticket("other thing"), None, None)) == MOST


def test_without_proposal_context_or_shared_words_there_are_none() -> None:
    for context in (None, "", "not json", "[]", '{"similar_tickets": {"unavailable": "no answer in time"}}'):
        assert likely_labels(TAXONOMY, None, None, context) == ()
