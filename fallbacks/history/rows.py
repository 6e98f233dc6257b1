"""A ticket's facts as a row of either database, and back."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
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


def found_from(
    rows: Iterable[Sequence[Any]], text_of: Callable[[Any], str], facet_names: Sequence[str]
) -> list[tuple[str, Facts]]:
    """Of selected rows: id, facts and the packed document, None for none."""
    return [(row[0], facts_from(row[1:-1], text_of(row[-1]) if row[-1] else "", facet_names)) for row in rows]


def facts_from(row: Sequence[Any], text: str, facet_names: Sequence[str]) -> Facts:
    """Of a selected row; its costs are not read. facet_names: of the process, in the order in which they are shown."""
    values: dict[str, Any] = {_FIELDS.get(name, name): value for name, value in zip(FACTS, row, strict=True)}
    facets: Mapping[str, str] = values["facets"] if isinstance(values["facets"], dict) else json.loads(values["facets"])
    values["facets"] = {
        name: facets[name] for name in (*facet_names, *facets) if name in facets
    }  # jsonb keeps no order
    values["corrected"] = bool(values["corrected"])
    return Facts(**values, text=text)
