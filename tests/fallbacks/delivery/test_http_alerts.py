"""Alerts by webhook: a receiver that refuses, drips or is away fails in time, and its address is shown to nobody."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from fallbacks.delivery import http_alerts
from fallbacks.delivery.alerts import Alert
from fallbacks.delivery.http_alerts import WebhookAlerts
from fallbacks.errors import AlertRefused
from fallbacks.plan import Severity
from tasks.reasons import Reason
from tests.services.http_sink import Answer, HttpSink

ALERT = Alert("a1", Reason.STEP_LIMIT, 1, Severity.WARNING, 1, 2, ("t1",), "")


def sent(url: str) -> str:
    """Why an alert did not arrive; "" where it did."""

    async def send() -> str:
        alerts = WebhookAlerts(url)
        try:
            await alerts.send(ALERT)
        except AlertRefused as error:
            return str(error)
        finally:
            await alerts._client.aclose()
        return ""

    return asyncio.run(send())


@contextmanager
def dripping() -> Iterator[str]:
    """A receiver whose answer's head never ends."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with suppress(OSError):
                client, _ = server.accept()
                with client:
                    client.sendall(b"HTTP/1.1 200 OK\r\n")
                    while True:
                        client.sendall(b"X-More: 1\r\n")
                        threading.Event().wait(0.05)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/services/secret"
    thread.join()


def test_a_receiver_that_refuses_is_named_by_its_status_alone(http_sink: HttpSink) -> None:
    http_sink.next.append(Answer(status=404))
    assert sent(f"{http_sink.url}/services/secret") == "HTTP 404"
    assert sent(f"{http_sink.url}/services/secret") == ""


def test_a_receiver_that_is_away_is_not_named() -> None:
    assert sent("http://127.0.0.1:1/services/secret") == "ConnectError"


def test_a_receiver_that_drips_its_answer_holds_up_no_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_alerts, "TIMEOUT_SECONDS", 0.5)
    with dripping() as url:
        assert sent(url) == "no answer within 0.5 s"
