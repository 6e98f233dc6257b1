"""What the API answers, typed. A field that this client does not know is left out; one that is missing is None."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")


class State(StrEnum):
    """Where a ticket is; the README of Deskhand says what each means."""

    QUEUED = "queued"
    RUNNING = "running"
    PARKED = "parked"
    SUGGESTED = "suggested"
    HANDED_OFF = "handed_off"
    DECIDED = "decided"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


IN_WORK = frozenset({State.QUEUED, State.RUNNING, State.PARKED})
"""The agent is not done with it; in every other state it is, one that this client does not know included."""


@dataclass(frozen=True, slots=True)
class AcceptedDocument:
    """An accepted ticket. state: at its acceptance, so that a repeated request gets the same answer."""

    id: str
    state: State | str


@dataclass(frozen=True, slots=True)
class AddedDocument:
    """A message that was added. id: its ticket's; message: its own. state: of the ticket, with it."""

    id: str
    message: str
    state: State | str


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a ticket, or is suggested.

    evidence: verbatim quotes of the ticket. fields: the taxonomy's own that have a value; further_labels: what else it
    is about. document: all of it, as answered; a deployment whose agent does another job than triage decides on other
    fields.
    """

    label: str
    team: str
    priority: str
    summary: str
    rationale: str
    evidence: Sequence[str]
    confidence: float
    decided_by: str
    tier: str
    fields: Mapping[str, Any]
    further_labels: Sequence[str]
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the run may use; None is unlimited. A nanodollar is 1e-9 dollars."""

    max_steps: int | None
    max_tool_calls: int | None
    max_tokens: int | None
    max_cost_usd: float | None
    max_cost_nanodollars: int | None
    max_seconds: float | None


@dataclass(frozen=True, slots=True)
class Usage:
    """What the run has used. reserved: held for a call in flight. started_at: RFC 3339."""

    steps: int
    tool_calls: int
    tokens: int
    cost_usd: float
    cost_nanodollars: int
    reserved_usd: float
    reserved_nanodollars: int
    started_at: str | None


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the agent that waits for a person: it would be given these arguments. digest: what an approval names.

    target, does, details: a preview. why: a person is asked. until: it may be approved before.
    """

    tool: str
    arguments: Mapping[str, Any]
    digest: str
    target: str
    does: str
    details: Mapping[str, str]
    why: str
    proposed_at: str
    until: str
    edited_by: str | None


@dataclass(frozen=True, slots=True)
class TicketDocument:
    """One ticket; times are RFC 3339 in UTC.

    ticket: as it was accepted. decision: what stands once the state is `decided`; until then the suggestion, if there
    is one. reason: why it is with people. raw_base64: a message that could not be read. earlier_decision: what stood
    before it was corrected. messages: what was added, in the order in which it came; last_message: the id of the one
    that the state follows from. call: of the agent, that waits for a person. assignee: whose it is while it waits;
    given_to: to which group a person gave it, such as `team:cards`.
    """

    id: str
    state: State | str
    version: int
    epoch: int
    source: str
    priority: str
    ticket: Mapping[str, Any] | None
    raw_base64: str | None
    decision: Decision | None
    reason: str | None
    detail: str
    queue: str | None
    usage: Usage
    limits: Limits
    workers_lost: int
    delivery: str
    holder: str | None
    accepted_at: str
    since: str
    due_by: str | None
    held_until: str | None
    snoozed_until: str | None
    undo_until: str | None
    earlier_decision: Decision | None
    messages: Sequence[Mapping[str, Any]]
    last_message: str | None
    call: Call | None
    assignee: str | None
    given_to: str | None


@dataclass(frozen=True, slots=True)
class EventDocument:
    """One event of the journal. seq: its place, from 0. data: the fields of its type."""

    seq: int
    type: str
    at: str
    epoch: int
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReceiptDocument:
    """What an erasure found and erased in each place, signed. erased: False after a dry run. whom: a digest that only
    the deployment can make. tickets: a mark of each. logs: what may still hold some, and until when.
    """

    id: str
    at_ms: int
    by: str
    asked: str
    whom: str
    tickets: Sequence[str]
    places: Mapping[str, Mapping[str, int]]
    logs: Mapping[str, str]
    key: str
    seal: str
    erased: bool


@dataclass(frozen=True, slots=True)
class FoundTicket:
    """A ticket that a search found. excerpt: of its text, around the words that were asked for. facets: of its
    decision, or of what is suggested. since: when it came into its state.
    """

    id: str
    state: State | str
    source: str
    priority: str
    subject: str
    excerpt: str
    requester: Mapping[str, Any] | None
    facets: Mapping[str, str]
    reason: str | None
    decided_by: str | None
    corrected: bool
    accepted_at: str
    since: str


def accepted(found: Mapping[str, Any]) -> AcceptedDocument:
    """Read what `POST /v1/tickets` answers."""
    return _read(AcceptedDocument, found, state=state(found["state"]))


def added(found: Mapping[str, Any]) -> AddedDocument:
    """Read what `POST /v1/tickets/{id}/messages` answers."""
    return _read(AddedDocument, found, state=state(found["state"]))


def receipt(found: Mapping[str, Any]) -> ReceiptDocument:
    """Read what `POST /v1/erase` answers."""
    return _read(ReceiptDocument, found)


def ticket(found: Mapping[str, Any]) -> TicketDocument:
    """Read what `GET /v1/tickets/{id}` answers."""
    return _read(
        TicketDocument,
        found,
        state=state(found["state"]),
        decision=_decision(found.get("decision")),
        earlier_decision=_decision(found.get("earlier_decision")),
        messages=tuple(found.get("messages") or ()),
        usage=_read(Usage, found["usage"]),
        limits=_read(Limits, found["limits"]),
        call=_read(Call, found["call"]) if found.get("call") else None,
    )


def ended(found: Mapping[str, Any]) -> TicketDocument | AcceptedDocument:
    """Read what an act on a ticket answers: only id and state to a key that reads no tickets."""
    return ticket(found) if "usage" in found else accepted(found)


def event(found: Mapping[str, Any]) -> EventDocument:
    """Read one of what `GET /v1/tickets/{id}/events` answers."""
    return _read(EventDocument, found)


def found_ticket(found: Mapping[str, Any]) -> FoundTicket:
    """Read one of what `GET /v1/tickets` answers."""
    return _read(FoundTicket, found, state=state(found["state"]))


def state(name: str) -> State | str:
    """The state of this name, or the name itself: a newer Deskhand may have more of them."""
    try:
        return State(name)
    except ValueError:
        return name


def _decision(found: Mapping[str, Any] | None) -> Decision | None:
    if found is None:
        return None
    more = {"fields": found.get("fields") or {}, "further_labels": tuple(found.get("further_labels") or ())}
    return _read(Decision, found, document=found, **more)


def _read(kind: type[T], found: Mapping[str, Any], **read: Any) -> T:
    return kind(**{of.name: found.get(of.name) for of in fields(kind)} | read)  # type: ignore[arg-type]
