"""What a ticket is found and counted by, read from its row and its journal when it leaves the store."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fallbacks.history.port import Cost, EndedTicket, Entry, Facts
from tasks.run.process import Process, Result

DAY_MS = 86_400_000

_STAMP = re.compile(r'\{"at":(\d+),"epoch":\d+,"type":"(\w+)"')
"""How the ledger begins an event: most need not be read further."""

_LET_GO = frozenset({"suggested", "handed_off", "decided", "parked", "released", "lease_expired", "closed"})
"""What ends a worker's hold."""

_SETTLES = frozenset({"model_replied", "model_failed", "call_lost"})


@dataclass(slots=True)
class _Story:
    """What a journal says. calls: call id -> its day and tier. sums: by day and tier, as in `Cost`."""

    messages: list[str] = field(default_factory=list)
    reason: str | None = None
    corrected: bool = False
    seconds: float = 0.0
    held: int | None = None
    calls: dict[str, tuple[int, str]] = field(default_factory=dict)
    sums: dict[tuple[int, str], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0, 0]))

    def read(self, at: int, kind: str, stored: str) -> None:
        if kind == "claimed":
            self.held = at
        elif kind in _LET_GO and self.held is not None:
            self.seconds += max(0, at - self.held) / 1000
            self.held = None
        if kind == "step_started":
            event = json.loads(stored)
            self.calls[str(event.get("call_id"))] = (at // DAY_MS, str(event.get("model", "")))
        elif kind in _SETTLES:
            self._settle(at, json.loads(stored))
        elif kind == "message_added":
            self.messages.append(str((json.loads(stored).get("message") or {}).get("body", "")))
        elif kind == "handed_off":
            self.reason = json.loads(stored).get("reason") or None
        elif kind == "decided":
            self.corrected |= '"action":"correct"' in stored

    def _settle(self, at: int, event: Mapping[str, Any]) -> None:
        """On the day of its reservation, as the store counts."""
        sums = self.sums[self.calls.get(str(event.get("call_id")), (at // DAY_MS, ""))]
        read = (event.get(name, 0) for name in ("input_tokens", "cache_write_tokens", "cache_read_tokens"))
        for place, value in enumerate((1, sum(read), event.get("output_tokens", 0), event.get("cost_nanodollars", 0))):
            sums[place] += int(value)


def entry_of(ticket: EndedTicket, process: Process) -> Entry:
    """A ticket with what it is found by. Raises ValueError or KeyError where its row is none."""
    return Entry(ticket, facts_of(ticket, process))


def facts_of(ticket: EndedTicket, process: Process) -> Facts:
    """Read from what the ledger held. Raises ValueError or KeyError where its row is none."""
    row, story = ticket.row, _story(ticket.journal)
    body = _read(row.get("body"))
    requester = body.get("requester") or {}
    decision = _read(row.get("decision")) if row["state"] == "decided" else {}
    suggested = _read(row.get("proposal"))
    spent, accepted = int(row.get("spent", 0)), int(row["accepted"])
    texts = (body.get("subject"), body.get("body"), *story.messages, decision.get("summary"))
    return Facts(
        accepted_ms=accepted,
        ended_ms=int(row.get("since", accepted)),
        version=int(row["version"]),
        state=row["state"],
        source=clean(row.get("source", "")),
        door=clean(row.get("door", "")),
        digest=row.get("digest", ""),
        subject=clean(str(body.get("subject") or "")),
        text=clean("\n\n".join(str(text) for text in texts if text)),
        requester_id=_or_none(requester.get("id")),
        requester_email=_or_none((requester.get("email") or "").strip().lower()),
        requester_name=_or_none(requester.get("name")),
        reason=story.reason,
        closed=row.get("closed") if row["state"] == "closed" else None,
        key=_key(process, decision),
        facets=_facets(process, decision),
        priority=row.get("priority", ""),
        tier=_or_none(decision.get("tier")),
        decided_by=_or_none(decision.get("decided_by")),
        confidence=decision.get("confidence"),
        suggested=_key(process, suggested),
        corrected=story.corrected,
        spent_nanodollars=spent,
        overbilled=int(row.get("overbilled", 0)),
        steps=int(row.get("steps", 0)),
        run_seconds=round(story.seconds, 3),
        costs=tuple(_costs(story, spent, accepted)),
    )


def costs_of(ticket: EndedTicket) -> tuple[Cost, ...]:
    """What a ticket cost, by day and tier."""
    row = ticket.row
    return tuple(_costs(_story(ticket.journal), int(row.get("spent", 0)), int(row["accepted"])))


def _costs(story: _Story, spent: int, accepted: int) -> Iterator[Cost]:
    """Whatever the journal does not say of what was spent stands on the day of acceptance: the days add up."""
    for (day, tier), sums in sorted(story.sums.items()):
        yield Cost(day, clean(tier), *sums)
    if missing := spent - sum(sums[3] for sums in story.sums.values()):
        yield Cost(accepted // DAY_MS, "", 0, 0, 0, missing)


def _story(journal: Sequence[str]) -> _Story:
    story = _Story()
    for stored in journal:
        if found := _STAMP.match(stored):
            story.read(int(found[1]), found[2], stored)
        else:
            event = json.loads(stored)
            story.read(int(event.get("at", 0)), str(event.get("type")), stored)
    return story


def _key(process: Process, result: Result) -> str | None:
    return clean(process.key(result)) if result.get(process.keyed_by) is not None else None


def _facets(process: Process, result: Result) -> Mapping[str, str]:
    if any(result.get(name) is None for name in process.facet_names):
        return {}
    return {name: clean(value) for name, value in process.facets(result).items()}


def _read(stored: str | None) -> dict[str, Any]:
    found = json.loads(stored) if stored else None
    return found if isinstance(found, dict) else {}


def _or_none(value: Any) -> str | None:
    return clean(str(value)) if value else None


def clean(text: str) -> str:
    """As any database keeps it: half a character, or a NUL, becomes a question mark."""
    if text.isascii():
        return text.replace("\0", "?") if "\0" in text else text
    return text.encode("utf-8", "replace").decode().replace("\0", "?")
