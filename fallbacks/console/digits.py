"""The labels behind the digits 1-9: near misses of the proposal first, then its team's, most used first."""

from collections import Counter

from fallbacks.inbox.likely_labels import MOST, likely_labels
from fallbacks.ledger.views import TicketView
from tasks.triage.taxonomy import Taxonomy


def digit_labels(taxonomy: Taxonomy, view: TicketView, context: str | None, decided: Counter[str]) -> tuple[str, ...]:
    """Nine labels other than the proposed one, which has a key of its own."""
    proposed = (view.decision or {}).get("label")
    likely = likely_labels(taxonomy, view.ticket, view.decision, context)
    team = taxonomy.by_name[proposed].team if proposed in taxonomy.by_name else None
    order = sorted(taxonomy.labels, key=lambda label: (label.team != team, -decided[label.name]))
    near = likely[: MOST // 2 + 1] if proposed else likely
    ranked = dict.fromkeys([*near, *(label.name for label in order)])
    return tuple(name for name in ranked if name != proposed)[:MOST]
