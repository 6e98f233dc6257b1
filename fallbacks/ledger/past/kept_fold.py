"""A fold over people's decisions, kept in the store: a process that starts goes on from there and not from the first.

It is worth as much as what it was folded from: whatever it follows from besides is named, and where that is another
now, or what is kept cannot be read, all is folded anew.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Generic, TypeVar

from fallbacks.store import keys
from fallbacks.store.port import Store

S = TypeVar("S")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptFold(Generic[S]):
    """name: of the fold. of: all that it follows from but the decisions, in words. write, read: a state as JSON."""

    store: Store
    name: str
    of: str
    write: Callable[[S], object]
    read: Callable[[object], S]

    async def find(self, count: int) -> tuple[int, S] | None:
        """(how many decisions are in it, the state); None where none is kept that holds. count: of all there are."""
        kept = (await self.store.fields(keys.FOLDS)).get(self.name)
        if kept is None:
            return None
        try:
            of, place, state = json.loads(kept)
            return (place, self.read(state)) if of == self._digest and place <= count else None
        except (ValueError, TypeError, LookupError) as error:
            log.warning("what is kept of %s cannot be read, and is folded anew: %s", self.name, error)
            return None

    async def keep(self, place: int, state: S) -> None:
        """For whoever starts next. place: how many decisions are in it, none of which can be undone."""
        kept = json.dumps([self._digest, place, self.write(state)], separators=(",", ":"))
        await self.store.put(keys.FOLDS, {self.name: kept})

    @property
    def _digest(self) -> str:
        return sha256(self.of.encode()).hexdigest()[:16]
