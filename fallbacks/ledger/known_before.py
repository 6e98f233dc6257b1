"""Whether a ticket was here before, asked of history by id and by idempotency key, however long ago it was.

Questions of one moment go together: a batch of a hundred tickets is one look.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic

from fallbacks.errors import HistoryUnreachable
from fallbacks.history.port import History, Known

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 2.0
"""Whoever brings a ticket does not wait longer for history than this."""

AWAY_SECONDS = 5.0
"""After it did not answer, nobody asks it for so long."""


@dataclass(slots=True)
class KnownBefore:
    """Over history. Raises `HistoryUnreachable` where it cannot be asked."""

    history: History
    _asked: dict[str, "asyncio.Future[Known | None]"] = field(default_factory=dict)
    _looking: "set[asyncio.Future[Mapping[str, Known]]]" = field(default_factory=set)
    _away_until: float = 0.0

    async def find(self, ticket_id: str | None, key: str | None) -> Known | None:
        """The ticket that this key made, or else the one of this id."""
        if monotonic() < self._away_until:
            raise HistoryUnreachable("history did not answer a moment ago")
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = await self.history.made_by(key) if key else None
                if found is None and ticket_id:
                    found = await self._by_id(ticket_id)
                return found
        except (HistoryUnreachable, TimeoutError) as error:
            if monotonic() >= self._away_until:  # of many that wait together one says so
                why = str(error) or f"no answer within {PATIENCE_SECONDS:g} s"
                log.warning("history cannot be asked whether tickets were here before: %s", why)
            self._away_until = monotonic() + AWAY_SECONDS
            raise HistoryUnreachable("history does not answer") from error

    async def _by_id(self, ticket_id: str) -> Known | None:
        if ticket_id not in self._asked:
            if not self._asked:
                asyncio.get_running_loop().call_soon(self._look)
            self._asked[ticket_id] = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._asked[ticket_id])

    def _look(self) -> None:
        asked, self._asked = self._asked, {}
        looking = asyncio.ensure_future(self.history.known(list(asked)))
        self._looking.add(looking)
        looking.add_done_callback(self._looking.discard)
        looking.add_done_callback(lambda done: _answer(asked, done))


def _answer(asked: dict[str, "asyncio.Future[Known | None]"], done: "asyncio.Future[Mapping[str, Known]]") -> None:
    error = HistoryUnreachable("the look was cut off") if done.cancelled() else done.exception()
    for ticket_id, future in asked.items():
        if future.done():
            continue
        if error is not None:
            future.set_exception(error)
            future.exception()  # whoever asked may have left
        else:
            future.set_result(done.result().get(ticket_id))
