"""Names what blocks the event loop: while it is held, no lease is renewed and every run of the process waits."""

import asyncio
import logging
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from types import FrameType

from fallbacks.ledger.ledger import Lease

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0

_OURS = tuple(f"{Path(__file__).parents[2] / package}/" for package in ("tasks", "fallbacks", "worker"))

Runs = Callable[[], Mapping[str, tuple[Lease, asyncio.Task[str]]]]

Alarm = Callable[[str], None]


class Watchdog:
    """Asks the loop for a sign every second, from a thread of its own, which ends with the loop.

    seconds: a loop that is silent for longer is blocked. runs: what the process holds now, by ticket id.
    alarm: called in that thread with what blocks it, and with "" when that is over.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, runs: Runs, seconds: float, alarm: Alarm = lambda _: None
    ) -> None:
        self._loop, self._runs, self._seconds, self._alarm = loop, runs, seconds, alarm
        self._answered = threading.Event()
        self._loop_thread = 0
        self._thread = threading.Thread(target=self._watch, name="deskhand-watchdog", daemon=True)

    def start(self) -> None:
        """Watch from now on."""
        self._thread.start()

    def _watch(self) -> None:
        pause = threading.Event()
        try:
            while True:
                self._look()
                pause.wait(LOOK_SECONDS)
        except RuntimeError:  # the loop is closed
            return

    def _look(self) -> None:
        asked = monotonic()
        self._answered.clear()
        self._loop.call_soon_threadsafe(self._answer)
        if self._answered.wait(self._seconds):
            return
        what = self._who()
        log.error("the event loop has been blocked for %.1f s by %s", monotonic() - asked, what)
        self._alarm(what)
        while not self._answered.wait(LOOK_SECONDS):
            if self._loop.is_closed():
                return
        log.error("the event loop was blocked for %.1f s by %s", monotonic() - asked, what)
        self._alarm("")

    def _answer(self) -> None:
        self._loop_thread = threading.get_ident()
        self._answered.set()

    def _who(self) -> str:
        """The ticket whose run holds the loop, else the task, and the line of ours that it is at."""
        task = asyncio.current_task(self._loop)
        held = (f"ticket {ticket_id}" for ticket_id, (_, run) in list(self._runs().items()) if run is task)
        return f"{next(held, _named(task))} at {_place(sys._current_frames().get(self._loop_thread))}"


def _named(task: asyncio.Task[object] | None) -> str:
    return "a callback" if task is None else getattr(task.get_coro(), "__qualname__", task.get_name())


def _place(frame: FrameType | None) -> str:
    """File and line of the innermost frame of our own code."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(_OURS):
            return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
        frame = frame.f_back
    return "an unknown place"
