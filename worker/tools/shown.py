"""What of a service's answer the model may see: the parts that were named, clipped, and nothing besides."""

from collections.abc import Sequence
from typing import Any

LONGEST_TEXT = 300
MOST_ITEMS = 20


def shown(answer: Any, paths: Sequence[str]) -> dict[str, Any]:
    """The answer's parts by their paths; what is not there is left out. A list is shown item by item."""
    found: dict[str, Any] = {}
    for path in paths:
        value = _at(answer, path.split("."))
        if value is not None:
            found[path] = clipped(value)
    return found


def _at(value: Any, path: Sequence[str]) -> Any:
    if not path:
        return value
    if isinstance(value, list):
        parts = [_at(each, path) for each in value[:MOST_ITEMS]]
        return [part for part in parts if part is not None]
    return _at(value.get(path[0]), path[1:]) if isinstance(value, dict) else None


def clipped(value: Any) -> Any:
    """Texts on one line and of some length, lists of some items; of an object the same."""
    if isinstance(value, str):
        line = " ".join(value[: LONGEST_TEXT * 4].split())
        return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"
    if isinstance(value, list):
        return [clipped(each) for each in value[:MOST_ITEMS]]
    if isinstance(value, dict):
        return {str(key)[:60]: clipped(each) for key, each in list(value.items())[:MOST_ITEMS]}
    return value
