"""A ticket's facts as a row of either database, and back."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fallbacks.history.facts import clean
from fallbacks.history.port import Entry, Facts
from fallbacks.history.words import words_of

COLUMNS = [
    *("id", "accepted", "ended", "version", "state", "source", "door", "digest", "subject", "words"),
    *("requester_id", "requester_email", "requester_name", "reason", "closed", "key", "facets", "priority", "tier"),
    *("decided_by", "confidence", "suggested", "corrected", "spent", "overbilled", "steps", "run_seconds"),
]
"""Of the table `ticket`, as `values_of` gives them."""

FACTS = [name for name in COLUMNS if name not in ("id", "words")]
"""As `facts_from` takes them."""

_FIELDS = {"accepted": "accepted_ms", "ended": "ended_ms", "spent": "spent_nanodollars"}
"""Columns that have another name in `Facts`."""


def latest(entries: Sequence[Entry]) -> list[Entry]:
    """Each ticket once, in its latest version."""
    found: dict[str, Entry] = {}
    for entry in entries:
        before = found.get(entry.ticket.id)
        if before is None or before.facts.version < entry.facts.version:
            found[entry.ticket.id] = entry
    return list(found.values())


def values_of(entry: Entry) -> list[Any]:
    """For an insert."""
    facts = entry.facts
    of_its_own = {
        "id": entry.ticket.id,
        "words": words_of(entry),
        "facets": json.dumps(dict(facts.facets), ensure_ascii=False),
    }
    values = [of_its_own[name] if name in of_its_own else getattr(facts, _FIELDS.get(name, name)) for name in COLUMNS]
    return [clean(value) if isinstance(value, str) else value for value in values]


def facts_from(row: Sequence[Any], text: str) -> Facts:
    """Of a selected row; its costs are not read."""
    values: dict[str, Any] = {_FIELDS.get(name, name): value for name, value in zip(FACTS, row, strict=True)}
    facets: Mapping[str, str] = values["facets"] if isinstance(values["facets"], dict) else json.loads(values["facets"])
    values |= {"corrected": bool(values["corrected"]), "facets": facets}
    return Facts(**values, text=text)
