"""A spell in which this process cannot write to the store: alerted past the store, and at last the process's end."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic, time

from fallbacks.delivery.alerts import Alert, AlertSink, Escalation
from fallbacks.plan import Severity

log = logging.getLogger(__name__)

ALERT_LEASES = 2.0
"""By then every lease of this process is lost, and others do its work, if they can."""

END_LEASES = 10.0
LEAST_END_SECONDS = 300.0
"""A store that restarts or loads its file is waited for: its tickets go on in the process that holds them. Beyond that
a new process may find another one, and its supervisor sees it."""


@dataclass(slots=True)
class Outage:
    """who: this process, for people. end: stops it; None where it stays and answers that it is not ready.

    lease_seconds: of the ledger; every other time is a multiple.
    """

    who: str
    sinks: tuple[AlertSink, ...]
    lease_seconds: float
    end: Callable[[str], None] | None = None
    well_at: float = field(default_factory=monotonic)
    alerted: bool = False

    def over(self) -> None:
        """The store took a write."""
        if self.alerted:
            log.warning("the store takes writes again, after %.0f s", monotonic() - self.well_at)
        self.well_at, self.alerted = monotonic(), False

    async def goes_on(self, error: Exception) -> None:
        """A try to write has failed."""
        silent = monotonic() - self.well_at
        if not self.alerted and silent >= ALERT_LEASES * self.lease_seconds:
            self.alerted = True
            await self._alert(f"{self.who} has not written to the store for {silent:.0f} s ({_short(error)})")
        if self.end is not None and silent >= max(END_LEASES * self.lease_seconds, LEAST_END_SECONDS):
            end, self.end = self.end, None
            end(f"the store took no write for {silent:.0f} s: {_short(error)}")

    async def _alert(self, what: str) -> None:
        log.error("%s", what)
        now = int(time() * 1000)  # the store's time is not to be had
        alert = Alert(f"store-away-{self.who}-{now}", Escalation.STORE_AWAY, 1, Severity.ERROR, now, now, (), "", what)
        for sink in self.sinks:
            try:
                await sink.send(alert)
            except Exception as error:  # sinks raise what their libraries do; the log has it, too
                log.error("the alert did not reach %s: %s", sink.name, _short(error))  # noqa: TRY400 - one line


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]
