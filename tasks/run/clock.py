"""The store's time, between two looks at it."""

from dataclasses import dataclass
from time import monotonic


@dataclass(slots=True)
class StoreClock:
    """Store time, carried on by this process's monotonic clock: a wrong wall clock changes nothing."""

    offset_ms: float

    @classmethod
    def at(cls, store_ms: int) -> "StoreClock":
        """A clock that reads `store_ms` now."""
        return cls(store_ms - monotonic() * 1000)

    def now_ms(self) -> int:
        """Store time, ms since the epoch."""
        return int(monotonic() * 1000 + self.offset_ms)
