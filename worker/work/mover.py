"""The move of what is over from the store to history: ended tickets, and people's decisions that stay as they are."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf
from time import monotonic

from fallbacks.delivery.alerts import AlertDesk, Escalation
from fallbacks.history.no_history import NoHistory
from fallbacks.ledger.past.examples import Examples
from fallbacks.ledger.past.leaving import Leaving
from fallbacks.ledger.past.one_history import adopt
from fallbacks.plan import Severity
from fallbacks.store import keys

log = logging.getLogger(__name__)

TURN_SECONDS = 2
"""One process in so many seconds moves: two at once would write the same twice."""


KEEP_UP_SECONDS = 3600.0


@dataclass(slots=True)
class Mover:
    """Runs in the delivery loop. keep_up: takes out of history what is older than it may be; hourly."""

    leaving: Leaving
    examples: Examples
    alerts: AlertDesk
    keep_up: Callable[[], Awaitable[object]]
    _kept_up_at: float = -inf
    _wrong: str = ""

    async def take_turn(self) -> None:
        """Move what is over, unless another process does. Raises `HistoryUnreachable`: all stays where it is."""
        leaving = self.leaving
        if isinstance(leaving.history, NoHistory) or await leaving.store.tick(keys.LEAVING_TURN, TURN_SECONDS) != 1:
            return
        if not await self._adopted():
            return
        done = await leaving.round()
        if done.twice:
            said = "; ".join(f"{before} was here before, and is {now} in history" for before, now in done.twice)
            await self._say(Escalation.ACCEPTED_TWICE, said[:500])
        await self.examples.leave()
        if monotonic() - self._kept_up_at > KEEP_UP_SECONDS:
            self._kept_up_at = monotonic()
            await self.keep_up()

    async def _adopted(self) -> bool:
        wrong, before = await adopt(self.leaving.store, self.leaving.history), self._wrong
        self._wrong = wrong
        if wrong and wrong != before:
            await self._say(Escalation.OTHER_HISTORY, wrong)
        return not wrong

    async def _say(self, what: Escalation, about: str) -> None:
        log.error("%s: %s", what.value, about)
        await self.alerts.alarm(what, about, Severity.WARNING)
        await self.alerts.calm(what)
