"""Examples as people's decisions leave them."""

from fallbacks.ledger.past.examples import Example
from tests.fakes.desk import TRIAGE

TEAMS = {label.name: label.team for label in TRIAGE.taxonomy.labels}
ONE, OTHER = sorted(TEAMS)[:2]


def example(
    number: int,
    key: str = ONE,
    suggested: str | None = None,
    *,
    text: str = "where is it",
    closed: str = "",
    at: int = 0,
) -> Example:
    """key: what a person decided. closed: the kind of a close, in its place."""
    facets = {} if closed else {"label": key, "team": TEAMS[key]}
    said = "" if closed else key
    return Example(f"t{number}", text, facets, said, suggested, "ada", "", None, at, None, None, closed)
