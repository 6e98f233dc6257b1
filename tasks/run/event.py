"""What every event of the journal is: its type, and its stored form."""

import json
from dataclasses import dataclass, fields
from typing import ClassVar

VERSION = 1

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=dict)  # default: a Mapping of a reply


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    type: ClassVar[str] = ""

    def to_json(self) -> str:
        """The stored form."""
        values = {name: getattr(self, name) for name in field_names(type(self))}
        return _ENCODER.encode({"type": self.type, "v": VERSION, **values})


def field_names(kind: type[Event]) -> tuple[str, ...]:
    """What an event of this class holds."""
    if kind.type not in _NAMES:
        _NAMES[kind.type] = tuple(field.name for field in fields(kind))
    return _NAMES[kind.type]


_NAMES: dict[str, tuple[str, ...]] = {}
