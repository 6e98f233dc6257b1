"""A tier's model behind Anthropic's Messages API, over the official SDK."""

import asyncio
import os
from weakref import WeakKeyDictionary

import httpx2
from anthropic import APIError, AsyncAnthropic, DefaultAioHttpClient

from tasks.messages import ModelReply, ModelRequest, TokenUsage
from tasks.money import Nanodollars
from worker.anthropic_errors import model_error
from worker.anthropic_wire import encoded_length, read_reply, request_body
from worker.genai_pricing import Prices

TOOL_PROMPT_TOKENS = 1_500
"""Bound of the prompt that the API adds to a request with tools; the documented ones stay below 1,000 tokens."""

REPLAY_SLACK_TOKENS = 256
"""Bound of what replaying a reply may cost beyond its own tokens: role marks and block frames."""

_TIMEOUT = httpx2.Timeout(600.0, connect=10.0)
"""Per read, and generous: the caller's deadline cuts the call, this one only ends a connection that died silently."""

_LIMITS = httpx2.Limits(max_connections=10_000, max_keepalive_connections=10_000)
"""The executor bounds what is in flight; a smaller pool would only add a second, hidden queue."""


class AnthropicModel:
    """`tasks.ports.Model`. One client per process and event loop, made at the first call: after any fork.

    name: the API's model id. api_key: never logged and never shown. base_url: None for the SDK's own default.
    """

    def __init__(self, name: str, prices: Prices, *, api_key: str, base_url: str | None = None) -> None:
        self._name = name
        self._prices = prices
        self._api_key = api_key
        self._base_url = base_url
        self._bodies: WeakKeyDictionary[ModelRequest, bytes] = WeakKeyDictionary()
        self._client: AsyncAnthropic | None = None
        self._client_home: tuple[int, asyncio.AbstractEventLoop] | None = None

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
            response = await self._client_here().post("/v1/messages", cast_to=httpx2.Response, content=body)
        except APIError as error:
            raise model_error(error) from None
        return read_reply(response.content)

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
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _body(self, request: ModelRequest) -> bytes:
        """Written once a request: first to bound its cost, then to send it."""
        body = self._bodies.get(request)
        if body is None:
            body = self._bodies[request] = request_body(self._name, request)
        return body

    def _client_here(self) -> AsyncAnthropic:
        home = (os.getpid(), asyncio.get_running_loop())
        if self._client is None or self._client_home != home:
            self._client, self._client_home = self._new_client(), home
        return self._client

    def _new_client(self) -> AsyncAnthropic:
        return AsyncAnthropic(
            api_key=self._api_key,
            base_url=self._base_url,
            timeout=_TIMEOUT,
            max_retries=0,  # each try is reserved anew, so retrying is the plan's business
            open_telemetry={"traces": False, "propagation": False},  # our span is the call's only one
            # A redirect would carry the key to wherever it points.
            http_client=DefaultAioHttpClient(timeout=_TIMEOUT, limits=_LIMITS, follow_redirects=False),
        )
