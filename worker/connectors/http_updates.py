"""Outcomes back to the helpdesk a ticket came from, as its own update call. Sent from the outbox, like webhooks."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from fallbacks.delivery.http_targets import TargetRefused, checked_address, why
from fallbacks.delivery.outbox import Message, Receipt
from fallbacks.delivery.outcomes import Outcome
from fallbacks.ledger.views import Views
from worker.connectors.field_map import as_text, filled
from worker.connectors.hook import Hook, Update

TIMEOUT_SECONDS = 15.0


class HookUpdates:
    """An `OutcomeSender`. At least once: an update call should set things, not add to them."""

    def __init__(self, hooks: Mapping[str, Hook], views: Views, *, allow_private: bool) -> None:
        self._hooks = hooks
        self._views = views
        self._allow_private = allow_private
        self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False)

    async def send(self, message: Message) -> tuple[Receipt, str]:
        """Call once. Only 2xx delivers."""
        hook = self._hooks.get(message.to.partition(":")[2])
        update = hook.update_for(Outcome(message.event)) if hook else None
        if hook is None or update is None:
            return Receipt.FAILED, f"no field map sends {message.event} to {message.to!r}"
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                status = await self._call(hook, update, message)
        except TimeoutError:
            return Receipt.FAILED, f"no answer within {TIMEOUT_SECONDS:g} s"
        except TargetRefused as error:
            return Receipt.FAILED, str(error)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return Receipt.FAILED, why(error)
        return (Receipt.DELIVERED if 200 <= status < 300 else Receipt.FAILED), f"HTTP {status}"

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def _call(self, hook: Hook, update: Update, message: Message) -> int:
        row = await self._views.row(message.ticket_id)
        payload = json.loads(message.body)
        known: dict[str, Any] = {
            "event": message.event,
            "data": payload["data"],
            "sequence": payload["sequence"],
            "webhook_id": message.webhook_id,
            "ticket": json.loads(row["body"]) if row and "body" in row else {},
        }
        url = httpx.URL(filled(update.url, known, _in_url))
        secret = {**known, "env": dict(hook.secrets)}
        port = url.port or (443 if url.scheme == "https" else 80)
        address = await checked_address(url.host, port, allow_private=self._allow_private)
        headers = {
            "user-agent": "deskhand-hooks",
            "content-type": "application/json",
            **{name.lower(): as_text(filled(value, secret)) for name, value in update.headers.items()},
            "host": url.netloc.decode("ascii"),
            "webhook-id": message.webhook_id,
        }
        request = self._client.build_request(
            update.method,
            url.copy_with(host=address),
            content=json.dumps(filled(update.body, known), ensure_ascii=False).encode(),
            headers=headers,
            extensions={"sni_hostname": url.host},
        )
        answer = await self._client.send(request, stream=True)
        await answer.aclose()
        return answer.status_code


def _in_url(value: str) -> str:
    """One segment, whatever the value: it can neither leave its place in the path nor be `..`."""
    return quote(value, safe="").replace(".", "%2E") if set(value) <= {"."} else quote(value, safe="")
