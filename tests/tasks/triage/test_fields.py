"""Fields of a taxonomy's own: what is a value, what is not, and that no pattern can hold a worker up."""

from typing import Any

import pytest
from pydantic import ValidationError

from tasks.triage.fields import FieldType, OwnField, read_values, schema_of, shown_value


def own(kind: str, **given: Any) -> OwnField:
    return OwnField(name="it", description="what it is", type=FieldType(kind), **given)


ENUM, NUMBER = own("enum", values=("en", "de")), own("number", at_least=0, at_most=100)
ORDER = own("text", pattern=r"[A-Z]{2}-\d{6}")
PRODUCTS, TAGS = own("list", values=("card", "loan")), own("list", pattern="[a-z]+")


@pytest.mark.parametrize(
    ("field", "value"),
    [(ENUM, "de"), (NUMBER, 12), (NUMBER, 0.5), (ORDER, "AB-123456"), (PRODUCTS, ["loan"]), (TAGS, ["a", "b"])],
)
def test_a_value_of_its_type_has_no_fault(field: OwnField, value: Any) -> None:
    assert field.fault(value) is None


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        (ENUM, "fr", "is not one of en, de"),
        (ENUM, ["en"], "is not a text"),
        (NUMBER, "12", "is not a number"),
        (NUMBER, True, "is not a number"),
        (NUMBER, float("nan"), "is not a number"),
        (NUMBER, -1, "is below 0"),
        (NUMBER, 101, "is above 100"),
        (ORDER, "xAB-123456", "does not match"),
        (ORDER, "AB-123456\n", "is not a text of one line"),
        (ORDER, "", "is not a text"),
        (own("text", max_length=3), "long", "is longer than 3"),
        (PRODUCTS, "card", "is not a list"),
        (PRODUCTS, [], "is not a list"),
        (PRODUCTS, ["card", "boat"], "is not one of card, loan"),
        (TAGS, ["a", "B"], "does not match"),
        (TAGS, ["a"] * 21, "is not a list of 1 to 20"),
    ],
)
def test_what_is_none_is_refused_in_words(field: OwnField, value: Any, fault: str) -> None:
    assert fault in str(field.fault(value))


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"type": "enum"}, "two values or more"),
        ({"type": "enum", "values": ("a", "a")}, "each once"),
        ({"type": "text", "values": ("a", "b")}, "belong to an enum or a list"),
        ({"type": "number", "pattern": "a"}, "a pattern belongs to a text"),
        ({"type": "text", "at_least": 1}, "belong to a number"),
        ({"type": "number", "at_least": 2, "at_most": 1}, "at_least is above at_most"),
        ({"type": "text", "pattern": "("}, "the pattern cannot be used"),
        ({"type": "text", "pattern": "a)|(?:b"}, "the pattern cannot be used"),
        ({"type": "text", "pattern": r"(a)\1"}, "the pattern cannot be used"),
        ({"type": "text", "pattern": "(?=a)b"}, "the pattern cannot be used"),
        ({"type": "text", "pattern": "(((a{100}){100}){100}){100}"}, "the pattern cannot be used"),
        ({"type": "text", "pattern": "a" * 201}, "at most 200"),
    ],
)
def test_a_field_that_contradicts_itself_is_refused(given: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        OwnField.model_validate({"name": "it", "description": "d", **given})


def test_a_pattern_that_backtracks_for_ever_elsewhere_is_answered_here() -> None:
    text = "a" * 499 + "!"  # `re` would try 2^499 ways
    assert own("text", pattern=r"(a+)+", max_length=500).fault(text) == "does not match (a+)+"


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (NUMBER, " 12 ", 12),
        (NUMBER, "1.5", 1.5),
        (NUMBER, "twelve", "twelve"),
        (NUMBER, "nan", "nan"),
        (NUMBER, "", None),
        (TAGS, "a, b,", ["a", "b"]),
        (TAGS, " ", None),
        (ORDER, " AB-1 ", "AB-1"),
    ],
)
def test_what_is_typed_becomes_a_value_and_reads_the_same(field: OwnField, text: str, value: Any) -> None:
    typed = field.of_text(text)
    assert str(typed) == str(value)
    assert field.of_text(shown_value(typed)) == typed or typed != typed


def test_every_fault_of_an_answer_is_named_and_nothing_said_is_no_value() -> None:
    known = [ENUM.model_copy(update={"name": "language"}), NUMBER.model_copy(update={"name": "amount"})]
    said, faults = read_values(known, {"amount": None, "language": "fr", "colour": "red"})
    assert said == {"language": "fr"}
    assert faults == ["fields.colour: there is no such field", "fields.language: is not one of en, de"]


def test_lists_are_the_same_in_any_order() -> None:
    assert PRODUCTS.same(["loan", "card"], ["card", "loan"])
    assert PRODUCTS.same(None, [])
    assert not ENUM.same(None, "en")


def test_the_schema_names_each_and_lets_none_be_made_up() -> None:
    schema = schema_of([ORDER, NUMBER])
    assert (schema["required"], schema["additionalProperties"]) == (["it", "it"], False)
    assert ORDER.json_schema()["anyOf"] == [
        {"type": "string", "maxLength": 200, "pattern": r"^(?:[A-Z]{2}-\d{6})$"},
        {"type": "null"},
    ]
