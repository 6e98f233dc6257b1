"""How soon a person should look at what waits: by label or team where a target is set for it, else by priority."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from fallbacks.ledger.business_hours import BusinessHours
from fallbacks.ledger.move import In
from fallbacks.store.port import Store
from tasks.ticket import Priority

SLA_SECONDS = {Priority.URGENT: 900, Priority.HIGH: 3600, Priority.NORMAL: 4 * 3600, Priority.LOW: 24 * 3600}
"""Where nothing else is set; the inbox is sorted by it."""


@dataclass(frozen=True, slots=True)
class Targets:
    """seconds: by priority, or by a facet as the process has it, `label:refund`, `team:fraud`. hours: when they pass;
    None: always.
    """

    seconds: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    hours: BusinessHours | None = None

    def seconds_of(self, priority: Priority, facets: Sequence[str]) -> int:
        """The target of the first facet that has one, in the process's order; else the priority's."""
        own = next((self.seconds[facet] for facet in facets if facet in self.seconds), None)
        return self.seconds.get(priority, SLA_SECONDS[priority]) if own is None else own

    async def look_by(self, store: Store, priority: Priority, facets: Sequence[str]) -> In:
        """When somebody should look at what is put before people now. One read of the store's time where it matters."""
        wanted = self.seconds_of(priority, facets) * 1000
        if self.hours is None:
            return In(wanted)
        now = await store.now_ms()
        return In(self.hours.after(now, wanted) - now)


USUAL = Targets()
