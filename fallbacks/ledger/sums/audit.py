"""The audit: double-entry check of tickets, money, limits, effects and alerts, on a ledger that others keep writing.

What concerns one ticket is read in one moment, so a ticket that moves is never in the wrong. Sums are compared at one
moment too: rows read earlier, with those that moved since read again together with the totals.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fallbacks.history.port import History
from fallbacks.ledger.past.audit_seam import NO_SEAM, SeamLook
from fallbacks.ledger.states import INBOX, State
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.reasons import Reason

PAGE = 500
"""Keys that one script looks at: a few milliseconds of the server's time."""

MOVED = 10_000
"""More tickets than this in motion, and sums are compared with what moved meanwhile as tolerance."""

PAUSE_DAYS = 400
"""Money is summed back to the first day before a pause as long as this."""

LEASE_ENDED_MS = 120_000
"""A lease that ended longer ago is one that nobody takes back: a live worker sweeps every few seconds."""

STEP_LATE_MS = 15_000
"""A step may be written so long after the run looked at its time: the store may have been away for a moment."""

PASSES = 3
"""A check that does not balance is made again before it is reported."""

DUE = (State.QUEUED, State.RUNNING, State.PARKED)

Problem = tuple[str, str]
"""(ticket id, "" where it is about a sum; what is wrong)."""


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What the ledger says, and what in it does not balance. Money in nanodollars.

    states: tickets by state. rows: tickets read. archived: tickets that were balanced and left the store, for
    history or, in former releases, for files.
    overbilled: calls that were billed for more than was reserved. alerts_*: hand-offs that raised an alert, were
    reported by one, wait for one. in_history: tickets there, in_both: of them also in the store (it counts then).
    leaked: days that certainly hold more in reserve than their tickets.
    """

    states: dict[str, int]
    rows: int
    accepted: int
    archived: int
    spent: int
    reserved: int
    archived_spent: int
    overbilled: int
    effects_done: int
    effects_open: int
    alerts_raised: int
    alerts_told: int
    alerts_pending: int
    in_history: int
    in_both: int
    history_spent: int
    leaked: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def balanced(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day. cap: the highest that held in it, None once there was none. sourced: what of `spent` was counted by
    source, and by_source: the sum of the sources; None where workers of a former version did all of it.
    """

    spent: int
    reserved: int
    cap: int | None
    sourced: int | None = None
    by_source: int | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums at one moment. moved: (spent, reserved, its day) of tickets in motion; None: too many to read."""

    now_ms: int
    states: dict[str, int]
    due: int
    inbox: int
    counters: Counter[str]
    days: dict[str, Day]
    alerts: dict[str, tuple[int, bool]]
    moved: dict[str, tuple[int, int, str]] | None

    @property
    def spent(self) -> int:
        """By days."""
        return sum(day.spent for day in self.days.values())

    def gone(self, what: str) -> int:
        """What has left the store: for history, and in former releases for files. what: "", `_spent`, `_overbilled`."""
        return self.counters[f"left{what}"] + self.counters[f"archived{what}"]


@dataclass(slots=True)
class Rows:
    """What the pages said. spent, overbilled: by ticket. days: what each spent, by day. astray: reservations of tickets
    that do not run.
    """

    spent: dict[str, int] = field(default_factory=dict)
    overbilled: dict[str, int] = field(default_factory=dict)
    days: dict[str, Counter[int]] = field(default_factory=dict)
    astray: int = 0
    problems: list[Problem] = field(default_factory=list)
    effects_done: int = 0
    effects_open: int = 0


async def audit(store: Store, history: History | None = None) -> AuditReport:
    """Check the ledger, and the seam to history where there is one. A live system may keep working: what moves
    meanwhile is not reported.
    """
    for _ in range(PASSES):
        report = await _pass(store, history)
        if report.balanced:
            break
    return report


async def _pass(store: Store, history: History | None) -> AuditReport:
    look = None if history is None else SeamLook(history, store)
    before = await _totals(store, since_ms=None)
    if look is not None:
        await look.begin(before.counters)
    rows = await _rows(store)
    strays = await _strays(store)
    after = await _totals(store, since_ms=before.now_ms)
    seam = NO_SEAM if look is None else await look.end(rows.days, rows.spent, after)
    reserved = list(_reserved(after))
    sums = (
        *_tickets(after),
        *_spent(before, after, rows),
        *_overbilled(before, after, rows),
        *(what for _, what in reserved),
        *_caps(after),
        *_sources(after),
        *_alerts(after),
    )
    return AuditReport(
        states=after.states,
        rows=len(rows.spent),
        accepted=after.counters["accepted"],
        archived=after.gone(""),
        spent=after.spent,
        reserved=sum(day.reserved for day in after.days.values()),
        archived_spent=after.gone("_spent"),
        overbilled=after.counters["bound_violations"],
        effects_done=rows.effects_done,
        effects_open=rows.effects_open,
        alerts_raised=after.counters["alerts_raised"],
        alerts_told=after.counters["alerts_told"],
        alerts_pending=sum(pending for pending, _ in after.alerts.values()),
        leaked=tuple(day for day, _ in reserved if day) if not rows.astray else (),
        in_history=seam.tickets,
        in_both=seam.both,
        history_spent=seam.spent,
        problems=(*rows.problems, *strays, *seam.problems, *(("", what) for what in sums)),
    )


async def _rows(store: Store) -> Rows:
    """Every ticket row there was when the reading began, checked page by page; a row seen twice counts once."""
    rows, cursor = Rows(), "0"
    args = (PAGE, _names(DUE), _names(INBOX), LEASE_ENDED_MS, STEP_LATE_MS)
    while True:
        cursor, flat, problems, done, still_open, astray = await store.run("audit_page", "", cursor, *args)
        fresh = {ticket_id: int(spent) for ticket_id, spent, _, _ in _by(4, flat)}
        rows.overbilled |= {ticket_id: int(calls) for ticket_id, _, calls, _ in _by(4, flat)}
        rows.days |= {ticket_id: _days(days) for ticket_id, _, _, days in _by(4, flat) if days}
        rows.astray += astray
        rows.effects_done += done
        rows.effects_open += still_open
        rows.problems += [(ticket_id, what) for ticket_id, what in _by(2, problems) if ticket_id not in rows.spent]
        rows.spent |= fresh
        if str(cursor) == "0":
            return rows


async def _strays(store: Store) -> list[Problem]:
    """Index entries without a row, or of a ticket that is in another state."""
    indexes = {keys.in_state(state): _names((state,)) for state in State}
    found: list[Problem] = []
    for index, allowed in indexes.items():
        cursor = "0"
        while True:
            cursor, strays = await store.run("audit_index", "", index, cursor, PAGE, allowed)
            found += [
                (ticket_id, f"stands in {index} and is {state or 'not there'}") for ticket_id, state in _by(2, strays)
            ]
            if str(cursor) == "0":
                break
    return found


async def _totals(store: Store, since_ms: int | None) -> Totals:
    """since_ms None: nothing is read of tickets in motion."""
    states, reasons = [state.value for state in State], [reason.value for reason in Reason]
    since, limit = ("+inf", -1) if since_ms is None else (str(since_ms), MOVED)
    args = (since, limit, PAUSE_DAYS, json.dumps(states), json.dumps(reasons))
    now, sizes, due, inbox, counters, days, alerts, moved = await store.run("audit_sums", "", *args)
    return Totals(
        now_ms=int(now),
        states=dict(zip(states, sizes, strict=True)),
        due=due,
        inbox=inbox,
        counters=Counter({name: int(value) for name, value in _by(2, counters)}),
        days={day: Day(int(spent), int(held), *map(_known, others)) for day, spent, held, *others in _by(6, days)},
        alerts={reason: (int(pending), due == "1") for reason, pending, due in _by(3, alerts)},
        moved=None if moved is None else {row[0]: (int(row[1]), int(row[2]), row[3]) for row in moved},
    )


def _tickets(now: Totals) -> Iterator[str]:
    held, accepted, archived = sum(now.states.values()), now.counters["accepted"], now.gone("")
    if accepted != held + archived:
        yield f"{accepted} tickets were accepted; {held} are in a state and {archived} have left"
    for index, size, states in (("due", now.due, DUE), ("inbox", now.inbox, INBOX)):
        if size != (count := sum(now.states[state.value] for state in states)):
            yield f"{size} entries stand in {index} and {count} tickets should"


def _spent(before: Totals, now: Totals, rows: Rows) -> Iterator[str]:
    """Days against runs and what has left. The tolerance: what left meanwhile may have been read before or not."""
    moved = {} if now.moved is None else {ticket_id: spent for ticket_id, (spent, _, _) in now.moved.items()}
    by_runs = sum((rows.spent | moved).values())
    least = (before if now.moved is None else now).spent - now.gone("_spent")
    most = now.spent - before.gone("_spent")
    if not least <= by_runs <= most:
        yield f"{now.spent} was spent by days, {by_runs} by runs and {now.counters['archived_spent']} by what has left"


def _overbilled(before: Totals, now: Totals, rows: Rows) -> Iterator[str]:
    """Each ticket's row counts its own; the sum must be the whole count."""
    calls, by_rows = now.counters["bound_violations"], sum(rows.overbilled.values())
    least = before.counters["bound_violations"] - now.gone("_overbilled")
    if not least <= by_rows <= calls - before.gone("_overbilled"):
        yield f"{calls} calls were billed for more than was reserved, {by_rows} by rows"


