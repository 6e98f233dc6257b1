"""What is left of a ticket whose texts are erased: structure, times and money. Pure.

What is not known to be structure is taken for text: a field that a later release adds goes, too.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from unicodedata import east_asian_width

from fallbacks.history.chain import ERASED, content_digest, erased_of, event_digest, head_of, row_digest
from fallbacks.history.port import EndedTicket
from fallbacks.ledger.past.examples import fingerprint_of
from tasks.reasons import Reason
from tasks.run.events import TextsErased
from tasks.run.process import Process

BODY = "[erased]"
"""In the place of a ticket's text: one without any is none."""

_IN_EVENTS = frozenset(
    {"type", "source", "owner", "outcome", "model", "prompt_version", "taxonomy_version"}
    | {"code_version", "call_id", "stop", "reason", "tool", "tool_call_id", "queue", "severity", "by", "action"}
    | {"kind", "door", "quiet", "origin", "key", "state", "receipt", "head", "left"}
)
"""Not `tools_version`: without it a conversation whose texts are gone begins anew where its ticket is worked again."""

_RULES = frozenset({"raised", "person"})
"""Lists of names of rules."""

_IN_RESULTS = frozenset(
    {"id", "by", "action", "closed", "proposed", "reason", "priority", "tier", "version", "decided_by"}
)
_REASONS = frozenset(reason.value for reason in Reason)
"""Of a correction it is a person's words."""

_LISTED = "further_labels"
_FIELDS = "fields"

_IN_ROWS = frozenset(
    {"state", "version", "epoch", "losses", "spent", "accepted", "since", "source", "door", "priority", "limits"}
    | {"digest", "deadline", "op", "steps", "steps_before", "settled_call", "kind_spent", "reason", "queue", "closed"}
    | {"sequence", "delivery", "sla", "news", "chars", "messages", "generation", "overbilled", "sent_by", "facets"}
    | {"repaired_as", "vouched", "probe", "blind", "rsv", "rsv_day", "rsv_call", "rsv_model", ERASED}
    | {"keys", "outbox", "unasked"}  # by which it is known when it is sent again, and what leaves with it
)
_RESULTS_OF_ROWS = frozenset({"decision", "proposal", "earlier", "standing"})
_OF_BODY = frozenset({"id", "source", "channel", "priority", "received_at", "deadline_seconds"})


