"""The models' circuit breakers: which are open, why, and when the next call is tried."""

from collections.abc import Iterable
from dataclasses import dataclass

from fallbacks.ledger.sums.meters import series
from fallbacks.ledger.views import Stats
from fallbacks.store import keys
from fallbacks.store.port import Store


@dataclass(frozen=True, slots=True)
class Breaker:
    """One model's. failures: in a row. open_until_ms: no call before it, 0 where none was refused yet.

    state: "counting" (failures, and calls go on), "open", "probing" (one call tries) or "half-open" (the next will).
    """

    model: str
    state: str
    reason: str
    failures: int
    open_until_ms: int


async def breakers(store: Store, stats: Stats, models: Iterable[str] = ()) -> list[Breaker]:
    """Those that have something to say, of these models and of all that were ever called. One read a model."""
    called = {labels["model"] for labels, _ in series(stats.meters, "llm_requests")}
    found = [await _breaker(store, model, stats.now_ms) for model in sorted({*models, *called})]
    return [breaker for breaker in found if breaker is not None]


async def _breaker(store: Store, model: str, now_ms: int) -> Breaker | None:
    row = await store.fields(keys.breaker(model))
    if not row:
        return None
    open_until, probe_until = int(row.get("open_until", 0)), int(row.get("probe_until", 0))
    if not open_until:
        state = "counting"
    elif open_until > now_ms:
        state = "open"
    else:
        state = "probing" if probe_until > now_ms else "half-open"
    return Breaker(model, state, row.get("reason", ""), int(row.get("failures", 0)), open_until)
