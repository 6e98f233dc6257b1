"""JSON schemas as the Messages API takes them for strict tools. What it refuses moves into descriptions.

The SDK's `transform_schema` does the same; a test holds the two to one another. Importing the SDK for it cost a worker
more than all else that it does to start.
"""

from collections.abc import Collection, Mapping
from typing import Any

_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"})
_PLAIN = (str, int, float, bool, type(None))


def strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Raises ValueError for one that says nothing of what it takes."""
    left, found = dict(schema), dict[str, Any]()
    if (definitions := left.pop("$defs", None)) is not None:
        found["$defs"] = {name: strict(each) for name, each in definitions.items()}
    if (ref := left.pop("$ref", None)) is not None:
        return {**found, "$ref": ref}
    kind = _kind(left, found)
    for name in ("description", "title"):
        if (text := left.pop(name, None)) is not None:
            found[name] = text
    match kind:
        case "object":
            _object(left, found)
        case "string":
            _moved("format", left, found, _FORMATS)
        case "array":
            _array(left, found)
    if left:
        said = "{" + ", ".join(f"{name}: {value}" for name, value in left.items()) + "}"
        found["description"] = f"{found['description']}\n\n{said}" if "description" in found else said
    return found


def _kind(left: dict[str, Any], found: dict[str, Any]) -> str | None:
    """Its type, None where it is a choice of others or of values; all of that is moved to `found`."""
    kind = left.pop("type", None)
    choices = {name: left.pop(name, None) for name in ("anyOf", "oneOf", "allOf")}
    values = left.get("enum")
    if isinstance(values, list) and values and all(isinstance(value, _PLAIN) for value in values):
        found["enum"] = list(left.pop("enum"))
    if "const" in left and isinstance(left["const"], _PLAIN):
        found["const"] = left.pop("const")
    literal = "enum" in found or "const" in found
    for name, choice in choices.items():
        if isinstance(choice, list):
            found["allOf" if name == "allOf" else "anyOf"] = [strict(each) for each in choice]
            return None if literal else kind
    if literal:
        return None
    if kind is None:
        raise ValueError("a schema has a type, a choice of others, or of values")
    found["type"] = kind
    return str(kind)


def _object(left: dict[str, Any], found: dict[str, Any]) -> None:
    found["properties"] = {name: strict(each) for name, each in left.pop("properties", {}).items()}
    left.pop("additionalProperties", None)
    found["additionalProperties"] = False
    _moved("required", left, found)


def _array(left: dict[str, Any], found: dict[str, Any]) -> None:
    if (items := left.pop("items", None)) is not None:
        found["items"] = strict(items)
    _moved("minItems", left, found, (0, 1))


def _moved(name: str, left: dict[str, Any], found: dict[str, Any], taken: Collection[Any] | None = None) -> None:
    """taken: values that the API takes, None for all; another stands last among what it does not."""
    if (value := left.pop(name, None)) is not None:
        (found if taken is None or value in taken else left)[name] = value
