"""Sends what must leave: alerts and outcome webhooks. Runs where queue `handoff` is served."""

import asyncio
import logging

from fallbacks.alerts import AlertDesk
from fallbacks.errors import BooksUnreachable

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0


class Courier:
    """Looks every second for what is due."""

    def __init__(self, alerts: AlertDesk) -> None:
        self.alerts = alerts

    async def run_forever(self) -> None:
        """Until the process ends. What cannot be sent stays due."""
        while True:
            try:
                await self.round()
            except BooksUnreachable as error:
                log.warning("books unreachable: %s", error)
            except Exception:
                log.exception("a delivery round failed")
            await asyncio.sleep(PAUSE_SECONDS)

    async def round(self) -> None:
        """Send everything that is due now."""
        for alert, failures in await self.alerts.send_due():
            for sink, why in failures.items():
                log.error("alert %s did not reach %s: %s", alert.id, sink, why)
            log.info("alert %s: %s", alert.id, alert.title)