def _caps(now: Totals) -> Iterator[str]:
    for name, day in now.days.items():
        if day.cap is not None and day.spent + day.reserved > day.cap:
            yield f"{day.spent + day.reserved} was spent or is reserved on day {name} and {day.cap} was allowed"


def _sources(now: Totals) -> Iterator[str]:
    """Their spend is the day's: all of what was counted by source, which is all but what a former version settled."""
    for name, day in now.days.items():
        if day.sourced is None:
            continue
        if day.by_source != day.sourced or day.sourced > day.spent:
            counted = f"{day.sourced} of it was counted by source"
            yield f"{day.spent} was spent on day {name}, {counted}, and {day.by_source} by the sources' own sums"


def _reserved(now: Totals) -> Iterator[tuple[str, str]]:
    """(the day, "" where its tickets hold more than it does; what is wrong)."""
    if now.moved is None:
        return
    held: Counter[str] = Counter()
    for _, reserved, key in now.moved.values():
        held[key.rpartition(":")[2]] += reserved
    for name, day in now.days.items():
        if day.reserved != held[name]:
            problem = f"{day.reserved} is reserved on day {name} and leases hold {held[name]}"
            yield name if day.reserved > held[name] else "", problem


def _alerts(now: Totals) -> Iterator[str]:
    raised, reported = now.counters["alerts_raised"], now.counters["alerts_told"]
    pending = sum(count for count, _ in now.alerts.values())
    if raised != reported + pending:
        yield f"{raised} hand-offs raised an alert; {reported} were reported and {pending} wait to be"
    for reason, (count, due) in now.alerts.items():
        if count and not due:
            yield f"{count} hand-offs with the reason {reason} wait to be reported and are due at no time"


async def repair(store: Store, report: AuditReport) -> dict[str, tuple[int, int]]:
    """Mend what is certainly ours: what a day holds in reserve and no ticket does. Returns before and after by day.

    A script that stopped half way left such a thing, while there were scripts that could.
    """
    mended: dict[str, tuple[int, int]] = {}
    for day in report.leaked:
        answer = await store.run("repair_day", "", day, MOVED)
        if answer is not None and answer[0] != answer[1]:
            mended[day] = int(answer[0]), int(answer[1])
    return mended


def _names(states: Any) -> str:
    return json.dumps({state.value: True for state in states})


def _known(stored: str) -> int | None:
    return int(stored) if stored else None


def _days(stored: str) -> Counter[int]:
    pairs = (part.split("=") for part in stored.split())
    return Counter({int(day): int(spent) for day, spent in pairs})


def _by(size: int, flat: list[Any]) -> Iterator[Any]:
    """Lua's flat lists, cut into rows."""
    return zip(*[iter(flat)] * size, strict=True)
