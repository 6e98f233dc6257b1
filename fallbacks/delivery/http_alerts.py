"""Alerts to a webhook: one JSON object a chat system can show, without ticket text."""

import asyncio

import httpx

from fallbacks.delivery.alerts import Alert
from fallbacks.errors import AlertRefused

TIMEOUT_SECONDS = 5.0
"""For all of it: httpx's own is for each read, and an answer may drip."""


class WebhookAlerts:
    """An `AlertSink` over HTTP POST. The body carries `text`, so Slack-shaped receivers show it as it is."""

    name = "webhook"

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False)

    async def send(self, alert: Alert) -> None:
        """POST it; the answer's body is not read. Raises `AlertRefused`.

        Chat services make addresses that are themselves a secret: no error names one.
        """
        body = {
            "id": alert.id,
            "text": f"[{alert.severity.value}] {alert.title}. {alert.advice} {alert.link}".strip(),
            "reason": alert.reason.value,
            "severity": alert.severity.value,
            "count": alert.count,
            "tickets": list(alert.tickets),
            "first_ms": alert.first_ms,
            "last_ms": alert.last_ms,
            "link": alert.link,
        }
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                request = self._client.build_request("POST", self._url, json=body, headers={"webhook-id": alert.id})
                answer = await self._client.send(request, stream=True)
                await answer.aclose()
        except TimeoutError:
            raise AlertRefused(f"no answer within {TIMEOUT_SECONDS:g} s") from None
        except httpx.HTTPError as error:
            raise AlertRefused(f"{type(error).__name__}") from None
        if not answer.is_success:
            raise AlertRefused(f"HTTP {answer.status_code}")