@dataclass(frozen=True, slots=True)
class Eraser:
    """Takes texts out. receipt: which they name from then on. pseudonym: of a value, so that two that were the same
    still are: people's corrections of fields go on counting.
    """

    process: Process
    receipt: str
    by: str
    pseudonym: Callable[[str], str]

    def ticket(self, ticket: EndedTicket, at_ms: int) -> EndedTicket:
        """The whole of it. What was erased before stays as it was left. Its version is one more."""
        row = self._row(ticket)
        journal = self._closed(ticket, [self.event(stored) for stored in ticket.journal], at_ms)
        effects = {key: "done:null" if value.startswith("done:") else value for key, value in ticket.effects.items()}
        return EndedTicket(ticket.id, row, journal, effects, {}, (), ticket.keys)

    def mentions(self, ticket: EndedTicket, which: Callable[[str], bool], at_ms: int) -> EndedTicket:
        """Only of events that quote another ticket; the row stays as it is."""
        events = [self.event(stored) if which(stored) else stored for stored in ticket.journal]
        return replace(ticket, journal=self._closed(ticket, events, at_ms))

    def event(self, stored: str) -> str:
        """One event; it keeps the digest that it had."""
        raw: dict[str, Any] = json.loads(stored)
        left = {name: self._in_event(raw, name, value) for name, value in raw.items()}
        return stored if left == raw or erased_of(stored) else _json({**left, ERASED: self._mark(event_digest(stored))})

    def example(self, stored: str) -> str:
        """A person's decision: what it is counted by stays, whether the same text was decided before included."""
        raw = json.loads(stored)
        known = raw.get("fingerprint") or fingerprint_of(str(raw.get("text") or ""))
        return json.dumps(self.result(raw) | {"text": "", "fingerprint": known}, ensure_ascii=False)

    def result(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """A decision, a suggestion, or an outcome."""
        return {name: self._in_result(name, value) for name, value in result.items()}

    def outcome(self, body: str) -> str:
        """A message on its way: type and place stay, texts do not reach whoever did not get them yet."""
        raw = json.loads(body)
        data = {name: self._in_result(name, value) for name, value in raw.get("data", {}).items()}
        data |= {name: raw["data"][name] for name in ("state", "kind", "of", "queue") if name in raw.get("data", {})}
        return json.dumps({**{name: raw[name] for name in ("type", "timestamp") if name in raw}, "data": data})

    def _closed(self, before: EndedTicket, events: Iterable[str], at_ms: int) -> tuple[str, ...]:
        """With the event that says what was done."""
        events = tuple(events)
        head = head_of(before.id, map(event_digest, events))
        said = TextsErased(self.by, self.receipt, head, head_of(before.id, map(content_digest, events)))
        stamp = f'{{"at":{at_ms},"epoch":{before.row.get("epoch", "0")},'
        return (*events, stamp + said.to_json()[1:])

    def _mark(self, digest: bytes) -> dict[str, str]:
        return {"receipt": self.receipt, "sha256": digest.hex()}

    def _in_event(self, event: Mapping[str, Any], name: str, value: Any) -> Any:
        if name == "message" and isinstance(value, dict):
            return {"id": value["id"]} if "id" in value else {}
        if name == "message" and event.get("type") == "reopened":
            return value  # its id
        if name == "decision" and isinstance(value, dict):
            return self.result(value)
        own = name == "why" and (event.get("type") == "suggested" or event.get("by") == "agent")
        return (
            value
            if own or name == ERASED or (name in _RULES and isinstance(value, list))
            else _left(name, value, _IN_EVENTS)
        )

    def _in_result(self, name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return self._fields(value) if name == _FIELDS else self.result(value)
        if name == _LISTED:
            return value
        return _left(name, value, _IN_RESULTS | set(self.process.facet_names) | {self.process.keyed_by})

    def _fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: f"erased:{self.pseudonym(json.dumps(value, sort_keys=True))}" if value not in (None, "") else value
            for name, value in fields.items()
        }

    def _row(self, ticket: EndedTicket) -> dict[str, str]:
        kept = _IN_ROWS | {self.process.keyed_by}
        row = {name: value for name, value in ticket.row.items() if name in kept}
        for name in _RESULTS_OF_ROWS & ticket.row.keys():
            result = json.loads(ticket.row[name] or "null")
            row[name] = json.dumps(self.result(result)) if isinstance(result, dict) else ticket.row[name]
        if "body" in ticket.row:
            body = {name: value for name, value in json.loads(ticket.row["body"]).items() if name in _OF_BODY}
            row["body"] = _json({**body, "subject": "", "body": BODY})
        row["version"] = str(int(ticket.row["version"]) + 1)
        if ERASED not in row:
            row[ERASED] = _json(self._mark(bytes.fromhex(row_digest(ticket))))
        return row


def _left(name: str, value: Any, kept: Iterable[str]) -> Any:
    match value:
        case str():
            return value if name in kept and (name != "reason" or value in _REASONS) else ""
        case list():
            return []
        case dict():
            return {}
        case _:
            return value


def core_of(text: str, chars: int = 200) -> str:
    """The part of how a ticket begins that says most, by which whoever quotes it is found: without what JSON or HTML
    escapes, in any alphabet.
    """
    line = " ".join(text[: chars * 4].split())[: chars - 1]
    return max("".join(one if _plain(one) else "\n" for one in line).split("\n"), key=told_by).strip()


def told_by(core: str) -> int:
    """How much it says, in Latin letters: one of Chinese, Japanese or Korean counts as two."""
    return sum(2 if east_asian_width(one) in "WF" else 1 for one in core)


def _plain(one: str) -> bool:
    return one.isalnum() or one in " .,;:?!-" if one.isascii() else one.isprintable()


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
