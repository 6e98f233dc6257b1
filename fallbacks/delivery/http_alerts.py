"""Alerts to a webhook: one JSON object a chat system can show, without ticket text."""

import httpx

from fallbacks.delivery.alerts import Alert

TIMEOUT_SECONDS = 5.0


class WebhookAlerts:
    """An `AlertSink` over HTTP POST. The body carries `text`, so Slack-shaped receivers show it as it is."""

    name = "webhook"

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False)

    async def send(self, alert: Alert) -> None:
        """POST it; raises `httpx.HTTPError` for anything but 2xx."""
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
        answer = await self._client.post(self._url, json=body, headers={"webhook-id": alert.id})
        answer.raise_for_status()
