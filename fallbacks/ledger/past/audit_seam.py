"""The seam of the audit: what left the store is in history, once, with the same money on the same days.

Both are read while tickets move from one to the other. So history is read before and after the rows: what it held then
must have left by now, or be in both, and what had left then must be there now.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fallbacks.errors import HistoryUnreachable
from fallbacks.history.facts import costs_of
from fallbacks.history.port import EndedTicket, History, Totals
from fallbacks.plan import DAY_MS
from fallbacks.store.port import Store

PAGE = 500

SHOWN = 20
"""Days that do not balance are named one by one up to here."""


@dataclass(frozen=True, slots=True)
class Seam:
    """What history has. problems: as those of the audit. Money in nanodollars."""

    tickets: int = 0
    both: int = 0
    spent: int = 0
    problems: tuple[tuple[str, str], ...] = ()


NO_SEAM = Seam()


class Day(Protocol):
    """A UTC day of the store."""

    @property
    def spent(self) -> int: ...


class Sums(Protocol):
    """The store's totals, as the audit reads them at the end. days: by their number since 1970, as text."""

    @property
    def now_ms(self) -> int: ...

    @property
    def counters(self) -> Counter[str]: ...

    @property
    def days(self) -> Mapping[str, Day]: ...


@dataclass(slots=True)
class SeamLook:
    """One look: `begin` before the rows are read, `end` after them."""

    history: History
    store: Store
    _left: Counter[str] = field(default_factory=Counter)
    _held: Totals | None = None

    async def begin(self, counters: Counter[str]) -> None:
        """counters: of the store, at the beginning."""
        self._left = Counter({name: counters[name] for name in counters if name.startswith("left")})
        try:
            self._held = await self.history.totals()
        except HistoryUnreachable:
            self._held = None

    async def end(self, days: Mapping[str, Counter[int]], rows: Mapping[str, int], after: Sums) -> Seam:
        """days: what each live ticket spent, by day. rows: every live ticket."""
        try:
            both = await self._both(list(rows))
            now = await self.history.totals()
        except HistoryUnreachable as error:
            now, why = None, str(error)
        if now is None or self._held is None:
            said = "history does not answer: whether all that left is there was not looked at"
            return Seam(problems=(("", said if now is not None else f"{said} ({why})"),))
        sums = (*self._sums(now, both, after.counters), *_days(self._held, now, days, both, after))
        problems = (*await self._others(both), *(("", what) for what in sums))
        return Seam(now.tickets, len(both), now.spent, problems)

    async def _others(self, both: Mapping[str, EndedTicket]) -> list[tuple[str, str]]:
        """Tickets that are another one in history. One accepted a second time while history was away leaves as such."""
        rows = await self.store.rows(list(both), ["digest", "unasked"]) if both else []
        return [
            (ticket_id, "is in history with another body")
            for ticket_id, (digest, unasked) in zip(both, rows, strict=True)
            if digest is not None and not unasked and digest != both[ticket_id].row.get("digest")
        ]

    async def _both(self, ids: Sequence[str]) -> dict[str, EndedTicket]:
        """Live tickets that history has, too: they came back, or their mover died before it dropped them."""
        found: dict[str, EndedTicket] = {}
        for start in range(0, len(ids), PAGE):
            known = await self.history.known(ids[start : start + PAGE])
            if known:
                found |= await self.history.find_many(list(known))
        return found

    def _sums(self, now: Totals, both: Mapping[str, EndedTicket], counters: Counter[str]) -> list[str]:
        """Tickets, money and calls billed for more, each between what had left before and what has now."""
        held = self._held or now
        rows = [ticket.row for ticket in both.values()]
        sums = (
            ("tickets", "", held.tickets, now.tickets, len(both)),
            ("nanodollars", "_spent", held.spent, now.spent, _sum(rows, "spent")),
            (
                "calls",
                "_overbilled",
                held.overbilled,
                now.overbilled,
                sum(int(row.get("overbilled", 0)) for row in rows),
            ),
        )
        wrong = []
        for what, name, first, last, twice in sums:
            left, most = self._left[f"left{name}"], counters[f"left{name}"] + counters[f"archived{name}"]
            if not (first - twice <= most and left <= last - twice):
                wrong.append(f"{counters[f'left{name}']} {what} left for history; it has {last}, of which {twice} live")
        return wrong


def _sum(rows: Sequence[Mapping[str, str]], name: str) -> int:
    return sum(int(row.get(name, 0)) for row in rows)


def _days(
    held: Totals, now: Totals, live: Mapping[str, Counter[int]], both: Mapping[str, EndedTicket], after: Sums
) -> list[str]:
    """Money by day: live tickets and history against the store's days. Today's moves still: its sum is looked at."""
    twice, living = Counter[int](), Counter[int]()
    for ticket in both.values():
        for cost in costs_of(ticket):
            twice[cost.day] += cost.nanodollars
    for spent in live.values():
        living.update(spent)
    files = after.counters["archived_spent"]  # of former releases: on whichever day
    wrong = []
    for name, day in sorted(after.days.items()):
        number = int(name)
        if number >= after.now_ms // DAY_MS:
            continue
        rest = living[number] - twice[number]
        least, most = rest + held.spent_by_day.get(number, 0), rest + now.spent_by_day.get(number, 0)
        if not least <= day.spent <= most + files:
            wrong.append(f"{day.spent} was spent on day {name}; tickets and history say {most}")
    return [*wrong[:SHOWN], *([f"and {len(wrong) - SHOWN} days more"] if len(wrong) > SHOWN else [])]
