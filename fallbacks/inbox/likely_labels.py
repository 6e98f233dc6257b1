"""The labels a person will most likely want for an item: what the digits 1-9 pick."""

import json
import re
from collections.abc import Mapping
from typing import Any

from tasks.ticket import Ticket
from tasks.triage.taxonomy import Label, Taxonomy

MOST = 9


def likely_labels(
    taxonomy: Taxonomy, ticket: Ticket | None, decision: Mapping[str, Any] | None, context: str | None
) -> tuple[str, ...]:
    """Up to nine labels, best first: the proposal, those of similar decided tickets, those whose words it shares.

    context: the prefetch's result as JSON text, None where nothing was looked up.
    """
    ranked = [str(decision["label"])] if decision else []
    ranked += _of_similar(context)
    ranked += _by_words(taxonomy, ticket)
    known = [label for label in dict.fromkeys(ranked) if label in taxonomy.by_name]
    return tuple(known[:MOST])


def _of_similar(context: str | None) -> list[str]:
    try:
        fetched = json.loads(context or "{}")
    except ValueError:
        return []
    similar = fetched.get("similar_tickets", []) if isinstance(fetched, dict) else []
    rows = similar if isinstance(similar, list) else []
    return [str(row["label"]) for row in rows if isinstance(row, dict) and "label" in row]


def _by_words(taxonomy: Taxonomy, ticket: Ticket | None) -> list[str]:
    said = _words(ticket.text) if ticket else set()
    shared = [(len(said & _about(label)), label.name) for label in taxonomy.labels]
    return [name for count, name in sorted(shared, key=lambda pair: -pair[0]) if count]


def _about(label: Label) -> set[str]:
    return _words(f"{label.name.replace('_', ' ')} {label.description}")


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", text.lower()) if len(word) > 3}
