"""Alerts to Sentry, grouped by reason under a fingerprint of our own; never with ticket text, nor with frame locals."""

import asyncio
from hashlib import sha256
from typing import Any

import sentry_sdk
from sentry_sdk.transport import HttpTransport

from fallbacks.delivery.alerts import Alert
from fallbacks.plan import Severity
from tasks.reasons import Reason

_LEVELS = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.ERROR: "error"}

FLUSH_SECONDS = 5.0

STILL_SENDING_SECONDS = 0.01


class SentryUnreachableError(Exception):
    """Sentry did not take the event, or did not say so in time."""


class _ReportingTransport(HttpTransport):
    """The SDK drops what cannot be sent and says so to this method only."""

    dropped = ""

    def on_dropped_event(self, reason: str) -> None:
        self.dropped = reason


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
            data_collection={"user_info": False, "queues": False, "stack_frame_variables": False},
            trace_propagation_targets=[],
            max_breadcrumbs=0,
            transport=_ReportingTransport,
        )

    async def send(self, alert: Alert) -> None:
        """One event per alert; its id is derived from the alert's, so that a repeat is the same event.

        Raises `SentryUnreachableError`.
        """
        await asyncio.to_thread(self._send, alert)

    def _send(self, alert: Alert) -> None:
        same = sha256(f"{alert.id} {alert.first_ms}".encode()).hexdigest()[:32]  # serials begin anew with a new store
        event: dict[str, Any] = {
            "event_id": same,
            "level": _LEVELS[alert.severity],
            "logger": "deskhand.alerts",
            "message": alert.title,
            "fingerprint": ["hand_off" if isinstance(alert.reason, Reason) else "inbox", alert.reason.value],
            "tags": {"reason": alert.reason.value, "severity": alert.severity.value},
            "extra": {
                "alert_id": alert.id,
                "count": alert.count,
                "tickets": list(alert.tickets),
                "advice": alert.advice,
                "link": alert.link,
            },
        }
        transport = self._client.transport
        assert isinstance(transport, _ReportingTransport)  # noqa: S101 - the client makes what it is given
        transport.dropped = ""
        self._client.capture_event(event)  # type: ignore[arg-type]
        waiting: list[int] = []
        self._client.flush(timeout=FLUSH_SECONDS)
        self._client.flush(timeout=STILL_SENDING_SECONDS, callback=lambda count, _: waiting.append(count))
        if transport.dropped or waiting:
            raise SentryUnreachableError(transport.dropped or f"no answer within {FLUSH_SECONDS:g} s")
