"""Reads a tools.yaml: tools that are an operation of an HTTP service, or a tool of an MCP server."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from worker.config.described import Described, DescribedTool, Name
from worker.config.errors import ToolsFileError
from worker.config.json_arguments import arguments_of
from worker.config.openapi import operation_of

MAX_BYTES = 4_000_000
_NAME = TypeAdapter[str](Name)


def load_tools(path: Path) -> Mapping[str, Described]:
    """By name. Raises `ToolsFileError` with the first fault."""
    content = _read(path, path)
    if not isinstance(content, dict) or content.keys() != {"tools"} or not isinstance(content["tools"], dict):
        raise ToolsFileError(path, "must hold `tools:`, and below it a description by name")
    return {str(name): _tool(path, str(name), given) for name, given in content["tools"].items()}


def _tool(path: Path, name: str, given: Any) -> Described:
    try:
        tool = DescribedTool.model_validate(given)
        _NAME.validate_python(name)
        if tool.openapi is not None:
            return _operation(path, tool)
        assert tool.mcp is not None  # noqa: S101 - it has one of them
        return Described(tool=tool, arguments=arguments_of(tool.mcp.arguments, _bound(tool, tool.mcp.arguments)))
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, (name, *fault["loc"])))
        raise ToolsFileError(path, f"{where}: {fault['msg'].removeprefix('Value error, ')}") from None
    except ValueError as error:
        raise ToolsFileError(path, f"{name}: {error}") from None


def _operation(path: Path, tool: DescribedTool) -> Described:
    assert tool.openapi is not None  # noqa: S101 - asked before
    document = path.parent / tool.openapi.document
    found = operation_of(_read(path, document), tool.openapi.operation)
    arguments = arguments_of(found.schema, _bound(tool, found.schema))
    return Described(tool=tool, method=found.method, path=found.path, places=found.places, arguments=arguments)


def _bound(tool: DescribedTool, schema: Mapping[str, Any]) -> frozenset[str]:
    if unknown := sorted(tool.bound.keys() - schema.get("properties", {}).keys()):
        raise ValueError(f"bound names {unknown[0]!r}, which it does not take")
    return frozenset(tool.bound)


def _read(path: Path, file: Path) -> Any:
    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise ToolsFileError(path, f"{file.name} is larger than {MAX_BYTES:,} bytes")
        text = raw.decode("utf-8-sig")
        return json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise ToolsFileError(path, f"{file.name} cannot be read: {error.strerror or error}") from None
    except (ValueError, yaml.YAMLError, RecursionError):
        raise ToolsFileError(path, f"{file.name} is neither YAML nor JSON") from None
