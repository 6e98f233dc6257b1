"""Learning by itself: in each window one worker lets another process take a round, and reports what it came to."""

import asyncio
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO

from fallbacks.delivery.alerts import AlertDesk, Escalation
from fallbacks.errors import StoreUnreachable
from fallbacks.ledger.limits.control import MODEL, Control
from fallbacks.ledger.sums.meters import field
from fallbacks.plan import Severity
from fallbacks.store import keys
from fallbacks.store.port import Store

log = logging.getLogger(__name__)

PAUSE_SECONDS = 60.0
MOST_SECONDS = 1_800.0
"""A round that takes longer is ended: with `MOST_DECISIONS` it takes a minute or two of one core."""

NICE = 10
"""It steps aside for what works."""

LOOKED_AFTER_SECONDS = 0.5

COMMAND = (sys.executable, "-m", "worker.cli", "train", "--scheduled", "--json")

LEARNING = "learning"
"""Who promotes and rolls back by rule, as the operator log names it."""

CHANGED = frozenset({"promoted", "rolled_back"})


class Retraining:
    """hours: of a window, in which one round is taken; 0: never. redis_url: of the store, for the other process."""

    def __init__(
        self, store: Store, alerts: AlertDesk, hours: float, redis_url: str, command: Sequence[str] = COMMAND
    ) -> None:
        self.store = store
        self.alerts = alerts
        self.hours = hours
        self._environment = {"DESKHAND_REDIS_URL": redis_url, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._command = command

    async def run_forever(self) -> None:
        """Until the process ends; at once where nothing learns by itself."""
        while self.hours > 0:
            try:
                await self.take_turn()
            except StoreUnreachable as error:
                log.warning("store unreachable: %s", error)
            except Exception:
                log.exception("a round of learning failed")
            await asyncio.sleep(PAUSE_SECONDS)

    async def take_turn(self) -> str:
        """A round, unless a process has taken one within these hours. Returns what happened, "" for no round."""
        if await self.store.tick(keys.RETRAIN_TURN, max(1, int(self.hours * 3600))) != 1:
            return ""
        with _begun(self._command, {**os.environ, **self._environment}) as (process, out, err):
            for _ in range(int(MOST_SECONDS / LOOKED_AFTER_SECONDS)):
                if process.poll() is not None:
                    break
                await asyncio.sleep(LOOKED_AFTER_SECONDS)
            if process.poll() == 0:
                found = json.loads(_last_line(out))
                return await self._report(found["happened"], found["words"])
            ended = "took too long" if process.poll() is None else f"ended with status {process.poll()}"
            log.error("a round of learning %s: %s", ended, _last_line(err))
            return await self._report("failed", "")

    async def _report(self, happened: str, words: str) -> str:
        """To the log and the metrics; where another model works now, to people, too."""
        if words:
            log.log(logging.WARNING if happened in CHANGED else logging.INFO, "learning: %s", words)
        await self.store.run("count", "", field("learning_rounds", happened=happened))
        if happened in CHANGED:
            await Control(self.store).changed(LEARNING, MODEL, words)
            await self.alerts.alarm(Escalation.MODEL_CHANGED, words, Severity.WARNING)
            await self.alerts.calm(Escalation.MODEL_CHANGED)
        return happened


@contextmanager
def _begun(
    command: Sequence[str], environment: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]]:
    """The other process, which ends with this block whatever becomes of it; what it says goes to files."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
        try:
            yield process, out, err
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def _last_line(file: IO[bytes]) -> str:
    file.seek(0)
    return (file.read().decode(errors="replace").strip().split("\n") or [""])[-1][-2_000:]
