"""Tickets by state, reason, requester, source and age: from the indexes, and of bounded cost whatever they hold."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fallbacks.ledger.states import INBOX, State
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.reasons import Reason
from tasks.run import events as ev

MOST_LOOKED_AT = 5000
"""Rows that one call reads: at 100,000 tickets it costs what it costs at 5,000."""

CHUNK = 500

FIELDS = ("state", "reason", "source", "who", "priority", "accepted", "since", "deadline", "detail")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What tickets to find; None and () for any. older_seconds: in their state for at least as long.

    skip: as many of the index are passed over, so that a look goes on where the last one ended.
    """

    states: tuple[State, ...] = ()
    reason: Reason | None = None
    requester: str | None = None
    source: str | None = None
    older_seconds: float = 0.0
    limit: int = 50
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """One ticket. since_ms: when it came into its state. until_ms: of a parked one, when it goes on; None otherwise."""

    id: str
    state: State
    reason: str | None
    source: str
    requester: str | None
    priority: str
    accepted_ms: int
    since_ms: int
    detail: str = ""
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """looked_at of `indexed` rows: those in the index that fits best. complete: nothing else fits."""

    tickets: tuple[Found, ...]
    looked_at: int
    indexed: int
    complete: bool
    now_ms: int


async def find(store: Store, wanted: Wanted) -> Listing:
    """Longest in their state first, state by state; of a reason that people have, by when one should have looked."""
    now = await store.now_ms()
    indexes = _indexes(wanted)
    sizes = await store.sizes(indexes)
    found, looked, skip = list[Found](), 0, wanted.skip
    for index, size in zip(indexes, sizes, strict=True):
        place = min(skip, size)
        skip -= place
        while place < size and len(found) < wanted.limit and looked < MOST_LOOKED_AT:
            ids = [member for member, _ in await store.ranked(index, place, place + CHUNK - 1)]
            rows = await store.rows(ids, FIELDS)
            for ticket_id, row in zip(ids, rows, strict=True):
                if len(found) == wanted.limit:
                    break
                place, looked = place + 1, looked + 1
                ticket = _read(ticket_id, dict(zip(FIELDS, row, strict=True)))
                if ticket is not None and _fits(ticket, wanted, now):
                    found.append(ticket)
            if not ids:
                break
    shown = tuple([await _with_its_wait(store, ticket) for ticket in found])
    return Listing(shown, looked, sum(sizes), looked + min(wanted.skip, sum(sizes)) >= sum(sizes), now)


def _indexes(wanted: Wanted) -> list[str]:
    states = wanted.states or tuple(State)
    if wanted.reason is not None and set(states) <= INBOX:
        return [keys.inbox_facet(f"reason:{wanted.reason.value}")]
    return [keys.in_state(state.value) for state in states]


def _read(ticket_id: str, row: dict[str, str | None]) -> Found | None:
    state, source, since = row["state"], row["source"], row["since"] or row["accepted"]
    if state is None or since is None:  # it left while we looked
        return None
    return Found(
        id=ticket_id,
        state=State(state),
        reason=row["reason"],
        source=source or "",
        requester=row["who"],
        priority=row["priority"] or "",
        accepted_ms=int(row["accepted"] or since),
        since_ms=int(since),
        detail=row["detail"] or "",
        until_ms=int(row["deadline"]) if state == State.PARKED and row["deadline"] else None,
    )


def _fits(ticket: Found, wanted: Wanted, now_ms: int) -> bool:
    return (
        (not wanted.states or ticket.state in wanted.states)
        and (wanted.reason is None or ticket.reason == wanted.reason.value)
        and (wanted.requester is None or ticket.requester == wanted.requester)
        and (wanted.source is None or ticket.source == wanted.source)
        and now_ms - ticket.since_ms >= wanted.older_seconds * 1000
    )


async def _with_its_wait(store: Store, ticket: Found) -> Found:
    """A parked one goes on at the time its journal names, or at its deadline if that is sooner."""
    if ticket.state is not State.PARKED:
        return ticket
    ends = [] if ticket.until_ms is None else [ticket.until_ms]
    for stored in await store.journal(ticket.id, -1, -1):
        event = ev.read_event(stored, 0).event
        ends += [event.until_ms] if isinstance(event, ev.Parked) else []
    return replace(ticket, until_ms=min(ends, default=None))


async def parked_for(store: Store, most: int = 1000) -> tuple[dict[str, int], int]:
    """(parked tickets by reason, how many were looked at): those longest parked, so many at most."""
    ids: Sequence[str] = [member for member, _ in await store.ranked(keys.in_state(State.PARKED), 0, most - 1)]
    counts: dict[str, int] = {}
    for (reason,) in await store.rows(ids, ["reason"]) if ids else []:
        name = reason or "its producer's time"
        counts[name] = counts.get(name, 0) + 1
    return counts, len(ids)
