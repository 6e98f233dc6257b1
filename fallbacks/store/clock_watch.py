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
"""A step forward of less, which no script has found, is not looked for: an answer may be under way for so long."""


NEAR_MS = 1000
"""What the server's clock is off from what a process expects it to be; more is looked at."""


_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""A machine's sleep counts, where its system says so."""


def _elapsed() -> float:
    """Seconds since some time."""
    return time.clock_gettime(_CLOCK)


@dataclass(slots=True)
class ClockWatch:
    """Of one process.

    script: runs one. elapsed: seconds, by a clock that is never set. wall: the machine's (s).
    seconds: between looks.
    """

    script: Callable[..., Awaitable[Any]]
    elapsed: Callable[[], float] = _elapsed
    wall: Callable[[], float] = time.time
    seconds: float = LOOK_SECONDS
    _seen_ms: int | None = None
    _ahead_ms: int = 0
    _seen_at: float = float("-inf")
    _look: "asyncio.Task[int] | None" = field(default=None)

    async def keep_up(self) -> None:
        """Look, where this process has not for a while. What fails is left to what the caller wants to do."""
        if self.elapsed() - self._seen_at >= self.seconds:
            await self.look()

    async def store_ms(self, server_ms: int) -> int:
        """Store time (ms), by the server's clock; looks anew where that has stepped. Raises `StoreUnreachable`."""
        now = server_ms + self._ahead_ms
        return now if abs(now - self._expected(self.elapsed())) < NEAR_MS else await self.look()

    async def look(self) -> int:
        """One for all who ask. Returns store time, ms. Raises `StoreUnreachable`."""
        if self._look is None or self._look.done():
            self._look = asyncio.ensure_future(self._judged())
        return await asyncio.shield(self._look)

    async def _judged(self) -> int:
        asked_at = self.elapsed()
        now, ahead, step = await self._clock("", "")
        by = self._stepped(now, int(step or 0), self.elapsed())
        if by is not None:
            if by:
                log.error("the clock of the store's server stepped by %+.1f s", by / 1000)
            asked_at = self.elapsed()
            now, ahead, _ = await self._clock(step, by)
        # From the question to the next answer: an answer that is late must not look as if the clock had stepped.
        self._seen_ms, self._ahead_ms, self._seen_at = now, ahead, asked_at
        return now

    def _stepped(self, now: int, step: int, at: float) -> int | None:
        """By how many ms the clock has: 0 where the time has passed, None where there is nothing to say.

        Who looks for the first time goes by its own machine's clock, and by which of the two is nearer to it.
        """
        expected = self._expected(at)
        if step:
            return step if step < 0 or abs(expected - now) <= abs(expected - now - step) else 0
        if self._seen_ms is None:
            return None
        jumped, unsure = now - expected, UNSURE_MS + (expected - self._seen_ms) / 10
        return jumped if jumped > unsure else None

    def _expected(self, at: float) -> int:
        """Store time, as far as this process knows by itself."""
        if self._seen_ms is None:
            return int(self.wall() * 1000)
        return self._seen_ms + int((at - self._seen_at) * 1000)

    async def _clock(self, step: str, by: int | str) -> tuple[int, int, str]:
        now, ahead, found = await self.script("clock", "", step, by)
        return int(now), int(ahead), found
