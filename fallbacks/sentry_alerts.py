"""Alerts to Sentry: grouped by reason, never with ticket text (FACTS: aggregates, own fingerprint, no frame locals)."""

import asyncio
from typing import Any

import sentry_sdk

from fallbacks.alerts import Alert, Escalation
from fallbacks.plan import Severity

_LEVELS = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.ERROR: "error"}

FLUSH_SECONDS = 5.0


class SentryUnreachableError(Exception):
    """Sentry took the event but did not say so in time."""


class SentryAlerts:
    """An `AlertSink` with a client of its own: no integrations, no tracing, nothing captured by itself."""

    name = "sentry"

    def __init__(self, dsn: str, release: str) -> None:
        self._client = sentry_sdk.Client(
            dsn=dsn,
            release=release,
            default_integrations=False,
            auto_enabling_integrations=False,
            include_local_variables=False,
            send_default_pii=False,
            trace_propagation_targets=[],
            max_breadcrumbs=0,
        )

    async def send(self, alert: Alert) -> None:
        """One event per alert; its id is derived from the alert's, so that a repeat is the same event."""
        await asyncio.to_thread(self._send, alert)

    def _send(self, alert: Alert) -> None:
        event: dict[str, Any] = {
            "level": _LEVELS[alert.severity],
            "logger": "deskhand.alerts",
            "message": alert.title,
            "fingerprint": ["inbox" if isinstance(alert.reason, Escalation) else "hand_off", alert.reason.value],
            "tags": {"reason": alert.reason.value, "severity": alert.severity.value},
            "extra": {
                "alert_id": alert.id,
                "count": alert.count,
                "tickets": list(alert.tickets),
                "advice": alert.advice,
                "link": alert.link,
            },
        }
        self._client.capture_event(event)  # type: ignore[arg-type]
        self._client.flush(timeout=FLUSH_SECONDS)
