"""Whether a ticket was here before, asked of history by id and by idempotency key, however long ago it was.

Questions of one moment go together: a batch of a hundred tickets is one look.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
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
class Gathered:
    """Questions that go together: those of one moment, and those that come while a look is under way.

    look: answers many; what it does not name is not known.
    """

    look: Callable[[Sequence[str]], Awaitable[Mapping[str, Known]]]
    _asked: dict[str, "asyncio.Future[Known | None]"] = field(default_factory=dict)
    _looking: "asyncio.Future[Mapping[str, Known]] | None" = None

    async def answer(self, name: str) -> Known | None:
        """Raises `HistoryUnreachable`."""
        if name not in self._asked:
            if not self._asked and self._looking is None:
                asyncio.get_running_loop().call_soon(self._look)
            self._asked[name] = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._asked[name])

    def _look(self) -> None:
        if self._asked and self._looking is None:
            asked, self._asked = self._asked, {}
            self._looking = asyncio.ensure_future(self.look(list(asked)))
            self._looking.add_done_callback(lambda done: self._ended(asked, done))

    def _ended(
        self, asked: dict[str, "asyncio.Future[Known | None]"], done: "asyncio.Future[Mapping[str, Known]]"
    ) -> None:
        self._looking = None
        if done.cancelled():  # the loop is ending: no look follows
            asked, self._asked = asked | self._asked, {}
        _answer(asked, done)
        self._look()


@dataclass(slots=True)
class KnownBefore:
    """Over history. Raises `HistoryUnreachable` where it cannot be asked."""

    history: History
    _by_id: Gathered = field(init=False)
    _by_key: Gathered = field(init=False)
    _away_until: float = 0.0

    def __post_init__(self) -> None:
        self._by_id, self._by_key = Gathered(self.history.known), Gathered(self.history.made_by)

    async def find(self, ticket_id: str | None, key: str | None) -> Known | None:
        """The ticket that this key made, or else the one of this id."""
        if monotonic() < self._away_until:
            raise HistoryUnreachable("history did not answer a moment ago")
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = await self._by_key.answer(key) if key else None
                if found is None and ticket_id:
                    found = await self._by_id.answer(ticket_id)
                return found
        except (HistoryUnreachable, TimeoutError) as error:
            if monotonic() >= self._away_until:  # of many that wait together one says so
                why = str(error) or f"no answer within {PATIENCE_SECONDS:g} s"
                log.warning("history cannot be asked whether tickets were here before: %s", why)
            self._away_until = monotonic() + AWAY_SECONDS
            raise HistoryUnreachable("history does not answer") from error


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
