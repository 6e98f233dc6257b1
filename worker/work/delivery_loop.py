"""Sends what must leave: alerts, outcome webhooks, ended tickets to history. Runs where `handoff` is served."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from fallbacks.autonomy.watch import Watch
from fallbacks.delivery.alerts import AlertDesk, Escalation
from fallbacks.delivery.outbox import Outbox, Receipt, Sent
from fallbacks.errors import HistoryUnreachable, StoreUnreachable
from fallbacks.ledger.limits.control import EARNED, Control
from fallbacks.ledger.sums.meters import field
from fallbacks.plan import Severity

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0

MOVE_PAUSE_SECONDS = 2.0

PROBE_PAUSE_SECONDS = 60.0

WATCH_PAUSE_SECONDS = 30.0

EVIDENCE = "the evidence"
"""Who promotes and demotes, as the operator log names it."""

Work = Callable[[], Awaitable[object]]


class DeliveryLoop:
    """Looks every second for what is due. outbox: None where no webhook is set.

    move: takes ended tickets to history. probe: keeps known-answer probes waiting, and judges the answers. watch:
    reports what earned or lost autonomy.
    """

    def __init__(self, alerts: AlertDesk, outbox: Outbox | None, move: Work, probe: Work, watch: Work) -> None:
        self.alerts = alerts
        self.outbox = outbox
        self.move = move
        self.probe = probe
        self.watch = watch

    async def run_forever(self) -> None:
        """Until the process ends. What cannot be sent stays due; a slow receiver of one kind holds up no other."""
        await asyncio.gather(
            _repeat(self.send_alerts, PAUSE_SECONDS),
            _repeat(self.send_outcomes, PAUSE_SECONDS),
            _repeat(self.move, MOVE_PAUSE_SECONDS),
            _repeat(self.probe, PROBE_PAUSE_SECONDS),
            _repeat(self.watch, WATCH_PAUSE_SECONDS),
        )

    async def round(self) -> None:
        """Send everything that is due now."""
        await self.send_alerts()
        await self.send_outcomes()

    async def send_alerts(self) -> None:
        """See `send_alerts` below."""
        await send_alerts(self.alerts)

    async def send_outcomes(self) -> None:
        """Send the outcomes that are due now."""
        for sent in await self.outbox.send_due() if self.outbox else ():
            _report(sent)


async def send_alerts(alerts: AlertDesk) -> None:
    """Send the alerts that are due now, and one where people have let something wait too long."""
    await alerts.escalate()
    for alert, failures in await alerts.send_due():
        for sink, why in failures.items():
            log.error("alert %s did not reach %s: %s", alert.id, sink, why)
        log.info("alert %s: %s", alert.id, alert.title)


async def report_turns(watch: Watch, alerts: AlertDesk) -> None:
    """Alert to what was promoted or demoted, and write it to the log and to the operator log."""
    turns = await watch.turns()
    for turn in turns:
        log.warning("autonomy: %s", turn.words)
        await watch.store.run("count", "", field("autonomy_changes", to="auto" if turn.promoted else "suggest"))
        await Control(watch.store).changed(EVIDENCE, f"{EARNED}{turn.period.key.kind}", turn.words)
    if turns:
        await alerts.alarm(Escalation.AUTONOMY_CHANGED, "; ".join(turn.words for turn in turns), Severity.WARNING)
        await alerts.calm(Escalation.AUTONOMY_CHANGED)


async def _repeat(work: Work, pause_seconds: float) -> None:
    while True:
        try:
            await work()
        except StoreUnreachable as error:
            which = "history" if isinstance(error, HistoryUnreachable) else "store"
            log.warning("%s unreachable: %s", which, error)
        except Exception:
            log.exception("a delivery round failed")
        await asyncio.sleep(pause_seconds)


def _report(sent: Sent) -> None:
    message, what = sent.message, f"{sent.message.event} of {sent.message.ticket_id}"
    if sent.receipt is Receipt.DELIVERED:
        log.info("webhook %s delivered: %s", message.id, what)
    elif sent.receipt is Receipt.GONE:
        log.error("the webhook receiver is gone (%s): nothing is sent until `deskhand webhooks enable`", sent.detail)
    elif sent.ended:
        log.error("webhook %s given up after %d tries: %s: %s", message.id, message.attempt, what, sent.detail)
    else:
        log.warning("webhook %s failed, try %d: %s: %s", message.id, message.attempt, what, sent.detail)
