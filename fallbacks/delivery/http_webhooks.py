"""Outcomes to upstream as Standard Webhooks over HTTP POST."""

import asyncio
import time

import httpx

from fallbacks.delivery.http_targets import TargetRefused, checked_address, why
from fallbacks.delivery.outbox import Message, Receipt
from fallbacks.delivery.signing import read_secrets, signatures

TIMEOUT_SECONDS = 15.0
GONE = 410


class HttpWebhooks:
    """An `OutcomeSender`. secret: one or several; while a receiver changes over, each message is signed with all."""

    def __init__(self, url: str, secret: str, *, allow_private: bool, timeout: float = TIMEOUT_SECONDS) -> None:
        self._url = httpx.URL(url)
        self._keys = read_secrets(secret)
        self._allow_private = allow_private
        self._timeout = timeout
        # no proxy of the environment: it would resolve the name anew, beyond the check
        self._client = httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False)

    async def send(self, message: Message) -> tuple[Receipt, str]:
        """POST it once. Only 2xx delivers; a redirect is not followed; the answer's body is not read."""
        try:
            async with asyncio.timeout(self._timeout):  # httpx's own timeout is per read
                status = await self._post(message)
        except TimeoutError:
            return Receipt.FAILED, f"no answer within {self._timeout:g} s"
        except TargetRefused as error:
            return Receipt.FAILED, str(error)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return Receipt.FAILED, why(error)
        if 200 <= status < 300:
            return Receipt.DELIVERED, f"HTTP {status}"
        return (Receipt.GONE if status == GONE else Receipt.FAILED), f"HTTP {status}"

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def _post(self, message: Message) -> int:
        body, now, url = message.body.encode(), int(time.time()), self._url
        port = url.port or (443 if url.scheme == "https" else 80)
        address = await checked_address(url.host, port, allow_private=self._allow_private)
        headers = {
            "host": url.netloc.decode("ascii"),
            "content-type": "application/json",
            "user-agent": "deskhand-webhooks",
            "webhook-id": message.id,
            "webhook-timestamp": str(now),
            "webhook-signature": signatures(self._keys, message.id, now, body),
        }
        request = self._client.build_request(
            "POST",
            url.copy_with(host=address),
            content=body,
            headers=headers,
            extensions={"sni_hostname": url.host},  # TLS still asks for, and verifies, the name
        )
        answer = await self._client.send(request, stream=True)
        await answer.aclose()
        return answer.status_code
