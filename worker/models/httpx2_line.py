"""The line to a model's API: one request after the other as bytes, over the transport of the makers' SDKs.

Half of an SDK's own time in `post` goes into preparing the same headers and URL again: here they are made once. An
eighth of what is left is its client's `send`, for redirects, cookies and hooks that there are none of: the client has
said once which transport, or proxy, is for this URL.
"""

import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime

import aiohttp
import httpx2

from tasks.errors import ModelError
from tasks.reasons import Reason

MOST_REPLY_BYTES = 4 * 1024 * 1024
"""Of a reply that is read: many times what `max_tokens` lets a model say. More is a gateway's, and no reply."""

OF_THE_REQUEST = frozenset({400, 422})
"""Statuses by which these APIs refuse what they were asked. Any other that nobody documents is of what stands before
them, and the same for every ticket."""

LONGEST_RETRY_AFTER_SECONDS = 24 * 3600.0
"""A longer one is a proxy's or a broken clock's: the breaker would keep the whole fleet from the model for as long."""

TIMEOUT = httpx2.Timeout(None, connect=10.0)
"""None for a read: the caller's deadline cuts the call, and a second clock on each read was a tenth of what it cost."""

LIMITS = httpx2.Limits(max_connections=10_000, max_keepalive_connections=10_000)
"""The executor bounds what is in flight; a smaller pool would only add a second, hidden queue."""

_NEVER_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    httpx2.ConnectTimeout,
    httpx2.InvalidURL,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
)
_SILENT = (aiohttp.ServerTimeoutError, httpx2.TimeoutException)
_TRANSPORT = (aiohttp.ClientError, httpx2.HTTPError, httpx2.InvalidURL, OSError, EOFError, TimeoutError)
"""What a transport raises; anything else is not of the call."""


Prepare = Callable[[httpx2.Request], Awaitable[None]]
"""Completes a request that is to be sent, as a signature does. Raises `ModelError`."""


class Line:
    """What is the same in all requests to one API: the URL, the headers, the timeouts.

    close: of the SDK's client, and with it the transport. prepare: what differs from request to request.
    """

    def __init__(
        self, http: httpx2.AsyncClient, url: httpx2.URL | str, headers: Mapping[str, str],
        close: Callable[[], Awaitable[None]], prepare: Prepare | None = None,
    ) -> None:  # fmt: skip
        self.close, self._prepare = close, prepare
        self._alike = http.build_request("POST", url, headers=headers)
        del self._alike.headers["content-length"]
        self._transport = http._transport_for_url(self._alike.url)
        posting = getattr(self._transport, "posting", None)  # of our own
        self._posted: Callable[[bytes], Awaitable[httpx2.Response]] | None = posting and posting(self._alike)

    async def post(self, body: bytes) -> httpx2.Response:
        """Whatever was answered, read whole. Raises `ModelError` where no answer came."""
        if self._posted is None or self._prepare is not None:
            return await self._post_request(body)
        try:
            response = await self._posted(body)
        except _TRANSPORT as error:
            raise from_transport(error) from None
        response.request = self._alike
        return response

    async def _post_request(self, body: bytes) -> httpx2.Response:
        alike = self._alike
        request = httpx2.Request(
            "POST", alike.url, headers=alike.headers, content=body, extensions=dict(alike.extensions)
        )
        if self._prepare is not None:
            await self._prepare(request)
        with reaching():
            response = await self._transport.handle_async_request(request)
            await response.aread()
        response.request = request
        return response


@contextmanager
def reaching() -> Iterator[None]:
    """Around what may not reach the API, an address that is none included: raises `ModelError`."""
    try:
        yield
    except _TRANSPORT as error:
        raise from_transport(error) from None


def from_transport(error: Exception) -> ModelError:
    """No answer came.

    What aiohttp says goes before what an SDK has made of it: openai 3.57 calls a connection that was lost after the
    request was sent a `ConnectTimeout`, as if nothing had been.
    """
    causes = [error, *_causes(error)]
    name = type(causes[-1]).__name__
    judged = [cause for cause in causes if isinstance(cause, aiohttp.ClientError)] or causes
    if any(isinstance(cause, _NEVER_SENT) for cause in judged):
        return ModelError(Reason.MODEL_UNAVAILABLE, f"the model API could not be reached ({name})", maybe_paid=False)
    if any(isinstance(cause, _SILENT) for cause in judged):
        return ModelError(Reason.MODEL_TIMEOUT, f"the model API went silent ({name})", maybe_paid=True)
    return ModelError(
        Reason.MODEL_UNAVAILABLE, f"the connection was lost before the reply was complete ({name})", maybe_paid=True
    )


def retry_after_seconds(headers: httpx2.Headers) -> float | None:
    """`retry-after` in seconds or as an HTTP date; bounded, never negative; None where it says nothing usable."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(?:\.\d+)?", value):
        return bounded_wait(float(value))
    try:
        return bounded_wait(parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def bounded_wait(seconds: float) -> float:
    """A provider's wish as it may be granted."""
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER_SECONDS)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause = error.__cause__
    while cause is not None:
        yield cause
        cause = cause.__cause__
