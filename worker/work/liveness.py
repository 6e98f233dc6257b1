"""A worker's sign of life: a small file, written by its event loop every few seconds.

Liveness asks no broker and no books: a worker that waits for them is well, and restarting it would only lose its runs.
Readiness is that the worker consumes: it began to, its last beat reached the books, and it is not stopping.
`python -m worker.alive` looks at the file.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
STALE_SECONDS = 60.0
"""An event loop that has not run for so long hangs."""

READY, LIVE = "ready", "live"


def pulse_file(home: Path, queues: str) -> Path:
    """Where a worker of this host, serving these queues, writes. Containers may share a home: each is a host."""
    return home / f"pulse-{socket.gethostname()}-{queues}"


async def pulse_forever(home: Path, queues: tuple[str, ...], ready: Callable[[], bool]) -> None:
    """Until the process ends."""
    path = pulse_file(home, "-".join(queues) or "none")
    while True:
        await asyncio.to_thread(_write, path, READY if ready() else LIVE)
        await asyncio.sleep(EVERY_SECONDS)


def _write(path: Path, state: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(state, "ascii")
    except OSError as error:  # a full disk is not a hanging event loop; the health check says the rest
        log.warning("no sign of life could be written: %s", error)
