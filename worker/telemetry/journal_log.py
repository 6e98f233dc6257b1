"""One log line per journal event, where LOG_FORMAT is `json`: who did what to which ticket, never what was said.

Only the fields named here are told; a new event must say which of its own are safe.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from fallbacks.store.redis_store import RedisStore

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
    "effect_begun": ("key", "tool"),
    "effect_ended": ("key",),
    "suggested": ("queue",),
    "handed_off": ("reason", "queue", "severity"),
    "decided": ("by", "action"),
    "cancelled": ("by",),
    "rejected": ("origin",),
    "person_acted": ("by", "action"),
    "resumed": ("by", "from_step"),
}  # fmt: skip
"""Fields by event: ids, numbers, names of ours and of models. No text of a ticket, a model, a tool or a person."""

SAFE_OF_DECISION = ("label", "team", "priority", "confidence", "tier")

FIRST_EVENT = {
    "accept": 2,
    "reject": 2,
    "claim": 4,
    "begin_step": 1,
    "end_step": 1,
    "begin_effect": 1,
    "end_effect": 2,
    "move": 1,
    "next_item": 4,
}
"""Where the events stand among a script's arguments. All that follow are events, but for `next_item`: one."""

WRITTEN = frozenset({"ok", "new", "again"})

LATEST = 3
"""Events a script can add by itself before those it is given; looked for at the end of the journal."""


class LoggedStore(RedisStore):
    """The books in Redis, telling what is written to a journal once it is written."""

    async def run(self, script: str, ticket_id: str, *args: str | int) -> Any:
        """As `RedisStore.run`."""
        began = await self.now_ms() if script == "sweep" else 0
        verdict = await super().run(script, ticket_id, *args)
        for told in written(script, ticket_id, args, verdict):
            log.info(told["event"], extra={"fields": told})
        if script == "sweep":
            await self._tell_swept(verdict[1::2], began)
        return verdict

    async def _tell_swept(self, ticket_ids: Sequence[str], began_ms: int) -> None:
        """What the sweep wrote by itself: leases that expired, calls lost with them, parks that are over."""
        for ticket_id in ticket_ids:
            for stored in await self.journal(ticket_id, -LATEST, -1):
                event = json.loads(stored)
                if event["at"] >= began_ms and event["type"] in ("lease_expired", "call_lost", "unparked"):
                    told = line(ticket_id, event["epoch"], event)
                    log.info(told["event"], extra={"fields": told})


def written(script: str, ticket_id: str, args: Sequence[str | int], verdict: Any) -> Iterator[dict[str, Any]]:
    """The fields of every line that a script's call is worth, given its answer. Pure."""
    first = FIRST_EVENT.get(script)
    if first is None or not verdict:
        return
    if script == "next_item":
        yield line(str(verdict), None, json.loads(str(args[first])))
        return
    if script != "reject" and verdict[0] not in WRITTEN:
        return
    ticket_id = str(verdict[1]) if script == "accept" else ticket_id
    epoch = int(verdict[1]) if script == "claim" else _epoch(script, args)
    for stored in args[first:]:
        yield line(ticket_id, epoch, json.loads(str(stored)))


def line(ticket_id: str, epoch: int | None, event: dict[str, Any]) -> dict[str, Any]:
    """What may be told of one event."""
    name = str(event["type"])
    safe = {field: event[field] for field in SAFE.get(name, ()) if field in event}
    if name == "tool_finished" and event.get("outcome") == "invalid":
        del safe["tool"]  # a name of the model's own making may hold anything
    decision = event.get("decision") or {}
    told = {field: decision[field] for field in SAFE_OF_DECISION if field in decision}
    return {"event": name, "ticket": ticket_id, "epoch": epoch, **safe, **told}


def _epoch(script: str, args: Sequence[str | int]) -> int | None:
    """The epoch of a worker's write; a person's carries none."""
    if script in ("accept", "reject"):
        return 0
    epoch = json.loads(str(args[0])).get("epoch")
    return None if epoch is None else int(epoch)
