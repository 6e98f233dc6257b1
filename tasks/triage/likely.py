"""The labels a person will most likely want for a ticket: what the digits 1-9 pick."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache

from tasks.ticket import Ticket
from tasks.triage.taxonomy import Label, Taxonomy

MOST = 9


def likely_labels(
    taxonomy: Taxonomy, ticket: Ticket | None, suggested: str | None, context: str | None, decided: Mapping[str, int]
) -> tuple[str, ...]:
    """Up to nine labels other than the suggested one: near misses of it first, then its team's, most used first.

    context: the prefetch's result as JSON text, None where nothing was looked up. decided: how often people took each.
    """
    near = [name for name in (*_of_similar(context), *_by_words(taxonomy, ticket)) if name in taxonomy.by_name]
    near = [name for name in dict.fromkeys(near) if name != suggested][: MOST // 2 if suggested else MOST]
    team = taxonomy.by_name[suggested].team if suggested in taxonomy.by_name else None
    others = sorted(taxonomy.labels, key=lambda label: (label.team != team, -decided.get(label.name, 0)))
    ranked = dict.fromkeys([*near, *(label.name for label in others)])
    return tuple(name for name in ranked if name != suggested)[:MOST]


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


@lru_cache(maxsize=1000)
def _about(label: Label) -> set[str]:
    return _words(" ".join((label.name.replace("_", " "), label.description, *label.examples)))


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", text.lower()) if len(word) > 3}
