"""httpx2's client over aiohttp, whose reading of HTTP is the fastest there is here.

A maker's SDK brings one, too; importing an SDK for it cost more than all else that a worker does to start.
"""

from collections.abc import Awaitable, Callable
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
        headers, limits = dict(request.headers), _timeout(request)
        return await self._exchange(request.method, str(request.url), headers, request.content or None, limits)

    def posting(self, alike: httpx2.Request) -> Callable[[bytes], Awaitable[httpx2.Response]]:
        """Sends bodies to where this request goes: with its headers and timeouts, which are read once."""
        url, headers, limits = str(alike.url), dict(alike.headers), _timeout(alike)
        return lambda body: self._exchange("POST", url, headers, body, limits)

    async def _exchange(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, limits: aiohttp.ClientTimeout
    ) -> httpx2.Response:
        answer = await self._opened().request(
            method,
            url,
            headers=headers,
            data=body,
            allow_redirects=False,
            auto_decompress=False,  # httpx2 does
            timeout=limits,
            **self._proxy,
        )
        return _whole(answer, await answer.read())

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
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session


def _timeout(request: httpx2.Request) -> aiohttp.ClientTimeout:
    given = request.extensions.get("timeout", {})
    return aiohttp.ClientTimeout(
        sock_connect=given.get("connect"), sock_read=given.get("read"), connect=given.get("pool")
    )


def _whole(answer: aiohttp.ClientResponse, content: bytes) -> httpx2.Response:
    """Where nothing is packed it is given as it came: reading it as a stream was a third of what httpx2 costs."""
    reason = {"reason_phrase": answer.reason.encode()} if answer.reason else {}
    extensions = {"http_version": b"HTTP/1.1", **reason}
    if "content-encoding" in answer.headers:
        return httpx2.Response(answer.status, headers=answer.raw_headers, content=content, extensions=extensions)
    read = httpx2.Response(answer.status, headers=answer.raw_headers, stream=_READ, extensions=extensions)
    read._content, read.is_closed, read.is_stream_consumed = content, True, True
    return read


_READ = httpx2.ByteStream(b"")
