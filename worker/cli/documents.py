"""What `--json` prints beside tickets, and the times and amounts people read."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tasks.money import to_usd
from worker.http.tickets.documents import maybe_moment

if TYPE_CHECKING:
    from fallbacks.inbox.explain import Explanation
    from fallbacks.inbox.narrate import Line
    from tasks.run.events import Recorded

_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "m"))


moment = maybe_moment
"""Times as the API writes them."""


def span(seconds: float | None) -> str:
    """`4s`, `12m`, `3h`, `2d`: as coarse as people want it."""
    if seconds is None:
        return ""
    for size, unit in _UNITS:
        if abs(seconds) >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"


def explanation_document(card: "Explanation") -> dict[str, Any]:
    """The cause card."""
    steps = []
    for step in card.last_steps:
        fields = asdict(step)
        steps.append({**fields, "cost_usd": to_usd(fields.pop("cost_nanodollars"))})
    return {**asdict(card), "usage": {used.name: [used.used, used.limit] for used in card.usage}, "last_steps": steps}


def event_documents(timeline: "Sequence[Recorded]", lines: "Sequence[Line]") -> list[dict[str, Any]]:
    """Every event in words, with its stored fields under `data`."""
    documents = []
    for recorded, line in zip(timeline, lines, strict=True):
        cost = line.cost_nanodollars
        documents.append(
            {
                "seq": line.seq,
                "at": moment(line.at_ms),
                "epoch": line.epoch,
                "type": line.kind,
                "text": line.text,
                "detail": line.detail,
                "tokens_in": line.tokens_in,
                "tokens_out": line.tokens_out,
                "cost_usd": None if cost is None else to_usd(cost),
                "seconds": line.seconds,
                "data": asdict(recorded.event),
            }
        )
    return documents
