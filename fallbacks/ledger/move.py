"""A ticket's move: to another state, or within one, with all that must happen in the same moment (`lua/move.lua`)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any, assert_never
from uuid import uuid4

from fallbacks.errors import ConversationFull, MessageConflict, Stale, UnknownTicket
from fallbacks.ledger import journal_log
from fallbacks.ledger.limits.breaker import ModelFailure
from fallbacks.ledger.states import State
from fallbacks.ledger.sums.meters import counted
from fallbacks.ledger.sums.meters import field as meter
from fallbacks.plan import Severity
from fallbacks.store.port import Store, lua_header, lua_values
from tasks.errors import LeaseLost, NewMessages
from tasks.reasons import Reason
from tasks.run import events as ev


@dataclass(frozen=True, slots=True)
class At:
    """A point in time. ms: store time."""

    ms: int


@dataclass(frozen=True, slots=True)
class In:
    """So long after the move is written. ms: 0 for at once."""

    ms: int


class Stay(Enum):
    """As it was before the move."""

    STAYS = "stays"


STAYS = Stay.STAYS


@dataclass(frozen=True, slots=True)
class ByWorker:
    """Only while this owner holds this epoch's lease; else the move raises `LeaseLost`."""

    epoch: int
    owner: str


@dataclass(frozen=True, slots=True)
class ByPerson:
    """Only on what the person was shown; else the move raises `Stale`.

    version: of the ticket, None for any. name: nobody else may hold the item; None: whoever holds it.
    """

    version: int | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """Where an item stands in the inbox. look_by: when a person should have looked. facets: such as `queue:review`."""

    look_by: At | In
    facets: tuple[str, ...]

    def to_values(self) -> dict[str, Any]:
        """As the script reads it, and as an undo keeps it."""
        name = "sla" if isinstance(self.look_by, At) else "sla_in"
        return {name: self.look_by.ms, "facets": list(self.facets)}


def read_entry(values: Mapping[str, Any]) -> InboxEntry:
    """What `to_values` wrote."""
    look_by = At(int(values["sla"])) if "sla" in values else In(int(values["sla_in"]))
    return InboxEntry(look_by, tuple(values["facets"]))


@dataclass(frozen=True, slots=True)
class AlertRaised:
    """A hand-off that somebody is to hear of."""

    reason: Reason
    severity: Severity


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """An outcome on its way to one receiver. id: the same on every try. body: JSON text. due_in_ms: not before."""

    id: str
    to: str
    event: str
    body: str
    due_in_ms: int = 0


@dataclass(frozen=True, slots=True)
class RunFigures:
    """What a run that ends is counted by. kind: of its result. version: of the tier that it ended on."""

    kind: str | None
    version: str | None


@dataclass(frozen=True, slots=True)
class TakesBack:
    """What a decision or a close left that its undo removes, while it can still be undone. outbox: ids."""

    outbox: tuple[str, ...]
    example: str | None


@dataclass(frozen=True, slots=True)
class AddedMessage:
    """A message that comes with a move. most_chars: of the whole conversation. news: somebody must look at it.

    original, attached, bounced: as of `Ledger.accept`; None where there is none.
    """

    id: str
    digest: str
    chars: int
    most_chars: int
    news: bool
    original: str | None = None
    attached: str | None = None
    bounced: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """One move of one ticket, or none at all.

    allowed: the states it may start from. events: what the journal says of it. due: when the sweep looks at it, None
    for never. inbox: its entry, None for out of the inbox. values, unset: fields of the row. undo_in_ms: a decision can
    be undone for so long. example: of a person's decision (JSON). judged: what a person made of a call that waited
    (JSON). count: counters that go up by one. failure: of a model that no call could be made to. figures: of the run
    that ends by it. agreed: whether a person decides what was suggested, None where nothing was. heard: messages of the
    ticket that were known; with more of them the move raises `NewMessages`. message: one that is added. unnoticed: what
    people were shown stays true, and its version. former: whose the item was; where its group is in rotation it goes to
    another of it.
    """

    to: State
    allowed: Collection[State]
    by: ByWorker | ByPerson
    events: tuple[ev.Event, ...]
    due: At | In | Stay | None = None
    inbox: InboxEntry | Stay | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    alert: AlertRaised | None = None
    outbox: tuple[OutboxEntry, ...] = ()
    undo_in_ms: int | None = None
    takes_back: TakesBack | None = None
    example: str | None = None
    judged: str | None = None
    count: tuple[str, ...] = ()
    failure: ModelFailure | None = None
    figures: RunFigures | None = None
    agreed: bool | None = None
    heard: int | None = None
    message: AddedMessage | None = None
    unnoticed: bool = False
    former: str | None = None

    def to_header(self, op: str) -> str:
        """The script's header. op: makes a move that is sent again the same move."""
        return lua_header(
            {
                "op": op,
                "states": [state.value for state in self.allowed],
                "state": self.to.value,
                **_guard(self.by),
                **_due(self.due),
                **_inbox(self.inbox),
                "set": dict(self.values) or None,
                "unset": list(self.unset) or None,
                **_alert(self.alert),
                "outbox": [_message(entry) for entry in self.outbox] or None,
                "undo_in": self.undo_in_ms,
                **_taken_back(self.takes_back),
                "example": self.example,
                "judged": self.judged,
                "count": list(self.count) or None,
                "failure": self.failure.to_header() if self.failure else None,
                "heard": self.heard,
                "message": lua_values(asdict(self.message)) if self.message else None,
                "unnoticed": self.unnoticed or None,
                "former": self.former,
                "meters": _meters(self.events, self.agreed),
                "figures": lua_values(asdict(self.figures)) if self.figures else None,
            }
        )


