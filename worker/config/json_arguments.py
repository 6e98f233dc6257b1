"""A pydantic model of a JSON schema's object: what a described tool takes. What it cannot hold to is refused."""

from collections.abc import Mapping
from types import GenericAlias
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

LONGEST_TEXT = 200
"""Of an argument whose schema gives text no end."""

MOST_ITEMS = 20
DEEPEST = 3

_BOUNDS = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "minLength": "min_length",
    "maxLength": "max_length",
    "pattern": "pattern",
    "minItems": "min_length",
    "maxItems": "max_length",
}
_KINDS: Mapping[str, type] = {"string": str, "integer": int, "number": float, "boolean": bool}
_SAID = frozenset({"type", "description", "title", "default", "examples", "example", "enum", "const", "format", "items",
                   "properties", "required", "additionalProperties", "$schema", "nullable", *_BOUNDS})  # fmt: skip
_CLOSED = ConfigDict(frozen=True, extra="forbid", regex_engine="python-re", hide_input_in_errors=True)


def arguments_of(schema: Mapping[str, Any], without: frozenset[str] = frozenset(), depth: int = 0) -> type[BaseModel]:
    """Raises `ValueError` for a schema that says what is not understood here. without: properties left out."""
    properties = schema.get("properties", {})
    if schema.get("type", "object") != "object" or not isinstance(properties, dict):
        raise ValueError("must be an object of named arguments")
    _understood(schema, "the arguments")
    required = frozenset(schema.get("required", ()))
    if depth > DEEPEST:
        raise ValueError("is too deep")
    fields: dict[str, Any] = {}
    for name, given in properties.items():
        if name in without:
            continue
        if not name.isidentifier() or name.startswith("_"):
            raise ValueError(f"{name!r} cannot be the name of an argument")
        fields[name] = _field(name, given, depth, required=name in required)
    return create_model("Arguments", __config__=_CLOSED, **fields)


def _field(name: str, schema: Mapping[str, Any], depth: int, *, required: bool) -> Any:
    kind = _kind(name, schema, depth)
    about = Field(description=str(schema.get("description", ""))[:300] or None, examples=schema.get("examples"))
    if required:
        return Annotated[kind, about], ...
    return Annotated[kind | None, about], schema.get("default")


def _kind(name: str, schema: Mapping[str, Any], depth: int) -> Any:
    _understood(schema, name)
    if "const" in schema:
        return Literal[schema["const"]]
    if schema.get("enum"):
        return Literal[tuple(schema["enum"])]
    bounds = {ours: schema[theirs] for theirs, ours in _BOUNDS.items() if theirs in schema}
    match schema.get("type"):
        case "string":
            return Annotated[str, Field(**({"max_length": LONGEST_TEXT} | bounds))]
        case "array":
            several = GenericAlias(tuple, (_kind(name, schema.get("items", {}), depth + 1), ...))
            return Annotated[several, Field(**({"max_length": MOST_ITEMS} | bounds))]
        case "object":
            return arguments_of(schema, depth=depth + 1)
        case str(kind) if kind in _KINDS:
            return Annotated[_KINDS[kind], Field(**bounds)]
        case other:
            raise ValueError(f"{name}: the type {other!r} is not understood")


def _understood(schema: Mapping[str, Any], name: str) -> None:
    if strange := sorted(schema.keys() - _SAID):
        raise ValueError(f"{name}: {', '.join(strange)} is not understood here")
