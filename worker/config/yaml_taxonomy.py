"""Reads the taxonomy file. A broken one is refused with one error that names the line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from tasks.errors import InvalidTaxonomy
from tasks.triage.taxonomy import Taxonomy
from worker.config.errors import TaxonomyFileError

MAX_BYTES = 1_000_000
MAX_DEPTH = 20


def load_taxonomy(path: Path) -> Taxonomy:
    """The checked taxonomy of a YAML file. Raises `TaxonomyFileError` with the first fault, as `FILE:LINE: reason`."""
    root = _compose(path, _read(path))
    content = _content(path, root)
    try:
        return Taxonomy.model_validate(content).checked()
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise TaxonomyFileError(path, _line(root, first["loc"]), f"{where}: {first['msg']}".lstrip(": ")) from None
    except InvalidTaxonomy as error:
        raise TaxonomyFileError(path, _line(root, error.path), str(error)) from None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise TaxonomyFileError(path, 1, f"cannot be read: {error.strerror or error}") from None
    if len(raw) > MAX_BYTES:
        raise TaxonomyFileError(path, 1, f"is larger than {MAX_BYTES:,} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TaxonomyFileError(path, raw.count(b"\n", 0, error.start) + 1, "is not UTF-8") from None


def _compose(path: Path, text: str) -> yaml.Node:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(filter(None, (error.problem, error.context))) or "is not YAML"
        raise TaxonomyFileError(path, mark.line + 1 if mark else 1, reason) from None
    except yaml.reader.ReaderError as error:
        raise TaxonomyFileError(path, text.count("\n", 0, error.position) + 1, error.reason) from None
    except RecursionError:
        raise TaxonomyFileError(path, 1, "is nested too deeply") from None
    if root is None:
        raise TaxonomyFileError(path, 1, "is empty")
    return root


def _content(path: Path, root: yaml.Node) -> Any:
    _refuse_oddities(path, root, 0, set())
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise TaxonomyFileError(path, line, error.problem or "cannot be read as plain data") from None
    except ValueError as error:
        raise TaxonomyFileError(path, 1, f"holds a value that YAML cannot read: {error}") from None
    finally:
        loader.dispose()


def _refuse_oddities(path: Path, node: yaml.Node, depth: int, visited: set[int]) -> None:
    """Refuse duplicate keys, of which YAML would keep the last, and deep nesting. Aliases are visited once."""
    if id(node) in visited:
        return
    visited.add(id(node))
    if depth > MAX_DEPTH:
        raise TaxonomyFileError(path, node.start_mark.line + 1, "is nested too deeply")
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                raise TaxonomyFileError(path, key.start_mark.line + 1, f"the key {name!r} stands twice")
            seen.add(name)
            _refuse_oddities(path, value, depth + 1, visited)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_oddities(path, item, depth + 1, visited)


def _line(node: yaml.Node, loc: Sequence[str | int]) -> int:
    """The line of the deepest part of `loc` that the file has; a missing field is reported at its parent."""
    line = node.start_mark.line + 1
    for part in loc:
        found: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    found, line = value, key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = node.value[part]
            line = found.start_mark.line + 1
        if found is None:
            break
        node = found
    return line