@dataclass(frozen=True, slots=True)
class Moved:
    """A move that was written. version: of the ticket, after it. at_ms: store time. again: its message was there."""

    version: int
    at_ms: int
    again: bool = False


async def make_move(store: Store, ticket_id: str, move: Move, facets: Sequence[str] = ()) -> Moved:
    """Make a move, or raise: `LeaseLost` and `NewMessages` of a worker's, `Stale` or `UnknownTicket` of a person's,
    `MessageConflict` and `ConversationFull` of a message. facets: to log.
    """
    events = [event.to_json() for event in move.events]
    verdict = await store.run("move", ticket_id, move.to_header(uuid4().hex), *events)
    epoch = move.by.epoch if isinstance(move.by, ByWorker) else None
    match verdict[0]:
        case "ok":
            journal_log.wrote(ticket_id, epoch, move.events, facets)
            return Moved(int(verdict[2]), int(verdict[3]))
        case "stale":
            raise stale(ticket_id, verdict)
        case "news":
            raise NewMessages
        case "seen":
            return Moved(int(verdict[2]), int(verdict[3]), again=True)
        case "conflict":
            raise MessageConflict(ticket_id, move.message.id if move.message else "")
        case "full":
            raise ConversationFull(ticket_id)
        case _ if epoch is not None:
            raise LeaseLost(ticket_id)
        case _:
            raise UnknownTicket(ticket_id)


def stale(ticket_id: str, verdict: list[Any]) -> Stale:
    """What a script's refusal says. verdict: "stale", state, version and holder, "" for nobody."""
    _, state, version, holder = verdict
    held = f", held by {holder}" if holder else ""
    message = f"{ticket_id} has changed: it is {state}, version {version}{held}"
    return Stale(message, state=state, version=int(version), holder=holder)


def _meters(events: Sequence[ev.Event], agreed: bool | None) -> dict[str, str] | None:
    judged = {} if agreed is None else {meter("suggestions_judged", agreed="yes" if agreed else "no"): "1"}
    return {**(counted(events) or {}), **judged} or None


def _guard(by: ByWorker | ByPerson) -> dict[str, Any]:
    match by:
        case ByWorker():
            return {"epoch": str(by.epoch), "owner": by.owner}
        case ByPerson():
            return {"version": by.version, "person": by.name}
        case _:
            assert_never(by)


def _due(due: At | In | Stay | None) -> dict[str, Any]:
    match due:
        case At():
            return {"due_at": due.ms}
        case In():
            return {"due_in": due.ms}
        case Stay():
            return {"keep_due": True}
        case None:
            return {}
        case _:
            assert_never(due)


def _inbox(entry: InboxEntry | Stay | None) -> dict[str, Any]:
    match entry:
        case InboxEntry():
            return {"inbox": entry.to_values()}
        case Stay():
            return {"keep_inbox": True}
        case None:
            return {}
        case _:
            assert_never(entry)


def _alert(alert: AlertRaised | None) -> dict[str, Any]:
    return {"alert": {"reason": alert.reason.value, "severity": alert.severity.value}} if alert else {}


def _message(entry: OutboxEntry) -> dict[str, Any]:
    return {"id": entry.id, "to": entry.to, "event": entry.event, "body": entry.body, "due_in": entry.due_in_ms}


def _taken_back(what: TakesBack | None) -> dict[str, Any]:
    return {"undo": True, "drop_outbox": list(what.outbox), "drop_example": what.example} if what else {}
