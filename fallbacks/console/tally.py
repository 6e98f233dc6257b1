"""What people's decisions say about the agent, counted from the examples as they come."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field

from fallbacks.store import keys
from fallbacks.store.port import Store

CHUNK = 500
UNSETTLED = 200
"""So many of the last examples are read anew each time: an undo takes one of the last away again."""


@dataclass(slots=True)
class Counts:
    """By label. decided: what people decided. proposed: proposals they saw, agreed: of these, how many stood."""

    decided: Counter[str] = field(default_factory=Counter)
    proposed: Counter[str] = field(default_factory=Counter)
    agreed: Counter[str] = field(default_factory=Counter)
    by_person: Counter[str] = field(default_factory=Counter)

    def add(self, example: str) -> None:
        """One more decision."""
        row = json.loads(example)
        self.decided[row["label"]] += 1
        self.by_person[row["by"]] += 1
        if row.get("proposed"):
            self.proposed[row["proposed"]] += 1
            self.agreed[row["proposed"]] += row["proposed"] == row["label"]

    def copy(self) -> "Counts":
        """An independent copy."""
        return Counts(self.decided.copy(), self.proposed.copy(), self.agreed.copy(), self.by_person.copy())


class Tally:
    """Keeps its place in the list, so that a page costs what is new and not what there is."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._settled = Counts()
        self._place = 0
        self._lock = asyncio.Lock()

    async def counts(self) -> Counts:
        """Everything decided so far."""
        async with self._lock:
            tail: list[str] = []
            while chunk := await self._store.listed(
                keys.EXAMPLES, self._place + len(tail), self._place + len(tail) + CHUNK - 1
            ):
                tail += chunk
                while len(tail) > UNSETTLED:
                    self._settled.add(tail.pop(0))
                    self._place += 1
            counts = self._settled.copy()
            for example in tail:
                counts.add(example)
            return counts
