"""A receipt of erasure: what was found and erased in each place, sealed, without a word of what was erased. Pure."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import sha256
from typing import Any

from fallbacks.history.seals import Sealer

SHORT = 32
"""Hex digits of a ticket's mark."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """at_ms: store time. asked: `requester` or `ticket`; whom: what was asked for, as only the holder of the key can
    digest it. tickets: a mark of each, see `mark_of`. places: name -> what was found and what was erased there. logs:
    what may still hold some, and until when. key, seal: by which it was signed.
    """

    id: str
    at_ms: int
    by: str
    asked: str
    whom: str
    tickets: tuple[str, ...]
    places: Mapping[str, Mapping[str, int]]
    logs: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    seal: str = ""

    def document(self) -> dict[str, Any]:
        """As it is handed out."""
        return asdict(self)

    def to_json(self) -> str:
        """As it is stored."""
        return json.dumps(self.document(), ensure_ascii=False, sort_keys=True)

    def sealed_part(self) -> bytes:
        """What the seal stands over."""
        return b"deskhand receipt " + replace(self, seal="").to_json().encode()

    def sealed(self, sealer: Sealer) -> "Receipt":
        """With key and seal."""
        signed = replace(self, key=sealer.public)
        return replace(signed, seal=sealer.seal(signed.sealed_part()))


_FIELDS = tuple(each.name for each in fields(Receipt))


def read_receipt(raw: Mapping[str, Any]) -> Receipt:
    """What `to_json` wrote. Raises TypeError and KeyError where it is none."""
    return Receipt(**{name: raw[name] for name in _FIELDS} | {"tickets": tuple(raw["tickets"])})


def mark_of(ticket_id: str, receipt_id: str, head: str, left: str) -> str:
    """Of an erased ticket in a receipt. head: over its events as they were; left: over what is left of them."""
    return sha256(f"{ticket_id}\n{receipt_id}\n{head}\n{left}".encode()).hexdigest()[:SHORT]
