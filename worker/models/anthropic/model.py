"""A tier's model behind Anthropic's Messages API, over the official SDK's client and transport.

A call is sent as its bytes: half of the SDK's own time in `post` goes into preparing the same headers and URL again.
"""

import asyncio
import os
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import httpx2
from anthropic import AsyncAnthropic, DefaultAioHttpClient

from tasks.money import Nanodollars
from tasks.run.messages import ModelReply, ModelRequest, TokenUsage
from worker.models.anthropic.errors import TRANSPORT, from_response, from_transport
from worker.models.anthropic.wire import encoded_length, read_reply, request_body

if TYPE_CHECKING:
    from worker.models.genai_pricing import Prices

TOOL_PROMPT_TOKENS = 1_500
"""Bound of the prompt that the API adds to a request with tools; the documented ones stay below 1,000 tokens."""

REPLAY_SLACK_TOKENS = 256
"""Bound of what replaying a reply may cost beyond its own tokens: role marks and block frames."""

_TIMEOUT = httpx2.Timeout(600.0, connect=10.0)
"""Per read, and generous: the caller's deadline cuts the call, this one only ends a connection that died silently."""

_LIMITS = httpx2.Limits(max_connections=10_000, max_keepalive_connections=10_000)
"""The executor bounds what is in flight; a smaller pool would only add a second, hidden queue."""


def http_client() -> httpx2.AsyncClient:
    """The SDK's transport. It follows no redirect: that would carry the key to wherever it points."""
    return DefaultAioHttpClient(timeout=_TIMEOUT, limits=_LIMITS, follow_redirects=False)


class Line:
    """The SDK's client with what is the same in all its requests: the URL, the headers, the timeouts."""

    def __init__(self, client: AsyncAnthropic, http: httpx2.AsyncClient) -> None:
        headers = {name: value for name, value in client.default_headers.items() if isinstance(value, str)}
        alike = http.build_request("POST", client.base_url.join("v1/messages"), headers=headers)
        del alike.headers["content-length"]
        self._http, self._alike = http, alike
        self.close = client.close

    async def post(self, body: bytes) -> httpx2.Response:
        """Whatever was answered, read whole. Raises what the transport does."""
        alike = self._alike
        request = httpx2.Request(
            "POST", alike.url, headers=alike.headers, content=body, extensions=dict(alike.extensions)
        )
        return await self._http.send(request)


class AnthropicModel:
    """`tasks.run.ports.Model`. One client per process and event loop, made at the first call: after any fork.

    name: the API's model id. api_key: never logged and never shown. base_url: None for the SDK's own default.
    http: makes the transport.
    """

    def __init__(
        self,
        name: str,
        prices: "Prices",
        *,
        api_key: str,
        base_url: str | None = None,
        http: Callable[[], httpx2.AsyncClient] = http_client,
    ) -> None:
        self._name = name
        self._prices = prices
        self._api_key = api_key
        self._base_url = base_url
        self._http = http
        self._bodies: WeakKeyDictionary[ModelRequest, bytes] = WeakKeyDictionary()
        self._line: Line | None = None
        self._home: tuple[int, asyncio.AbstractEventLoop] | None = None

    def __repr__(self) -> str:
        return f"AnthropicModel({self._name!r})"

    @property
    def name(self) -> str:
        """The API's model id."""
        return self._name

    async def call(self, request: ModelRequest) -> ModelReply:
        """One HTTP request, no retry. Raises `ModelError`; a cancellation passes through and closes the connection."""
        body = self._body(request)
        try:
            response = await self._line_here().post(body)
        except TRANSPORT as error:
            raise from_transport(error) from None
        if not response.is_success:
            raise from_response(response)
        return read_reply(response)

    def worst_case(self, request: ModelRequest) -> Nanodollars:
        """Bound of the call's cost: a token is at least one byte of the request, or of what the last call has not seen.

        Raises `ModelError(PRICE_UNKNOWN)`.
        """
        max_input = len(self._body(request)) + TOOL_PROMPT_TOKENS
        if (prior := request.prior_usage) is not None:
            unseen = encoded_length(request.messages[request.new_from :])
            max_input = min(max_input, prior.total + unseen + REPLAY_SLACK_TOKENS)
        return self._prices.worst_case(self._name, max_input, request.max_tokens, caching=True)

    def cost(self, usage: TokenUsage) -> Nanodollars:
        """What a finished call cost."""
        return self._prices.cost(self._name, usage)

    async def aclose(self) -> None:
        """Close the connections of this process's client. The model stays usable: its next call opens anew."""
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    def _body(self, request: ModelRequest) -> bytes:
        """Written once a request: first to bound its cost, then to send it."""
        body = self._bodies.get(request)
        if body is None:
            body = self._bodies[request] = request_body(self._name, request)
        return body

    def _line_here(self) -> Line:
        home = (os.getpid(), asyncio.get_running_loop())
        if self._line is None or self._home != home:
            self._line, self._home = self._new_line(), home
        return self._line

    def _new_line(self) -> Line:
        http = self._http()
        return Line(AsyncAnthropic(api_key=self._api_key, base_url=self._base_url, http_client=http), http)
