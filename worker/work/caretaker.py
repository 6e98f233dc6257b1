"""What a web process does while no worker hands off: it sweeps, gives to people what is late, and sends alerts."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic

from fallbacks.delivery.alerts import AlertDesk, Escalation
from fallbacks.errors import StoreUnreachable
from fallbacks.ledger.states import State
from fallbacks.store import keys
from fallbacks.store.port import Store
from worker.work.delivery_loop import send_alerts
from worker.work.outage import Outage
from worker.work.sweeper import Sweeper

log = logging.getLogger(__name__)

SILENT_LEASES = 3.0
"""A worker whose last heartbeat is older does nothing any more."""

WAITING = (State.QUEUED, State.RUNNING, State.PARKED)


@dataclass(slots=True)
class Caretaker:
    """Of several web processes one does it at a time. sweep_seconds: how often. lease_seconds: of the ledger.

    keep_trend: writes down what the whole looks like, where nobody has lately. announce: says which history this
    process asks.
    """

    store: Store
    sweeper: Sweeper
    alerts: AlertDesk
    outage: Outage
    sweep_seconds: float
    lease_seconds: float
    keep_trend: Callable[[], Awaitable[object]]
    announce: Callable[[], Awaitable[object]]
    seen_at: float = field(default_factory=monotonic)

    async def run_forever(self) -> None:
        """Until the process ends."""
        while True:
            try:
                await self.round()
            except StoreUnreachable as error:
                log.warning("store unreachable: %s", error)
                await self.outage.goes_on(error)
            except Exception:
                log.exception("looking after forgotten tickets failed")
            await asyncio.sleep(self.sweep_seconds)

    async def round(self) -> None:
        """One look. Raises `StoreUnreachable`."""
        first = await self.store.tick(keys.CARETAKER, max(1, int(self.sweep_seconds))) == 1
        self.outage.over()
        await self.announce()
        if first:
            await self.keep_trend()
        served = await self._served()
        if served:
            self.seen_at = monotonic()
        if not first or "handoff" in served:
            return
        await self.sweeper.sweep()
        await self._alarm(alone=not served)
        await send_alerts(self.alerts)

    async def _served(self) -> set[str]:
        """Queues of the workers that live."""
        oldest = await self.store.now_ms() - SILENT_LEASES * self.lease_seconds * 1000
        beats = [json.loads(beat) for beat in (await self.store.fields(keys.WORKERS)).values()]
        live = (beat for beat in beats if beat["at"] > oldest and not beat.get("starting"))
        return {queue for beat in live for queue in beat["queues"]}

    async def _alarm(self, *, alone: bool) -> None:
        waiting = sum(await self.store.sizes([keys.in_state(state.value) for state in WAITING]))
        silent = monotonic() - self.seen_at
        if not alone or not waiting:
            await self.alerts.calm(Escalation.NO_WORKER)
        elif silent >= SILENT_LEASES * self.lease_seconds:
            tickets = "ticket waits" if waiting == 1 else "tickets wait"
            await self.alerts.alarm(Escalation.NO_WORKER, f"no worker lives, and {waiting} {tickets}")
