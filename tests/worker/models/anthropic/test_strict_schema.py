"""Schemas of tools as the API takes them: what the SDK makes of them."""

from typing import Any

import pytest
from anthropic import transform_schema
from anthropic._constants import ANTHROPIC_API_VERSION

from tests.worker.models.asking import SEARCH, SUBMIT
from worker.models.anthropic.strict_schema import strict
from worker.models.anthropic.wire import API_VERSION

TEXT = {"type": "string"}
SCHEMAS: list[dict[str, Any]] = [
    dict(SEARCH.input_schema),
    dict(SUBMIT.input_schema),
    {"type": "integer", "minimum": 1, "maximum": 10, "description": "A number"},
    {"type": "string", "format": "date", "pattern": "x", "title": "Day"},
    {"type": "string", "format": "binary", "maxLength": 5},
    {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 3},
    {"type": "array", "minItems": 2, "uniqueItems": True},
    {"type": "object", "properties": {"a": TEXT}, "required": ["a"], "additionalProperties": True, "minProperties": 1},
    {"type": "object"},
    {"anyOf": [TEXT, {"type": "null"}], "default": None, "title": "T"},
    {"oneOf": [TEXT, {"const": 5}], "type": "string"},
    {"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"type": "boolean", "default": True}}},
    {"$ref": "#/$defs/a", "$defs": {"a": TEXT}, "description": "dropped"},
    {"enum": ["a", None, 1], "type": "string"},
    {"enum": [], "type": "string"},
    {"enum": [{}], "type": "string"},
    {"const": "a", "type": "string", "anyOf": [TEXT]},
    {"const": [1], "type": "array"},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=range(len(SCHEMAS)))
def test_a_schema_is_written_as_the_sdk_writes_it(schema: dict[str, Any]) -> None:
    found, theirs = strict(schema), transform_schema(schema)
    assert found == theirs
    assert str(found) == str(theirs), "in the same order, too"


def test_a_schema_that_says_nothing_is_refused_as_by_the_sdk() -> None:
    for make in (strict, transform_schema):
        with pytest.raises(ValueError, match="type"):
            make({"title": "T"})


def test_the_version_is_the_sdks() -> None:
    assert API_VERSION == ANTHROPIC_API_VERSION
