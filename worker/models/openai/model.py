"""A tier's model behind chat completions, over the official SDK's client."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
from openai import AsyncOpenAI

from tasks.run.messages import ModelReply, ModelRequest, TokenUsage
from worker.models.httpx2_failures import from_response
from worker.models.httpx2_line import Line, reaching
from worker.models.httpx2_transport import http_client
from worker.models.openai.wire import DEFAULT_URL, at_openai, most_input_tokens, read_reply, request_body
from worker.models.remote import RemoteModel

if TYPE_CHECKING:
    from worker.models.genai_pricing import Prices

_NONE: Mapping[str, str] = {}


def line_of(client: AsyncOpenAI, http: httpx2.AsyncClient, *, with_key: bool) -> Line:
    """The SDK's client as a line. It wants a key; without one, none is sent."""
    keys = client.auth_headers if with_key else {}
    headers = {name: value for name, value in {**keys, **client.default_headers}.items() if isinstance(value, str)}
    return Line(http, client.base_url.join("chat/completions"), headers, client.close)


class OpenAIModel(RemoteModel):
    """A model of the chat completions.

    model: the server's id of it. api_key: never logged and never shown; "" for none. base_url: None for OpenAI's own;
    without a path it is taken for a server's root, and `/v1` is added. headers: besides the SDK's.
    """

    def __init__(
        self,
        model: str,
        prices: "Prices",
        *,
        name: str,
        api_key: str = "",
        base_url: str | None = None,
        headers: Mapping[str, str] = _NONE,
        http: Callable[[], httpx2.AsyncClient] = http_client,
    ) -> None:
        super().__init__(name, prices)
        self._model = model
        self._api_key = api_key
        self._base_url = _rooted(base_url or DEFAULT_URL)
        self._own = at_openai(self._base_url)
        self._headers = headers
        self._http = http

    def write(self, request: ModelRequest) -> bytes:
        """See `RemoteModel`."""
        return request_body(self._model, request, own=self._own)

    def most_input_tokens(self, request: ModelRequest, body: bytes) -> int:
        """See `RemoteModel`."""
        return most_input_tokens(request, body)

    def read(self, response: httpx2.Response, request: ModelRequest) -> ModelReply:
        """See `RemoteModel`."""
        if not response.is_success:
            raise from_response(response)
        return read_reply(response, request.max_tokens, lambda: self._worst_usage(request))

    def _worst_usage(self, request: ModelRequest) -> TokenUsage:
        """At the dearest rate of input: what `worst_case` has bounded."""
        most = most_input_tokens(request, self._body(request))
        return TokenUsage(cache_write_tokens=most, output_tokens=request.max_tokens)

    def open(self) -> Line:
        """See `RemoteModel`."""
        http = self._http()
        with reaching():
            client = AsyncOpenAI(
                api_key=self._api_key or "none",
                base_url=self._base_url,
                default_headers=self._headers,
                max_retries=0,
                http_client=http,
            )
            return line_of(client, http, with_key=bool(self._api_key))


def _rooted(url: str) -> str:
    return url if urlsplit(url).path.strip("/") else f"{url.rstrip('/')}/v1"
