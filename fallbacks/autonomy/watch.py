"""Notices which kinds were promoted or demoted, so that people hear of it, and what was decided alone in between.

The standings are folded from the evidence and say nothing by themselves; what was last said of them is kept here.
"""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from fallbacks.autonomy.proof import Standing
from fallbacks.autonomy.standing import AutonomyJudge, Key
from fallbacks.history.port import History, Search
from fallbacks.ledger.states import State
from fallbacks.plan import DAY_MS
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.run.process import Process

TURN_SECONDS = 20
"""One process in so many seconds looks: two at once would say the same twice."""

PAGE = 500
AGENT = "agent"

LONGEST_WAIT_MS = 90 * DAY_MS
"""A ticket that is decided alone was accepted no longer ago."""


@dataclass(frozen=True, slots=True)
class Period:
    """Since when a kind is, or was, decided alone. to_ms: when it was demoted; None while it is."""

    key: Key
    from_ms: int
    to_ms: int | None = None

    @classmethod
    def read(cls, field: str, value: str) -> "Period":
        """As the hash keeps it."""
        since, until = json.loads(value)
        return cls(Key(*json.loads(field)), since, until)

    @property
    def kept(self) -> tuple[str, str]:
        """Field and value of the hash."""
        key = self.key
        return json.dumps([key.kind, key.tier, key.version], ensure_ascii=False), json.dumps([self.from_ms, self.to_ms])


@dataclass(frozen=True, slots=True)
class Turn:
    """A promotion, or a demotion with the tickets that were decided alone before it. why: the evidence, in words."""

    period: Period
    why: str
    alone: tuple[str, ...] = ()

    @property
    def promoted(self) -> bool:
        """Which of the two."""
        return self.period.to_ms is None

    @property
    def words(self) -> str:
        """For people."""
        key = self.period.key
        if self.promoted:
            return f"{key.kind} on {key.tier} is decided alone from now on: {self.why}"
        before = f"; {len(self.alone)} tickets were decided alone before" if self.alone else ""
        return f"{key.kind} on {key.tier} is no longer decided alone: {self.why}{before}"


class Watch:
    """Compares what has been earned with what was last said of it."""

    def __init__(
        self, store: Store, process: Process, judge: Callable[[], AutonomyJudge], history: History | None = None
    ) -> None:
        self.store = store
        self.history = history
        self.process = process
        self._judge = judge

    async def turns(self) -> list[Turn]:
        """What has changed since any process last looked; nothing where another one is looking."""
        if await self.store.tick(keys.EARNED_TURN, TURN_SECONDS) != 1:
            return []
        periods = {period.key: period for period in await self.periods()}
        found = [
            turn
            for key, standing in (await self._judge().standings()).items()
            if (turn := await self._turn(key, standing, periods.get(key)))
        ]
        if found:
            await self.store.put(keys.EARNED, dict(turn.period.kept for turn in found))
        return found

    async def periods(self) -> list[Period]:
        """The last time of each kind that ever was decided alone."""
        kept = await self.store.fields(keys.EARNED)
        return sorted((Period.read(*each) for each in kept.items()), key=lambda period: period.from_ms)

    async def alone(self, period: Period) -> tuple[str, ...]:
        """The tickets that were decided alone in it, in the order of their decisions."""
        found: list[tuple[float, str]] = []
        start = 0
        while page := await self.store.ranked(keys.in_state(State.DECIDED), start, start + PAGE - 1):
            start += len(page)
            within = [(at, name) for name, at in page if _within(period, at)]
            rows = await self.store.rows([name for _, name in within], ["decision", "proposal"]) if within else []
            found += [one for one, row in zip(within, rows, strict=True) if self._of(period.key, *row)]
        here = {name for _, name in found}
        found += [(at, name) async for at, name in self._ended(period) if name not in here]
        return tuple(name for _, name in sorted(found))

    async def _ended(self, period: Period) -> AsyncIterator[tuple[float, str]]:
        """Those that have left for history. What was decided in it may have been accepted long before."""
        before: tuple[int, str] | None = None
        since = period.from_ms - LONGEST_WAIT_MS
        while self.history is not None:
            wanted = Search(states=(State.DECIDED,), decided_by=AGENT, since_ms=since, before=before, limit=PAGE)
            page = await self.history.search(wanted)
            within = {name: facts.ended_ms for name, facts in page if _within(period, facts.ended_ms)}
            for name, ticket in (await self.history.find_many(list(within))).items():
                if self._of(period.key, ticket.row.get("decision"), ticket.row.get("proposal")):
                    yield within[name], name
            if len(page) < PAGE:
                break
            before = (page[-1][1].accepted_ms, page[-1][0])

    def _of(self, key: Key, decision: str | None, proposal: str | None) -> bool:
        if not decision or not proposal or json.loads(decision).get("decided_by") != AGENT:
            return False
        made = json.loads(proposal)
        return Key(self.process.key(made), made["tier"], made["version"]) == key

    async def _turn(self, key: Key, standing: Standing, before: Period | None) -> Turn | None:
        was_auto = before is not None and before.to_ms is None
        if standing.auto and not was_auto:
            return Turn(Period(key, standing.since_ms), standing.why)
        if before is not None and was_auto and not standing.auto:
            ended = Period(key, before.from_ms, await self.store.now_ms())
            return Turn(ended, standing.why or "its evidence was undone", await self.alone(ended))
        return None


def _within(period: Period, at_ms: float) -> bool:
    return period.from_ms <= at_ms and (period.to_ms is None or at_ms <= period.to_ms)
