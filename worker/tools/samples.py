"""Arguments that a tool takes, made of its schema, for trying it without a model."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

_LEAST = {"integer": "minimum", "number": "minimum"}
_EMPTY: Mapping[str, Any] = {"boolean": False, "array": [], "object": {}, "null": None}


def sample(arguments: type[BaseModel]) -> BaseModel | None:
    """What is required, each by its first example, its default or its smallest value; None where that is refused."""
    schema = arguments.model_json_schema()
    given = {name: _value(schema["properties"][name], schema.get("$defs", {})) for name in schema.get("required", ())}
    try:
        return arguments.model_validate(given)
    except ValidationError:
        return None


def _value(field: Mapping[str, Any], named: Mapping[str, Any]) -> Any:
    for key in ("examples", "enum"):
        if field.get(key):
            return field[key][0]
    for key in ("default", "const"):
        if key in field:
            return field[key]
    if "$ref" in field:
        return _value(named[field["$ref"].rpartition("/")[2]], named)
    if field.get("anyOf"):
        return _value(field["anyOf"][0], named)
    if field.get("type") == "string":
        return "x" * max(1, field.get("minLength", 1))
    kind = field.get("type", "object")
    return field.get(_LEAST[kind], 0) if kind in _LEAST else _EMPTY.get(kind)
