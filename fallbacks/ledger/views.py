"""Reading the ledger: one ticket, its timeline, and the numbers of the whole. Derived, never stored twice."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fallbacks.errors import UnknownTicket
from fallbacks.history.port import EndedTicket, History, Known
from fallbacks.ledger.addresses import address_digest
from fallbacks.ledger.attachments import unpacked, unpacked_texts
from fallbacks.ledger.calls import PendingCall, read_pending
from fallbacks.ledger.limits.source_caps import SourceTerms, least_terms, read_terms
from fallbacks.ledger.past.coming_back import brought_back
from fallbacks.ledger.states import ENDED, INBOX, Closed, State
from fallbacks.plan import DAY_MS
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.checkpoint import Checkpoint, fold
from tasks.run.limits import Limits, read_limits
from tasks.ticket import Ticket, read_stored
from tasks.tools.ports import AttachmentText

WORKER_SILENT_MS = 60_000
"""A worker not heard of for this long is not counted."""


@dataclass(frozen=True, slots=True)
class TicketView:
    """One ticket as every door shows it.

    Times are store time, ms since the epoch; None where it has not happened. ticket: None for a rejected message,
    whose bytes are in `raw` (base64). decision: what stands, or is suggested while the state is not `decided`. earlier:
    what was decided before.
    unaided: what the agent suggested before any person had a part in it: its facets, tier, version, blind. blind: its
    suggestion is not to be shown to the person who decides, so no door finds it in `decision`: it is `unseen`.
    door: what it came in by, `http` or `hook:NAME`; "" where it was accepted before that was kept. sent_by: the id of
    the API key that sent it. deadline_ms: until when it may wait. undo_by: who ended it and may take that back; None
    where nothing can be undone. stands: the decision that stands while what was added since is worked; earlier is then
    the same. assignee: whose it is; given: to which group a person gave it, as its facet says it: "team:cards".
    messages: how many were added; last_message: the id of the last that asked for attention. call: of the agent, that
    waits for a person.
    """

    id: str
    state: State
    version: int
    epoch: int
    source: str
    priority: str
    ticket: Ticket | None
    raw: str | None
    limits: Limits
    spent_nanodollars: int
    reserved_nanodollars: int
    steps: int
    losses: int
    decision: dict[str, Any] | None
    reason: Reason | None
    detail: str
    queue: str | None
    accepted_ms: int
    since_ms: int
    due_by_ms: int | None
    holder: str | None
    held_until_ms: int | None
    snoozed_until_ms: int | None
    undo_until_ms: int | None
    delivery: str
    unaided: dict[str, Any] | None = None
    blind: bool = False
    unseen: dict[str, Any] | None = None
    closed: Closed | None = None
    door: str = ""
    sent_by: str | None = None
    deadline_ms: int | None = None
    earlier: dict[str, Any] | None = None
    undo_by: str | None = None
    stands: dict[str, Any] | None = None
    messages: int = 0
    last_message: str | None = None
    assignee: str | None = None
    given: str | None = None
    call: PendingCall | None = None

    @property
    def result(self) -> dict[str, Any] | None:
        """The decision or the suggestion, seen or not: for the ledger, never for a screen."""
        return self.decision or self.unseen


@dataclass(frozen=True, slots=True)
class Stats:
    """The whole, at one moment. states: tickets by state, those in history too. oldest_seconds: age of the oldest in
    each state that is in the store. ended_here: tickets in the store that have ended and will leave for history.

    inbox: waiting items by reason ("suggestion" or "approval" where there is none). slots: of all workers heard of
    lately. spent / reserved: nanodollars of this UTC day. counters: what was counted since the store was opened;
    meters: likewise, for `fallbacks.ledger.sums.meters` to read. starting: queues of the workers that are no workers
    yet, since they train their local model first.
    """

    states: dict[str, int]
    ended_here: int
    oldest_seconds: dict[str, float]
    inbox: dict[str, int]
    slots: int
    workers: list[dict[str, Any]]
    spent_nanodollars: int
    reserved_nanodollars: int
    outbox: int
    alerts: int
    counters: dict[str, int]
    meters: dict[str, int]
    control: dict[str, str]
    now_ms: int
    starting: frozenset[str] = frozenset()

    def day_cap(self, own: int | None) -> int | None:
        """Nanodollars that the fleet may spend today, None for no such cap: set at run time, or what its workers were
        started with, or where none says so what the process that asks was. own: that.
        """
        if "day_cap" in self.control:
            return int(self.control["day_cap"])
        return min((cap for beat in self.workers if (cap := beat.get("day_cap")) is not None), default=own)

    def source_terms(self, own: SourceTerms) -> SourceTerms:
        """What sources may spend and send by the settings of the workers that work, the least where they differ; what
        the process that asks was started with where none says so.
        """
        said = [read_terms(beat["sources"]) for beat in self.workers if "sources" in beat]
        return least_terms(said) if said else own

    @property
    def ended_oldest_seconds(self) -> float | None:
        """How long ago the first of those ended that are in the store; None where there is none."""
        return max((self.oldest_seconds[state] for state in ENDED if state in self.oldest_seconds), default=None)


class Views:
    """Reads over a store, and over history for tickets that have left it. What is in both is read from the store.

    A ticket that is in neither raises `HistoryUnreachable` where history cannot be asked.
    """

    def __init__(self, store: Store, history: History | None = None) -> None:
        self.store = store
        self.history = history

    async def ticket(self, ticket_id: str) -> TicketView:
        """One ticket; raises `UnknownTicket`."""
        row = await self.row(ticket_id)
        if not row:
            raise UnknownTicket(ticket_id)
        return read_row(ticket_id, row, await self.store.now_ms())

    async def row(self, ticket_id: str) -> dict[str, str]:
        """Its stored row, wherever it is; empty when there is none."""
        row = await self.store.row(ticket_id)
        if not row and (ended := await self._ended(ticket_id)):
            row = dict(ended.row)
        return row

    async def known(self, ticket_ids: Sequence[str]) -> Mapping[str, Known]:
        """Those of them that are in history."""
        return await self.history.known(ticket_ids) if self.history is not None and ticket_ids else {}

    async def stored_ticket(self, ticket_id: str) -> Ticket | None:
        """The ticket as it was accepted; None where there is none (a message that could not be read has none)."""
        row = await self.row(ticket_id)
        return read_stored(row["body"]) if "body" in row else None

    async def timeline(self, ticket_id: str, start: int = 0, stop: int = -1) -> list[ev.Recorded]:
        """Its journal from `start` to `stop`, both included."""
        stored = await self.journal(ticket_id, start, stop)
        return [ev.read_event(event, start + offset) for offset, event in enumerate(stored)]

    async def journal(self, ticket_id: str, start: int = 0, stop: int = -1) -> list[str]:
        """The same as it is stored. start: from 0; stop: -1 being the last."""
        stored = await self.store.journal(ticket_id, start, stop)
        if not stored and (ended := await self._ended(ticket_id)):
            stored = list(ended.journal[start:] if stop == -1 else ended.journal[start : stop + 1])
        return stored

    async def bring_back(self, ticket_id: str) -> bool:
        """Put a ticket of history into the store again, under its next version; whether it was not there."""
        ended = await self._ended(ticket_id)
        return ended is not None and await brought_back(self.store, ended) is not None

    async def _ended(self, ticket_id: str) -> EndedTicket | None:
        if self.history is None or await self.store.row(ticket_id):
            return None
        return await self.history.find(ticket_id)

    async def original(self, ticket_id: str, message_id: str = "") -> bytes | None:
        """What it, or a message of it, was read from, a mail; None where nothing was kept."""
        kept = (await self._beside(ticket_id)).get(f"zlib:{message_id}" if message_id else "zlib")
        return unpacked(kept) if kept else None

    async def originals(self, ticket_id: str) -> frozenset[str]:
        """Messages whose mails are kept, by id."""
        return frozenset(name[5:] for name in await self._beside(ticket_id) if name.startswith("zlib:"))

    async def attachment_texts(self, ticket_id: str) -> dict[int, AttachmentText]:
        """The texts of what is attached, by their places: the ticket's own from 1, then those of each message, as they
        came. One without text is missing.
        """
        beside = await self._beside(ticket_id)
        texts = unpacked_texts(beside["attached"]) if "attached" in beside else {}
        if not any(name.startswith("attached:") for name in beside):
            return texts
        checkpoint, ticket = await self.checkpoint(ticket_id), (await self.ticket(ticket_id)).ticket
        before = len(ticket.attachments) if ticket else 0
        for added in checkpoint.added:
            own = unpacked_texts(kept) if (kept := beside.get(f"attached:{added.message.id}")) else {}
            texts |= {before + place: text for place, text in own.items()}
            before += len(added.message.attachments)
        return texts

    async def bounced(self, ticket: Ticket | None) -> int | None:
        """When the last mail to its requester's address came back (ms); None where none has within ninety days."""
        email = ticket.requester.email if ticket and ticket.requester else None
        if not email:
            return None
        last = await self.store.fields(keys.bounced(address_digest(email)))
        return int(last["at"]) if last and last["ticket"] != (ticket.id if ticket else None) else None

    async def _beside(self, ticket_id: str) -> dict[str, str]:
        kept = await self.store.fields(keys.original(ticket_id))
        if not kept and (ended := await self._ended(ticket_id)):
            kept = dict(ended.beside)
        return kept

    async def checkpoint(self, ticket_id: str) -> Checkpoint:
        """Where its run stands, folded from the whole journal."""
        return fold(await self.timeline(ticket_id))

    async def ids(self, state: State, start: int = 0, stop: int = 99) -> list[str]:
        """Tickets in one state, longest there first."""
        return [member for member, _ in await self.store.ranked(keys.in_state(state), start, stop)]

    async def stats(self) -> Stats:
        """Counts, ages, money and workers."""
        now = await self.store.now_ms()
        states = list(State)
        sizes = await self.store.sizes([keys.in_state(state) for state in states])
        here = dict(zip(states, sizes, strict=True))
        oldest = {
            state.value: (now - score) / 1000
            for state, size in here.items()
            if size
            for _, score in await self.store.ranked(keys.in_state(state), 0, 0)
        }
        reasons = list(Reason)
        waiting = await self.store.sizes(
            [*map(keys.inbox_facet, ["queue:suggestions", "queue:approvals", *(f"reason:{r.value}" for r in reasons)])]
        )
        inbox = dict(zip(["suggestion", "approval", *(r.value for r in reasons)], waiting, strict=True))
        day = await self.store.fields(keys.day(str(now // DAY_MS)))
        beats = [json.loads(beat) for beat in (await self.store.fields(keys.WORKERS)).values()]
        heard = [beat for beat in beats if now - beat["at"] < WORKER_SILENT_MS]
        workers = [beat for beat in heard if not beat.get("starting")]
        outbox, alerts = await self.store.sizes([keys.OUTBOX, keys.ALERTS])
        left = {name: int(value) for name, value in (await self.store.fields(keys.COUNTERS)).items()}
        return Stats(
            states={state.value: size + left.get(f"left_{state}", 0) for state, size in here.items()},
            ended_here=sum(size for state, size in here.items() if state in ENDED),
            oldest_seconds=oldest,
            inbox={name: size for name, size in inbox.items() if size},
            slots=sum(beat["slots"] for beat in workers if "tickets" in beat["queues"]),
            workers=workers,
            spent_nanodollars=int(day.get("spent", 0)),
            reserved_nanodollars=int(day.get("reserved", 0)),
            outbox=outbox,
            alerts=alerts,
            counters=left,
            meters={name: int(value) for name, value in (await self.store.fields(keys.METERS)).items()},
            control=await self.store.fields(keys.CONTROL),
            now_ms=now,
            starting=frozenset(queue for beat in heard if beat.get("starting") for queue in beat["queues"]),
        )


def read_row(ticket_id: str, row: dict[str, str], now_ms: int) -> TicketView:
    """A stored row as a view."""
    state = State(row["state"])
    held_until = int(row.get("held_until", 0))
    held = state in INBOX and held_until > now_ms
    blind = state is State.SUGGESTED and "blind" in row
    decision = json.loads(row["decision"]) if "decision" in row else None
    return TicketView(
        id=ticket_id,
        state=state,
        version=int(row["version"]),
        epoch=int(row["epoch"]),
        source=row["source"],
        priority=row["priority"],
        ticket=read_stored(row["body"]) if "body" in row else None,
        raw=row.get("raw"),
        limits=read_limits(row["limits"]) if "limits" in row else Limits(),
        spent_nanodollars=int(row.get("spent", 0)),
        reserved_nanodollars=int(row.get("rsv", 0)),
        steps=int(row.get("steps", 0)),
        losses=int(row.get("losses", 0)),
        decision=None if blind else decision,
        reason=Reason(row["reason"]) if "reason" in row else None,
        detail=row.get("detail", ""),
        queue=row.get("queue"),
        accepted_ms=int(row["accepted"]),
        since_ms=int(row.get("since", row["accepted"])),
        due_by_ms=int(row["sla"]) if "sla" in row else None,
        holder=row.get("holder") if held else None,
        held_until_ms=held_until if held else None,
        snoozed_until_ms=int(row["snoozed_until"]) if int(row.get("snoozed_until", 0)) > now_ms else None,
        undo_until_ms=int(row["undo_until"]) if int(row.get("undo_until", 0)) > now_ms else None,
        delivery=row.get("delivery", "none"),
        unaided=json.loads(row["proposal"]) if "proposal" in row else None,
        blind=blind,
        unseen=decision if blind else None,
        closed=Closed(row["closed"]) if "closed" in row and state is State.CLOSED else None,
        door=row.get("door", ""),
        sent_by=row.get("sent_by"),
        deadline_ms=int(row["deadline"]) if "deadline" in row else None,
        earlier=json.loads(earlier) if (earlier := row.get("standing") or row.get("earlier")) else None,
        stands=json.loads(row["standing"]) if "standing" in row else None,
        messages=int(row.get("messages", 0)),
        last_message=row.get("last_message"),
        call=read_pending(row["call"]) if "call" in row else None,
        assignee=_owner(row, keys.ASSIGNEE),
        given=_owner(row, keys.GIVEN),
        undo_by=_undo_by(row, decision) if int(row.get("undo_until", 0)) > now_ms else None,
    )


def _owner(row: dict[str, str], kind: str) -> str | None:
    """It is a facet of the item, so that lists find it."""
    facets: list[str] = json.loads(row.get("facets", "[]"))
    return next((facet.removeprefix(kind) for facet in facets if facet.startswith(kind)), None)


def _undo_by(row: dict[str, str], decision: dict[str, Any] | None) -> str | None:
    """Who may undo. Rows of releases before closes were kept say it in the decision only."""
    by = json.loads(row.get("undo", "{}")).get("by") or (decision or {}).get("decided_by")
    return None if by is None else str(by)
