"""A tier's model behind Anthropic's Messages API."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import httpx2

from tasks.run.messages import ModelReply, ModelRequest
from worker.models.anthropic.errors import from_response
from worker.models.anthropic.wire import API_VERSION, encoded_length, read_reply, request_body
from worker.models.httpx2_line import Line, Prepare, reaching
from worker.models.httpx2_transport import http_client
from worker.models.remote import RemoteModel

if TYPE_CHECKING:
    from anthropic._base_client import AsyncAPIClient

    from worker.models.genai_pricing import Prices

TOOL_PROMPT_TOKENS = 1_500
"""Bound of the prompt that the API adds to a request with tools; the documented ones stay below 1,000 tokens."""

REPLAY_SLACK_TOKENS = 256
"""Bound of what replaying a reply may cost beyond its own tokens: role marks and block frames."""

_NONE: Mapping[str, str] = {}


API_URL = "https://api.anthropic.com"


def line_of(
    client: "AsyncAPIClient", http: httpx2.AsyncClient, path: str = "v1/messages", prepare: Prepare | None = None
) -> Line:
    """The client of an SDK as a line. path: below its base URL. prepare: see `Line`."""
    headers = {name: value for name, value in client.default_headers.items() if isinstance(value, str)}
    return Line(http, f"{str(client.base_url).rstrip('/')}/{path}", headers, client.close, prepare)


class MessagesModel(RemoteModel):
    """What is the same wherever the Messages API is hosted.

    model: the host's id of it. name: see `ModelEntry.name`. base_url: None for its maker's own. headers: besides
    those that any call has. http: makes the transport.
    """

    def __init__(
        self,
        model: str,
        prices: "Prices",
        *,
        name: str,
        base_url: str | None = None,
        headers: Mapping[str, str] = _NONE,
        http: Callable[[], httpx2.AsyncClient] = http_client,
    ) -> None:
        super().__init__(name, prices)
        self._model = model
        self._base_url = base_url
        self._headers = headers
        self._http = http

    def most_input_tokens(self, request: ModelRequest, body: bytes) -> int:
        """A token is at least one byte of the request, or of what the last call has not seen."""
        most = len(body) + TOOL_PROMPT_TOKENS
        if (prior := request.prior_usage) is not None:
            unseen = encoded_length(request.messages, request.new_from)
            most = min(most, prior.total + unseen + REPLAY_SLACK_TOKENS)
        return most

    def read(self, response: httpx2.Response, request: ModelRequest) -> ModelReply:  # noqa: ARG002 - the port's
        """See `RemoteModel`."""
        if not response.is_success:
            raise from_response(response)
        return read_reply(response)


class AnthropicModel(MessagesModel):
    """A model of Anthropic's own API. api_key: never logged and never shown. more: see `MessagesModel`."""

    def __init__(self, model: str, prices: "Prices", *, api_key: str, name: str | None = None, **more: Any) -> None:
        super().__init__(model, prices, name=name or model, **more)
        self._api_key = api_key

    def write(self, request: ModelRequest) -> bytes:
        """See `RemoteModel`."""
        return request_body(self._model, request)

    def open(self) -> Line:
        """See `RemoteModel`."""
        http = self._http()
        key = {"authorization": f"Bearer {self._api_key}"} if self._api_key else {}
        json_only = {"accept": "application/json", "content-type": "application/json"}
        headers = httpx2.Headers({**json_only, "anthropic-version": API_VERSION, **key})
        headers.update(self._headers)
        with reaching():
            return Line(http, f"{(self._base_url or API_URL).rstrip('/')}/v1/messages", headers, http.aclose)
