"""Notifies the duty team by a signed webhook whose receiver honours an idempotency key: a retry is not a second call.

`POST {url}` with a Standard Webhooks signature, and the effect's key both as `Idempotency-Key` and as `webhook-id`.
"""

import asyncio
import json
import random
import time
from types import TracebackType
from typing import Self

import httpx
from pydantic import SecretStr

from fallbacks.delivery.signing import read_secrets, signatures
from tasks.errors import ToolError

_TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


class HttpNotifier:
    """Implements `tasks.tools.ports.TeamNotifier`. One client per process, made after fork, closed in the end.

    secret: `whsec_...`. seconds: all tries together; keep it under the tool's own timeout.
    """

    def __init__(self, url: str, secret: SecretStr, *, seconds: float = 5.0, tries: int = 3) -> None:
        self._url = url
        self._keys = read_secrets(secret.get_secret_value())
        self._seconds = seconds
        self._tries = tries
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(seconds, connect=min(1.0, seconds)), follow_redirects=False, trust_env=False
        )

    async def notify(self, *, key: str, ticket_id: str, urgency: str, note: str) -> str:
        """Notify the team once, however often it is asked under one key. Raises `ToolError` without secrets."""
        data = {"ticket_id": ticket_id, "urgency": urgency, "note": note}
        body = json.dumps({"type": "ticket.notify", "data": data}, ensure_ascii=False, sort_keys=True).encode()
        try:
            async with asyncio.timeout(self._seconds):
                status = await self._deliver(key, body)
        except TimeoutError:
            raise ToolError(f"the team's receiver did not answer within {self._seconds:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ToolError(f"the team's receiver cannot be reached: {type(error).__name__}") from None
        if not httpx.codes.is_success(status):
            raise ToolError(f"the team's receiver answered {status}")
        return "the duty team"

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _deliver(self, key: str, body: bytes) -> int:
        """Try until the receiver takes or refuses it; the last trouble is the answer."""
        for left in reversed(range(self._tries)):
            try:
                answer = await self._client.post(self._url, content=body, headers=self._headers(key, body))
            except httpx.TransportError:
                if not left:
                    raise
            else:
                if answer.status_code not in _TRANSIENT or not left:
                    return answer.status_code
            await asyncio.sleep(random.uniform(0.05, 0.2) * 2 ** (self._tries - left - 1))  # noqa: S311 - jitter
        raise ToolError("the team's receiver was not asked: no tries allowed")

    def _headers(self, key: str, body: bytes) -> dict[str, str]:
        now = int(time.time())
        return {
            "content-type": "application/json",
            "idempotency-key": key,
            "webhook-id": key,
            "webhook-timestamp": str(now),
            "webhook-signature": signatures(self._keys, key, now, body),
        }
