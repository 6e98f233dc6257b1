"""One operation of an OpenAPI document: its method, its path, where each parameter goes, and what it takes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "put", "post", "delete", "patch")
BODY = "body"
DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Operation:
    """places: of each parameter `path`, `query` or `body`. schema: the object of all of them."""

    method: str
    path: str
    places: Mapping[str, str]
    schema: Mapping[str, Any]


def operation_of(document: Mapping[str, Any], wanted: str) -> Operation:
    """Raises `ValueError`: there is no such operation, or it takes what no tool may send."""
    found = [each for each in _operations(document) if each[2].get("operationId") == wanted]
    if len(found) != 1:
        names = sorted(str(each[2]["operationId"]) for each in _operations(document) if "operationId" in each[2])
        raise ValueError(f"has no operation {wanted!r}; it has {', '.join(names[:20]) or 'none with an operationId'}")
    method, path, operation, shared = found[0]
    places, properties, required = dict[str, str](), dict[str, Any](), list[str]()
    for given in (*shared, *operation.get("parameters", ())):
        parameter = _resolved(given, document)
        name, place = str(parameter["name"]), parameter.get("in")
        if place not in ("path", "query"):
            if parameter.get("required"):
                raise ValueError(f"the parameter {name} goes into the {place}, which a tool cannot set")
            continue
        places[name] = place
        about = {"description": parameter["description"]} if "description" in parameter else {}
        properties[name] = about | _resolved(parameter.get("schema", {"type": "string"}), document)
        required += [name] if parameter.get("required") or place == "path" else []
    for name, schema, must in _of_body(operation, document):
        places[name], properties[name] = BODY, schema
        required += [name] if must else []
    return Operation(method.upper(), path, places, {"type": "object", "properties": properties, "required": required})


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any], list[Any]]]:
    for path, item in (document.get("paths") or {}).items():
        for method in METHODS:
            if isinstance(item.get(method), dict):
                yield method, str(path), item[method], item.get("parameters", [])


def _of_body(operation: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[tuple[str, Any, bool]]:
    if "requestBody" not in operation:
        return
    content = _resolved(operation["requestBody"], document).get("content", {})
    if "application/json" not in content:
        raise ValueError("its body is not JSON")
    schema = _resolved(content["application/json"].get("schema", {}), document)
    for name, given in schema.get("properties", {}).items():
        yield str(name), given, name in schema.get("required", ())


def _resolved(value: Any, document: Mapping[str, Any], depth: int = 0) -> Any:
    """Without references; those that lead in a circle or elsewhere are refused."""
    if depth > DEEPEST:
        raise ValueError("its schemas are too deep, or lead in a circle")
    if isinstance(value, dict) and "$ref" in value:
        place = str(value["$ref"])
        if not place.startswith("#/"):
            raise ValueError(f"{place} is outside of the document")
        target: Any = document
        for part in place[2:].split("/"):
            target = target.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
        if target is None:
            raise ValueError(f"{place} is not in the document")
        return _resolved(target, document, depth + 1)
    if isinstance(value, dict):
        return {key: _resolved(each, document, depth + 1) for key, each in value.items()}
    return [_resolved(each, document, depth + 1) for each in value] if isinstance(value, list) else value
