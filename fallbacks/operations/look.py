"""One look at the whole, for what is unusual now: about a hundred operations of the store, however many tickets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fallbacks.delivery.outbox import Entry, OutboxAdmin
from fallbacks.ledger.limits.control import Change as Switched
from fallbacks.ledger.limits.control import Control
from fallbacks.ledger.past.examples import Examples
from fallbacks.ledger.sums.figures import Day, days_of
from fallbacks.ledger.sums.trend import Change, Seen, compared, seen
from fallbacks.ledger.views import Stats, Views
from fallbacks.operations.breakers import Breaker, breakers
from fallbacks.operations.fleet import Worker, fleet
from fallbacks.operations.quality import Quality, quality
from fallbacks.operations.senders import Senders, senders
from fallbacks.store import keys
from tasks.run.process import Process

SWITCHES = 50
TRIED = 20
"""Messages of the outbox that are looked at for what their receiver says."""

QUALITY_DAYS = 8


@dataclass(frozen=True, slots=True)
class Terms:
    """What a deployment has set. lease_seconds: of the ledger. autonomy: as the environment says. models: of its tiers.

    day_cap: nanodollars a UTC day, None for none; a budget set at run time goes before it.
    """

    lease_seconds: float = 30.0
    day_cap: int | None = None
    autonomy: str = "suggest"
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that is compared. now: what has changed just now; day: in the day before, None while nothing is known.

    late_ms: how long ago the first item of the inbox should have been looked at. store: what its server says of itself.
    """

    stats: Stats
    terms: Terms
    now: Change
    day: Change | None
    fleet: tuple[Worker, ...]
    breakers: tuple[Breaker, ...]
    senders: Senders
    undelivered: tuple[Entry, ...]
    given_up: int
    late_ms: float
    alerts_late_ms: float
    switched: tuple[Switched, ...]
    days: tuple[Day, ...]
    quality: tuple[Quality, ...]
    store: Mapping[str, Any] = field(default_factory=dict)

    @property
    def day_cap(self) -> int | None:
        """The budget in force."""
        return self.stats.day_cap(self.terms.day_cap)


async def look(
    views: Views, process: Process, terms: Terms, stats: Stats, store_info: Mapping[str, Any] | None = None
) -> Look:
    """Read it. stats: of this moment. store_info: the server's own INFO, where somebody has asked it."""
    store = views.store
    both = await compared(store, seen(stats))
    days = await days_of(store, QUALITY_DAYS)
    due = [entry for entry in await OutboxAdmin(store).entries(TRIED) if entry.attempts]
    return Look(
        stats=stats,
        terms=terms,
        now=both[0] if both else Change(Seen(stats.now_ms), seen(stats)),
        day=both[1] if both and both[1].after.at_ms > both[1].before.at_ms else None,
        fleet=tuple(await fleet(store, terms.lease_seconds)),
        breakers=tuple(await breakers(store, stats, terms.models)),
        senders=await senders(store),
        undelivered=tuple(due),
        given_up=(await store.sizes([keys.OUTBOX_FAILED]))[0],
        late_ms=await _late_ms(views, keys.INBOX, stats.now_ms),
        alerts_late_ms=await _late_ms(views, keys.ALERTS, stats.now_ms),
        switched=tuple(await Control(store).log(SWITCHES)),
        days=tuple(days),
        quality=tuple(await quality(Examples(store, process, views.history), days)),
        store=store_info or {},
    )


async def _late_ms(views: Views, index: str, now_ms: int) -> float:
    return max((0.0, *(now_ms - due for _, due in await views.store.ranked(index, 0, 0))))
