"""Store time, watched by every process: each knows, by a clock that nobody sets, how long ago it looked."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""A process that has not looked for so long looks before it asks the store for anything."""

UNSURE_MS = 10_000
"""An answer may have been under way for so long; a step of less is not told from that."""


def _elapsed() -> float:
    """Seconds since some time; a machine's sleep counts, where its system says so."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(slots=True)
class ClockWatch:
    """Of one process. script: runs one. elapsed: seconds, by a clock that is never set. wall: the machine's (s)."""

    script: Callable[..., Awaitable[Any]]
    elapsed: Callable[[], float] = _elapsed
    wall: Callable[[], float] = time.time
    _seen_ms: int | None = None
    _seen_at: float = float("-inf")
    _look: "asyncio.Task[int] | None" = field(default=None)

    async def keep_up(self) -> None:
        """Look, where this process has not for a while. What fails is left to what the caller wants to do."""
        if self.elapsed() - self._seen_at >= LOOK_SECONDS:
            await self.look()

    async def look(self) -> int:
        """One for all who ask. Returns store time, ms. Raises `StoreUnreachable`."""
        if self._look is None or self._look.done():
            self._look = asyncio.ensure_future(self._judged())
        return await asyncio.shield(self._look)

    async def _judged(self) -> int:
        now, step = await self._clock("", "")
        at = self.elapsed()
        by = self._stepped(now, int(step or 0), at)
        if by is not None:
            if by:
                log.error("the clock of the store's server stepped by %+.1f s", by / 1000)
            now, _ = await self._clock(step, by)
        self._seen_ms, self._seen_at = now, at
        return now

    def _stepped(self, now: int, step: int, at: float) -> int | None:
        """By how many ms the clock has: 0 where the time has passed, None where there is nothing to say.

        Who looks for the first time goes by its own machine's clock, and by which of the two is nearer to it.
        """
        since = 0 if self._seen_ms is None else int((at - self._seen_at) * 1000)
        expected = int(self.wall() * 1000) if self._seen_ms is None else self._seen_ms + since
        if step:
            return step if step < 0 or abs(expected - now) <= abs(expected - now - step) else 0
        jumped = now - expected
        return jumped if self._seen_ms is not None and jumped > UNSURE_MS + since / 10 else None

    async def _clock(self, step: str, by: int | str) -> tuple[int, str]:
        now, found = await self.script("clock", "", step, by)
        return int(now), found
