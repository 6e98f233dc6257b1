"""One event loop per process, in a thread of its own: Celery's threads wait on it, everything that talks runs on it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

try:
    from uvloop import new_event_loop as new_event_loop
except ImportError:  # there is none for this platform; asyncio's own does the same, slower
    from asyncio import new_event_loop as new_event_loop  # type: ignore[assignment] # returns the base class

T = TypeVar("T")


LONGEST_GOODBYE_SECONDS = 2.0
"""For what does not end when it is cancelled."""


class LoopThread:
    """An asyncio loop that sync code can hand coroutines to. Made after fork; a daemon, it ends with the process."""

    def __init__(self) -> None:
        self.loop = new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="deskhand-loop", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Run a coroutine on the loop and wait for its result, at most `timeout` seconds."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)

    def start(
        self, work: Coroutine[Any, Any, Any], ended: Callable[["asyncio.Future[Any]"], None] | None = None
    ) -> None:
        """Run a coroutine on the loop without waiting. ended: called there when it is done."""

        def begin() -> None:
            task = self.loop.create_task(work)
            if ended is not None:
                task.add_done_callback(ended)

        self.loop.call_soon_threadsafe(begin)

    def close(self) -> None:
        """End what still runs on the loop, then the loop and its thread.

        Before the process ends: a thread that comes back from the loop while the interpreter goes down can crash it.
        """
        self.run(_ended(self.loop))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()


async def _ended(loop: asyncio.AbstractEventLoop) -> None:
    others = asyncio.all_tasks(loop) - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=LONGEST_GOODBYE_SECONDS)
