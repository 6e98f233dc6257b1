"""The liveness file: a small file that a worker's event loop writes every few seconds.

Liveness asks no broker and no store: a worker that waits for them is well, and restarting it would only lose its runs.
Readiness is that the worker consumes: it began to, its last heartbeat reached the store, and it is not stopping.
`python -m worker.alive` looks at the file.
"""

import asyncio
import logging
import platform
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
STALE_SECONDS = 60.0
"""An event loop that has not run for so long hangs."""

READY, LIVE = "ready", "live"


def liveness_file(home: Path, queues: str) -> Path:
    """Where a worker of this host, serving these queues, writes. Containers may share a home: each is a host."""
    return home / f"liveness-{platform.node()}-{queues}"


async def keep_fresh(home: Path, queues: tuple[str, ...], ready: Callable[[], bool]) -> None:
    """Until the process ends."""
    path = liveness_file(home, "-".join(queues) or "none")
    while True:
        await asyncio.to_thread(_write, path, READY if ready() else LIVE)
        await asyncio.sleep(EVERY_SECONDS)


def _write(path: Path, state: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(state, "ascii")
    except OSError as error:  # a full disk is not a hanging event loop; the health check says the rest
        log.warning("the liveness file could not be written: %s", error)
