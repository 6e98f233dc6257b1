"""httpx2's client over aiohttp, whose reading of HTTP is the fastest there is here.

A maker's SDK brings one, too; importing an SDK for it cost more than all else that a worker does to start.
"""

from typing import Any

import aiohttp
import httpx2

from worker.models.httpx2_line import LIMITS, TIMEOUT


class Client(httpx2.AsyncClient):
    """Proxies of the environment are used, as by httpx2's own. Errors are aiohttp's."""

    def _init_transport(self, *_: Any, **options: Any) -> httpx2.AsyncBaseTransport:
        return options.get("transport") or _Transport(**options)

    def _init_proxy_transport(self, proxy: httpx2.Proxy, *_: Any, **options: Any) -> httpx2.AsyncBaseTransport:
        return _Transport(**options, proxy=proxy)


def http_client() -> httpx2.AsyncClient:
    """For a model's API. It follows no redirect: that would carry the key to wherever it points."""
    return Client(timeout=TIMEOUT, limits=LIMITS, follow_redirects=False)


class _Transport(httpx2.AsyncBaseTransport):
    """One session, opened at the first request: it belongs to the loop that runs then. Replies are read whole."""

    def __init__(
        self,
        *,
        verify: Any = True,
        cert: Any = None,
        trust_env: bool = True,
        limits: httpx2.Limits = LIMITS,
        proxy: httpx2.Proxy | None = None,
        **_: Any,
    ) -> None:
        self._ssl = httpx2.create_ssl_context(verify=verify, cert=cert, trust_env=trust_env)
        self._limits = limits
        self._session: aiohttp.ClientSession | None = None
        self._proxy: dict[str, Any] = {}
        if proxy is not None:
            auth = aiohttp.BasicAuth(*proxy.auth) if proxy.auth else None
            self._proxy = {"proxy": str(proxy.url), "proxy_auth": auth, "proxy_headers": proxy.headers}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        timeout = request.extensions.get("timeout", {})
        answer = await self._opened().request(
            request.method,
            str(request.url),
            headers=request.headers,
            data=request.content or None,
            allow_redirects=False,
            auto_decompress=False,  # httpx2 does
            timeout=aiohttp.ClientTimeout(
                sock_connect=timeout.get("connect"), sock_read=timeout.get("read"), connect=timeout.get("pool")
            ),
            **self._proxy,
        )
        reason = {"reason_phrase": answer.reason.encode()} if answer.reason else {}
        extensions, content = {"http_version": b"HTTP/1.1", **reason}, await answer.read()
        return httpx2.Response(answer.status, headers=answer.raw_headers, content=content, extensions=extensions)

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=self._limits.max_connections or 0,
                keepalive_timeout=self._limits.keepalive_expiry or 0,
                ssl=self._ssl,
            )
            self._session = aiohttp.ClientSession(connector=connector)
        return self._session
