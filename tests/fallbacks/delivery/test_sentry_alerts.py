"""Sentry over real HTTP, with a DSN of 127.0.0.1: one event an alert, the same one on every try, and no silent loss."""

import asyncio

import pytest

from fallbacks.delivery import sentry_alerts
from fallbacks.delivery.alerts import Alert
from fallbacks.delivery.sentry_alerts import SentryAlerts, SentryUnreachableError
from fallbacks.plan import Severity
from tasks.reasons import Reason
from tests.services.http_sink import Answer, HttpSink

ALERT = Alert("step_limit-1", Reason.STEP_LIMIT, 3, Severity.WARNING, 1_000, 2_000, ("t1",), "")


def send(sink: HttpSink, *alerts: Alert) -> None:
    sentry = SentryAlerts(sink.sentry_dsn, "test")
    for alert in alerts:
        asyncio.run(sentry.send(alert))


def test_a_repeated_alert_is_the_same_event_and_another_deployments_is_not(http_sink: HttpSink) -> None:
    elsewhere = Alert("step_limit-1", Reason.STEP_LIMIT, 3, Severity.WARNING, 5_000, 6_000, ("x1",), "")
    send(http_sink, ALERT, ALERT, elsewhere)
    first, again, other = (event["event_id"] for event in http_sink.sentry())
    assert first == again != other


@pytest.mark.parametrize("status", [429, 500, 413])
def test_an_event_that_sentry_refuses_is_not_taken_for_told(http_sink: HttpSink, status: int) -> None:
    http_sink.next.append(Answer(status))
    with pytest.raises(SentryUnreachableError, match=str(status)):
        send(http_sink, ALERT)


def test_a_sentry_that_is_not_there_is_not_taken_for_told() -> None:
    with HttpSink() as gone:
        dsn = gone.sentry_dsn
    with pytest.raises(SentryUnreachableError):
        asyncio.run(SentryAlerts(dsn, "test").send(ALERT))


def test_a_sentry_that_does_not_answer_in_time_is_not_taken_for_told(
    http_sink: HttpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentry_alerts, "FLUSH_SECONDS", 0.2)
    http_sink.next.append(Answer(200, delay_seconds=3.0))
    with pytest.raises(SentryUnreachableError, match="no answer"):
        send(http_sink, ALERT)
