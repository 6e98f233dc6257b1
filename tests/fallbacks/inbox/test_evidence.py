"""Quotes are found where they stand in the ticket."""

from fallbacks.inbox.evidence import evidence_spans

TEXT = "My card,\n  ordered in May, is not here. My card!"


def found(*quotes: str) -> list[str]:
    return [TEXT[start:end] for start, end in evidence_spans(TEXT, quotes)]


def test_every_place_of_a_quote_is_found_and_white_space_is_not_part_of_it() -> None:
    assert found("My card") == ["My card", "My card"]
    assert found("card, ordered in") == ["card,\n  ordered in"]


def test_overlapping_quotes_are_one_span() -> None:
    assert found("ordered in May", "in May, is") == ["ordered in May, is"]


def test_what_is_not_in_the_text_has_no_span() -> None:
    assert found("nothing", "", "  ", "card.*") == []
