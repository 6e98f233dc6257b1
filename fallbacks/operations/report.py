"""What every lead asks of the tickets that have ended, answered from history's documented views.

A ticket counts where it ended; only arrivals count where it was accepted. What has not ended is not in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from fallbacks.history.port import History
from tasks.run.process import Process

DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_COUNTS = """count(*) AS ended,
  sum(CASE WHEN state = 'decided' THEN 1 ELSE 0 END) AS decided,
  sum(CASE WHEN decided_by = 'agent' THEN 1 ELSE 0 END) AS alone,
  sum(CASE WHEN decided_by <> 'agent' THEN 1 ELSE 0 END) AS by_people,
  sum(CASE WHEN decided_by <> 'agent' AND suggested IS NOT NULL THEN 1 ELSE 0 END) AS judged,
  sum(CASE WHEN decided_by <> 'agent' AND suggested = {key} THEN 1 ELSE 0 END) AS agreed,
  sum(CASE WHEN corrected THEN 1 ELSE 0 END) AS corrected,
  sum(CASE WHEN reason IS NOT NULL THEN 1 ELSE 0 END) AS handed_off,
  sum(usd) AS usd, sum(CASE WHEN state = 'decided' THEN ended_ms - accepted_ms ELSE 0 END) AS took_ms"""
_WITHIN = "ended_ms >= :since AND ended_ms < :until"
_ENDED = "SELECT {by} AS name, {counts} FROM tickets WHERE {within} GROUP BY {by}"
_ARRIVED = """SELECT accepted_ms / 86400000 AS name, count(*) FROM tickets
WHERE accepted_ms >= :since AND accepted_ms < :until GROUP BY accepted_ms / 86400000"""
_REASONS = "SELECT reason, count(*) FROM tickets WHERE reason IS NOT NULL AND {within} GROUP BY reason ORDER BY 2 DESC"
_TIMES = """SELECT (ended_ms - accepted_ms) / 60000 AS minutes, count(*) FROM tickets
WHERE state = 'decided' AND {within} GROUP BY (ended_ms - accepted_ms) / 60000 ORDER BY 1"""
_COSTS = "SELECT tier, day, tickets, calls, usd FROM costs_by_day"


class By(StrEnum):
    """What a row is. label, team: of the decision; in another process than triage, its first two facets."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    LABEL = "label"
    TEAM = "team"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Span:
    """From a time on, and before another. Ms of the store."""

    since_ms: int
    until_ms: int


@dataclass(slots=True)
class Row:
    """A line of a report. arrived: accepted then, None where rows are no times. alone: decided by the agent without a
    person. agreement: of the suggestions that people judged, the share they let stand; None where they judged none.
    minutes: the mean from acceptance to the decision.
    """

    name: str
    arrived: int | None = None
    ended: int = 0
    decided: int = 0
    alone: int = 0
    by_people: int = 0
    agreement: float | None = None
    corrected: int = 0
    handed_off: int = 0
    usd: float = 0.0
    usd_per_ticket: float = 0.0
    minutes: float | None = None
    _judged: int = field(default=0, repr=False)
    _agreed: int = field(default=0, repr=False)
    _took_ms: int = field(default=0, repr=False)

    def add(self, found: Sequence[Any]) -> None:
        """What a row of the query says."""
        ended, decided, alone, by_people, judged, agreed, corrected, handed_off, usd, took = (x or 0 for x in found)
        self.ended, self.decided, self.alone = self.ended + int(ended), self.decided + int(decided), self.alone + alone
        self.by_people, self.corrected = self.by_people + int(by_people), self.corrected + int(corrected)
        self.handed_off, self.usd = self.handed_off + int(handed_off), round(self.usd + float(usd), 9)
        self._judged, self._agreed, self._took_ms = self._judged + judged, self._agreed + agreed, self._took_ms + took
        self.agreement = int(self._agreed) / int(self._judged) if self._judged else None
        self.usd_per_ticket = round(self.usd / self.ended, 9) if self.ended else 0.0
        self.minutes = int(self._took_ms) / self.decided / 60_000 if self.decided else None

    def values(self) -> dict[str, Any]:
        """By column."""
        return {name: getattr(self, name) for name in COLUMNS}


