"""What the whole looked like every five minutes of the last day: what is unusual now is found by comparing with it."""

import json
from dataclasses import dataclass, field

from fallbacks.ledger.sums.meters import OF_TOOLS
from fallbacks.ledger.views import Stats, Views
from fallbacks.store import keys
from fallbacks.store.port import Store

EVERY_SECONDS = 300
KEPT = 24 * 3600 // EVERY_SECONDS + 1
WINDOW_SECONDS = 300.0
"""What counts as now: since the youngest look that is at least as old."""

YOUNGEST = 3
"""As many looks are read to find it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The whole at one moment. at_ms: store time. states, inbox: tickets by state and by reason.

    counters, meters: since the store was opened; of histograms, other than those of tools, only the sums.
    """

    at_ms: int
    states: dict[str, int] = field(default_factory=dict)
    inbox: dict[str, int] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    meters: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """From one moment to a later one."""

    before: Seen
    after: Seen

    @property
    def hours(self) -> float:
        """How long it was; never nothing."""
        return max(1.0, self.after.at_ms - self.before.at_ms) / 3_600_000

    def counted(self, name: str) -> int:
        """By how much a counter grew."""
        return self.after.counters.get(name, 0) - self.before.counters.get(name, 0)

    def metered(self, *prefixes: str) -> int:
        """By how much the meters grew whose names begin with one of these."""
        now, then = self.after.meters, self.before.meters
        return sum(value - then.get(name, 0) for name, value in now.items() if name.startswith(prefixes))

    def grown(self, prefix: str) -> dict[str, int]:
        """The meters with this prefix that grew, and by how much."""
        now, then = self.after.meters, self.before.meters
        growth = {name: value - then.get(name, 0) for name, value in now.items() if name.startswith(prefix)}
        return {name: value for name, value in growth.items() if value > 0}


def seen(stats: Stats) -> Seen:
    """What is kept of the whole."""
    kept = f"{OF_TOOLS}|"
    meters = {name: value for name, value in stats.meters.items() if "|le=" not in name or name.startswith(kept)}
    return Seen(stats.now_ms, stats.states, stats.inbox, stats.counters, meters)


async def keep_trend(views: Views) -> bool:
    """Write down what the whole looks like, if nobody has within these minutes. Returns whether it was written."""
    if await views.store.tick(keys.TREND_TURN, EVERY_SECONDS) != 1:
        return False
    await write_trend(views.store, seen(await views.stats()))
    return True


async def write_trend(store: Store, look: Seen) -> None:
    """Write one look. The store stamps its time."""
    kept = {"states": look.states, "inbox": look.inbox, "counters": look.counters, "meters": look.meters}
    await store.run("log", "", keys.TREND, KEPT, json.dumps(kept))


async def compared(store: Store, now: Seen) -> tuple[Change, Change] | None:
    """(what has changed just now, what had changed before it in the last day); None before there was a look.

    Of a ledger that is younger than a window, everything is just now.
    """
    young, old = await store.listed(keys.TREND, 0, YOUNGEST - 1), await store.listed(keys.TREND, -1, -1)
    looks = [_read(stored) for stored in (*young, *old)]
    if not looks:
        return None
    then = next((look for look in looks if now.at_ms - look.at_ms >= WINDOW_SECONDS * 1000), looks[-1])
    return Change(then, now), Change(looks[-1], then)


def _read(stored: str) -> Seen:
    raw = json.loads(stored)
    return Seen(int(raw["at"]), raw["states"], raw["inbox"], raw["counters"], raw["meters"])
