"""The payment API over HTTP, whose receiver honours an idempotency key."""

import asyncio
import time
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from tasks.errors import ToolError
from worker.sample.refunds.ports import Order

_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class HttpPayments:
    """Implements `worker.sample.refunds.ports.Payments`. seconds: all tries of one call together."""

    def __init__(self, url: str, *, seconds: float = 4.0, try_seconds: float = 1.0) -> None:
        self._url, self._seconds = url.rstrip("/"), seconds
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(try_seconds), follow_redirects=False, trust_env=False)

    @property
    def where(self) -> str:
        """See the port."""
        return f"the payment API at {urlsplit(self._url).netloc}"

    async def order(self, order_id: str) -> Order | None:
        """See the port."""
        answer = await self._asked("GET", f"/orders/{quote(order_id, safe='')}")
        return None if answer is None else Order(**answer)

    async def refund(self, *, key: str, order_id: str, amount_cents: int, reason: str) -> str:
        """See the port."""
        body = {"order": order_id, "amount_cents": amount_cents, "reason": reason}
        answer = await self._asked("POST", "/refunds", json=body, headers={"idempotency-key": key})
        if answer is None:
            raise ToolError(f"{self.where} knows no order {order_id}")
        return str(answer["id"])

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _asked(self, method: str, path: str, **what: Any) -> dict[str, Any] | None:
        """Ask until it answers, within the time; None for 404."""
        ends, trouble = time.monotonic() + self._seconds, "did not answer"
        while time.monotonic() < ends:
            try:
                answer = await self._client.request(method, self._url + path, **what)
            except httpx.HTTPError as error:
                trouble = f"cannot be reached: {type(error).__name__}"
            else:
                if answer.status_code == httpx.codes.NOT_FOUND:
                    return None
                if answer.is_success:
                    found: dict[str, Any] = answer.json()
                    return found
                trouble = f"answered {answer.status_code}"
                if answer.status_code not in _AGAIN:
                    break
            await asyncio.sleep(0.1)
        raise ToolError(f"{self.where} {trouble}")
