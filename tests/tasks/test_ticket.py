"""The ticket: bounded in every field, stable in its digest, immutable."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.ticket import MAX_BODY_CHARS, Requester, Ticket, read_stored


def ticket(**fields: Any) -> Ticket:
    return Ticket.model_validate({"source": "test", "subject": "s", "body": "b", **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {"body": "x" * (MAX_BODY_CHARS + 1)},
        {"subject": "x" * 999},
        {"subject": " ", "body": "\n\t"},
        {"source": ""},
        {"id": "no spaces please"},
        {"id": "x" * 129},
        {"priority": "asap"},
        {"received_at": "2026-11-22T10:00:00"},
        {"deadline_seconds": 0},
        {"deadline_seconds": 31 * 24 * 3600},
        {"metadata": {str(i): i for i in range(51)}},
        {"metadata": {"nested": {"a": 1}}},
        {"requester": {"id": "x", "role": "admin"}},
        {"unknown": 1},
    ],
    ids=str,
)
def test_what_the_contract_does_not_allow_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ticket(**fields)


def test_the_largest_allowed_ticket_is_allowed() -> None:
    metadata = {str(i): "x" * 500 for i in range(50)}
    assert len(ticket(body="x" * MAX_BODY_CHARS, subject="x" * 998, metadata=metadata).body) == MAX_BODY_CHARS


def test_the_text_is_subject_and_body_or_the_body_alone() -> None:
    assert ticket().text == "s\n\nb"
    assert ticket(subject="  ").text == "b"
    assert ticket(body="").text == "s\n\n"


def test_a_ticket_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        ticket().body = "other"  # type: ignore[misc]


def test_the_digest_ignores_the_id_and_nothing_else() -> None:
    plain = ticket(id="t1")
    assert plain.digest() == ticket(id="t2").digest() == ticket().digest()
    others = [
        ticket(body="c"),
        ticket(subject="t"),
        ticket(source="other"),
        ticket(priority="high"),
        ticket(requester={"id": "c1"}),
        ticket(metadata={"a": 1}),
        ticket(deadline_seconds=60),
    ]
    assert len({plain.digest(), *(other.digest() for other in others)}) == 8


def test_a_resend_with_its_defaults_spelled_out_or_reordered_has_the_same_digest() -> None:
    spelled = {"metadata": {}, "priority": None, "requester": None, "body": "b", "subject": "s", "source": "test"}
    assert Ticket.model_validate(spelled).digest() == ticket().digest()
    assert ticket(metadata={"a": 1, "b": 2}).digest() == ticket(metadata={"b": 2, "a": 1}).digest()


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50).filter(str.strip)


@given(texts, texts, st.none() | texts)
def test_the_stored_form_reads_back_to_the_same_ticket(subject: str, body: str, name: str | None) -> None:
    original = ticket(id="t1", subject=subject, body=body, requester=Requester(id="c1", name=name))
    again = Ticket.model_validate_json(original.canonical())
    assert again == original
    assert again.canonical() == original.canonical()


def test_a_stored_ticket_of_another_version_is_still_read() -> None:
    stored = '{"id":"t","source":"s","subject":"","body":"hello","added_later":[1]}'
    assert read_stored(stored).body == "hello"


def test_a_stored_ticket_that_broke_a_later_bound_is_still_the_ticket() -> None:
    longer = "x" * (MAX_BODY_CHARS + 1)
    stored = json.dumps({"id": "t", "source": "s", "subject": "", "body": longer})
    assert read_stored(stored).text == longer


def test_a_ticket_cannot_take_the_id_of_an_unreadable_message() -> None:
    with pytest.raises(ValidationError, match="rej_"):
        ticket(id="rej_0123")