COLUMNS = tuple(each.name for each in fields(Row) if not each.name.startswith("_"))


@dataclass(frozen=True, slots=True)
class Times:
    """Minutes from acceptance to decision, whole ones, below which so many of them are; None where nothing is."""

    half: int | None
    nine_in_ten: int | None
    nearly_all: int | None


async def rows_by(history: History, process: Process, span: Span, by: By) -> list[Row]:
    """One report. Times in order, others by how many there are."""
    if by in (By.DAY, By.WEEK, By.MONTH):
        return await _by_time(history, process, span, by)
    found = await _ended(history, process, span, _column(process, by))
    rows = {str(name): Row(str(name)) for name, *_ in found if name is not None}
    for name, *counts in found:
        if name is not None:
            rows[str(name)].add(counts)
    return sorted(rows.values(), key=lambda row: (-row.ended, row.name))


async def reasons(history: History, span: Span) -> list[tuple[str, int]]:
    """(reason, tickets that were handed off for it), most first."""
    _, found = await history.query(_REASONS.format(within=_WITHIN), _given(span))
    return [(str(reason), int(count)) for reason, count in found]


async def costs(history: History, span: Span) -> list[tuple[str, int, int, float]]:
    """(tier, tickets by day, calls, dollars), the dearest first, by the day on which a call was made."""
    _, found = await history.query(_COSTS, {})
    sums: dict[str, list[float]] = {}
    first, last = (_day(ms // DAY_MS) for ms in (span.since_ms, span.until_ms - 1))
    for tier, day, *counts in found:
        if first <= str(day)[:10] <= last:
            kept = sums.setdefault(str(tier), [0, 0, 0.0])
            sums[str(tier)] = [before + float(one or 0) for before, one in zip(kept, counts, strict=True)]
    named = [(tier, int(tickets), int(calls), usd) for tier, (tickets, calls, usd) in sums.items()]
    return sorted(named, key=lambda row: -row[3])


async def times(history: History, span: Span) -> Times:
    """How long it took until a decision stood."""
    _, found = await history.query(_TIMES.format(within=_WITHIN), _given(span))
    return Times(*(_below(found, share) for share in (0.5, 0.9, 0.99)))


async def _by_time(history: History, process: Process, span: Span, by: By) -> list[Row]:
    _, arrived = await history.query(_ARRIVED, _given(span))
    rows: dict[str, Row] = {}
    for day, count in arrived:
        row = rows.setdefault(_period(int(day), by), Row(_period(int(day), by), 0))
        row.arrived = (row.arrived or 0) + int(count)
    for day, *counts in await _ended(history, process, span, "ended_ms / 86400000"):
        rows.setdefault(_period(int(day), by), Row(_period(int(day), by), 0)).add(counts)
    return [rows[name] for name in sorted(rows)]


async def _ended(history: History, process: Process, span: Span, by: str) -> list[tuple[Any, ...]]:
    counts = _COUNTS.format(key=f'"{process.keyed_by}"')
    _, found = await history.query(_ENDED.format(by=by, counts=counts, within=_WITHIN), _given(span))
    return found


def _column(process: Process, by: By) -> str:
    names = dict(zip((By.LABEL, By.TEAM), process.facet_names, strict=False))
    return "decided_by" if by is By.PERSON else f'"{names.get(by, process.keyed_by)}"'


def _given(span: Span) -> Mapping[str, int]:
    return {"since": span.since_ms, "until": span.until_ms}


def _below(minutes: Sequence[tuple[Any, ...]], share: float) -> int | None:
    total, seen = sum(int(count) for _, count in minutes), 0
    for minute, count in minutes:
        seen += int(count)
        if seen >= share * total:
            return int(minute) + 1
    return None


def _day(number: int) -> str:
    return f"{_EPOCH + timedelta(days=number):%Y-%m-%d}"


def _period(day: int, by: By) -> str:
    at = _EPOCH + timedelta(days=day)
    match by:
        case By.WEEK:
            year, week, _ = at.isocalendar()
            return f"{year}-W{week:02d}"
        case By.MONTH:
            return f"{at:%Y-%m}"
        case _:
            return f"{at:%Y-%m-%d}"
