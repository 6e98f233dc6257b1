"""Finding tickets in PostgreSQL, newest first. For a rare word the planner takes the index of words, for one that many
tickets have the order of acceptance, month by month.
"""

from collections.abc import Iterator
from typing import Any

from fallbacks.history.port import Search
from fallbacks.history.rows import FACTS
from fallbacks.history.words import Term, read_terms

SELECTED = ", ".join(["ticket.id", *(f"ticket.{name}" for name in FACTS), "packed"])

Clause = tuple[str, list[Any]]


def search_sql(wanted: Search, keyed_by: str, *further: Clause) -> Clause | None:
    """A query and its values; None where nothing can be found. keyed_by: the facet that the column `key` has."""
    terms = read_terms(wanted.q)
    if wanted.q.strip() and not terms:
        return None
    clauses = [*_clauses(wanted, keyed_by), *_bounds(wanted), *further]
    if terms:
        clauses.append(("found @@ to_tsquery('simple', %s)", [" & ".join(map(_term, terms))]))
    where = " AND ".join(clause for clause, _ in clauses) or "true"
    order = "ORDER BY ticket.accepted DESC, ticket.id DESC LIMIT %s"
    sql = f"SELECT {SELECTED} FROM ticket LEFT JOIN document USING (accepted, id) WHERE {where} {order}"
    return sql, [*(value for _, values in clauses for value in values), wanted.limit]


def _term(term: Term) -> str:
    words = [f"'{word}'" for word in term.words]
    return f"({' <-> '.join(words)}{':*' if term.prefix else ''})"


def _bounds(wanted: Search) -> Iterator[Clause]:
    if wanted.since_ms is not None:
        yield "ticket.accepted >= %s", [wanted.since_ms]
    if wanted.until_ms is not None:
        yield "ticket.accepted < %s", [wanted.until_ms]
    if wanted.before is not None:  # the first clause says which months
        yield "ticket.accepted <= %s", [wanted.before[0]]
        yield "(ticket.accepted, ticket.id) < (%s, %s)", list(wanted.before)


def _clauses(wanted: Search, keyed_by: str) -> Iterator[Clause]:
    if wanted.states:
        yield "state = ANY(%s)", [list(wanted.states)]
    key = wanted.key if wanted.key is not None else wanted.facets.get(keyed_by)
    equal = {"key": key, "source": wanted.source, "decided_by": wanted.decided_by}
    for name, value in equal.items():
        if value is not None:
            yield f"{name} = %s", [value]
    if wanted.reason is not None:
        yield "%s IN (reason, closed)", [wanted.reason]
    for name, value in wanted.facets.items():
        yield "facets ->> %s = %s", [name, value]
    if wanted.requester is not None:
        yield "(lower(requester_id) = %s OR requester_email = %s)", [wanted.requester.lower()] * 2
    if wanted.ended_since_ms is not None:
        yield "ended >= %s", [wanted.ended_since_ms]
    if wanted.corrected is not None:
        yield "corrected = %s", [wanted.corrected]
