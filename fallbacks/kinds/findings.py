"""Where the kinds are wrong, by people's decisions: for `deskhand labels` and the screen of the same name."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from fallbacks.kinds.candidates import Candidate, candidates
from fallbacks.kinds.changes import Change, changes
from fallbacks.kinds.confusions import Confusion, confusions
from fallbacks.kinds.ended import ended
from fallbacks.ledger.past.examples import Example, Examples
from fallbacks.store import keys
from tasks.run.process import Process

LATEST = 5_000
"""Decisions that are looked at."""

KEPT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Findings:
    """ended: tickets that people ended; unfitting: those of them that no kind fits. alone: kinds that are or were
    decided without people, whose share is not compared.
    """

    ended: int = 0
    unfitting: int = 0
    confusions: tuple[Confusion, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    changes: tuple[Change, ...] = ()
    alone: tuple[str, ...] = ()


def find(process: Process, latest: Sequence[Example], now_ms: int, alone: Sequence[str]) -> Findings:
    """latest: examples, oldest first."""
    stand = ended(latest)
    unfitting = stand.unfitting(process)
    outside = {example.id for example in unfitting}
    others = [example for example in stand.latest.values() if example.id not in outside]
    return Findings(
        len(stand.latest),
        len(unfitting),
        tuple(confusions(process, others)),
        tuple(candidates(unfitting, others)),
        tuple(changes(process, stand.latest.values(), now_ms, alone)),
        tuple(alone),
    )


class Finder:
    """Looks again once a minute at most: it is read by people, and takes a second of CPU."""

    def __init__(self, examples: Examples) -> None:
        self._examples = examples
        self._found = Findings()
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def now(self) -> Findings:
        """What there is to say; the store's loop is not held up by it."""
        async with self._lock:
            if monotonic() >= self._until:
                self._found = await self._look()
                self._until = monotonic() + KEPT_SECONDS
            return self._found

    async def _look(self) -> Findings:
        examples, store = self._examples, self._examples.store
        latest = await examples.latest(LATEST)
        earned = await store.fields(keys.EARNED)
        alone = sorted({str(json.loads(field)[0]) for field in earned})
        return await asyncio.to_thread(find, examples.process, latest, await store.now_ms(), alone)
