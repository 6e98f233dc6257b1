"""Personal data is masked in place; what is no such thing is left alone, and quotes are found again in the ticket."""

import gzip
import json
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import InvalidDecision
from tasks.safety.redact import redact
from tasks.ticket import Ticket
from tasks.triage.decision import read_suggestion
from tasks.triage.taxonomy import Label, Taxonomy, Team
from worker import sample

PIECES = ["4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "jane.roe@example.com", "+44 20 7946 0958", "<b>", "&"]
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=12), max_size=8).map(" ".join)
TAXONOMY = Taxonomy(
    teams=(Team(name="t", description="T."),),
    labels=tuple(Label(name=name, description="L.", team="t") for name in ("l", "other")),
)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("card 4111 1111 1111 1111 12/26", "card xxxx xxxx xxxx xxxx 12/26"),
        ("4111-1111-1111-1111.", "xxxx-xxxx-xxxx-xxxx."),
        ("amex 378282246310005", "amex xxxxxxxxxxxxxxx"),
        ("de89370400440532013000 please", "xxxxxxxxxxxxxxxxxxxxxx please"),
        ("IBAN GB29 NWBK 6016 1331 9268 19", "IBAN xxxx xxxx xxxx xxxx xxxx xx"),
        ("<jane.roe+x@mail.example.com>", "<xxxx.xxx+x@xxxx.xxxxxxx.xxx>"),
        ("call +44 (0)20 7946 0958", "call +xx (x)xx xxxx xxxx"),
        ("call 0049 30 901820", "call xxxx xx xxxxxx"),
        ("call 020 7946 0958 or (212) 555-0100", "call xxx xxxx xxxx or (xxx) xxx-xxxx"),
        ("ssn 078-05-1120, ok", "ssn xxx-xx-xxxx, ok"),
        ('{"text":"a\\n4111111111111111"}', '{"text":"a\\nxxxxxxxxxxxxxxxx"}'),
    ],
)
def test_personal_data_is_masked_in_place(text: str, masked: str) -> None:
    assert redact(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "GB28 NWBK 6016 1331 9268 19",
        "2026-11-22 16:18:59, 1,299.00 EUR, order 12345678",
        "at 1795362000000 ms",
        "version 10.2.3.44",
        "me @ home",
        "tracking 1Z999AA10123456784",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert redact(text) == text


def test_no_real_question_is_taken_for_personal_data() -> None:
    with gzip.open(sample.path("banking77.jsonl.gz"), "rt", encoding="utf-8") as rows:
        bodies = [json.loads(row)["body"] for row in rows]
    assert [body for body in bodies if redact(body) != body] == []


@given(texts)
def test_places_stay_and_masking_again_changes_nothing(text: str) -> None:
    masked = redact(text)
    assert len(masked) == len(text)
    assert redact(masked) == masked


@given(texts)
def test_what_the_model_is_shown_escaped_is_what_its_quotes_are_held_against(text: str) -> None:
    assert redact(escape(text, quote=False)) == escape(redact(text), quote=False)


def submission(*quotes: str) -> dict[str, object]:
    told = {"label": "l", "priority": "normal", "summary": "s", "rationale": "r", "confidence": 0.9}
    return {**told, "evidence": list(quotes)}


def test_a_quote_of_the_masked_text_becomes_what_stands_in_the_ticket() -> None:
    ticket = Ticket(source="s", subject="", body="my card 4111 1111\n 1111 1111 and 4111 1111 1111 1111 failed")
    shown = redact(ticket.text)
    decision = read_suggestion(submission("and xxxx xxxx xxxx xxxx failed"), ticket, TAXONOMY, "m", shown)
    assert decision.evidence == ("and 4111 1111 1111 1111 failed",)


def test_a_quote_of_what_was_not_shown_is_refused() -> None:
    ticket = Ticket(source="s", subject="", body="my card 4111 1111 1111 1111 failed")
    with pytest.raises(InvalidDecision):
        read_suggestion(submission("card 4111 1111"), ticket, TAXONOMY, "m", redact(ticket.text))
