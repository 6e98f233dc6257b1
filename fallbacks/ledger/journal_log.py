"""One log line per journal event, where somebody listens: who did what to which ticket, never what was said.

Only the fields named here are reported; a new event must say which of its own are safe.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from tasks.run import events as ev

log = logging.getLogger("deskhand.journal")

SAFE: dict[str, tuple[str, ...]] = {
    "accepted": ("source",),
    "claimed": ("owner",),
    "context_fetched": ("outcome", "seconds"),
    "conversation_started": ("tier", "model", "prompt_version", "taxonomy_version", "tools_version", "code_version"),
    "step_started": ("step", "call_id", "model", "reserved_nanodollars"),
    "model_replied": (
        "step", "call_id", "stop", "input_tokens", "output_tokens", "cache_write_tokens", "cache_read_tokens",
        "cost_nanodollars", "seconds",
    ),
    "model_failed": ("step", "call_id", "reason", "cost_nanodollars", "retry_after_seconds", "seconds"),
    "call_lost": ("call_id", "cost_nanodollars"),
    "tool_finished": ("step", "tool", "outcome", "seconds"),
    "repair_asked": ("step",),
    "decision_submitted": ("step",),
    "run_stopped": ("step", "reason", "retry_after_seconds"),
    "retried": ("reason",),
    "tier_raised": ("tier", "reason"),
    "parked": ("reason", "until_ms"),
    "unparked": (),
    "released": ("why",),
    "lease_expired": ("owner", "losses"),
    "call_proposed": ("step", "tool", "key", "digest"),
    "call_edited": ("by", "key", "digest"),
    "call_approved": ("by", "key", "digest", "until_ms"),
    "call_rejected": ("by", "key", "digest"),
    "effect_begun": ("key", "tool"),
    "effect_ended": ("key",),
    "suggested": ("queue",),
    "handed_off": ("reason", "queue", "severity"),
    "decided": ("by", "action"),
    "closed": ("by", "kind", "of"),
    "cancelled": ("by",),
    "rejected": ("origin",),
    "person_acted": ("by", "action"),
    "resumed": ("by", "from_step"),
    "message_added": ("quiet", "door"),
    "reopened": ("message", "state"),
    "upheld": ("by", "kind"),
    "texts_erased": ("by", "receipt"),
}  # fmt: skip
"""Fields by event: ids, numbers, names of ours and of models. No text of a ticket, a model, a tool or a person."""

SAFE_OF_RESULT = ("priority", "confidence", "tier")
"""What every process has; beside it stand the facets of the one at work."""

LATEST = 3
"""Events the sweep can add to one ticket; they are at the end of its journal."""

OF_THE_SWEEP = frozenset({"lease_expired", "call_lost", "unparked"})


def listens() -> bool:
    """Whether lines are wanted; else an event costs none."""
    return log.isEnabledFor(logging.INFO)


def wrote(ticket_id: str, epoch: int | None, events: Iterable[ev.Event], facets: Iterable[str] = ()) -> None:
    """Report events that have been written. epoch: None of a person's. facets: what the process finds results by."""
    if listens():
        for event in events:
            _report(line(ticket_id, epoch, json.loads(event.to_json()), facets))


def swept(ticket_id: str, latest: Iterable[str], began_ms: int) -> None:
    """Report what the sweep wrote by itself since it began. latest: the last stored events of the ticket."""
    for stored in latest:
        event = json.loads(stored)
        if event["at"] >= began_ms and event["type"] in OF_THE_SWEEP:
            _report(line(ticket_id, event["epoch"], event))


def line(ticket_id: str, epoch: int | None, event: Mapping[str, Any], facets: Iterable[str] = ()) -> dict[str, Any]:
    """What may be said of one event."""
    name = str(event["type"])
    safe = {field: event[field] for field in SAFE.get(name, ()) if field in event}
    if name == "tool_finished" and event.get("outcome") == "invalid":
        del safe["tool"]  # a name of the model's own making may hold anything
    result = event.get("decision") or {}
    decided = {field: result[field] for field in (*facets, *SAFE_OF_RESULT) if field in result}
    return {"event": name, "ticket": ticket_id, "epoch": epoch, **safe, **decided}


def _report(fields: dict[str, Any]) -> None:
    log.info(fields["event"], extra={"fields": fields})
