"""A tier's model on Google's Vertex AI (`rawPredict`), over the official SDK's client: its token and its transport.

The token is that of Google's own chain (Application Default Credentials), or one that is given.
"""

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import httpx2
from anthropic import AsyncAnthropicVertex
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.exceptions import TimeoutError as GoogleTimeoutError

from tasks.errors import ModelError
from tasks.reasons import Reason
from tasks.run.messages import ModelReply, ModelRequest
from worker.models.anthropic.model import MessagesModel, line_of
from worker.models.anthropic.wire import cloud_body
from worker.models.httpx2_line import Line, reaching
from worker.models.vertex.errors import from_response, google_error

if TYPE_CHECKING:
    from worker.models.genai_pricing import Prices


class VertexModel(MessagesModel):
    """A model that Vertex hosts. region: a location, or `global`. access_token: never logged and never shown; "" for
    Google's own credentials. more: see `MessagesModel`.
    """

    def __init__(
        self, model: str, prices: "Prices", *, region: str, project: str, access_token: str = "", **more: Any
    ) -> None:
        super().__init__(model, prices, **more)
        self._region = region
        self._project = project
        self._token = access_token

    def write(self, request: ModelRequest) -> bytes:
        """See `RemoteModel`."""
        return cloud_body(request)

    def read(self, response: httpx2.Response, request: ModelRequest) -> ModelReply:
        """See `RemoteModel`."""
        if not response.is_success and (error := google_error(response)):
            raise from_response(response, error)
        return super().read(response, request)

    def open(self) -> Line:
        """See `RemoteModel`. Of the SDK's own addresses all end in `/v1`."""
        http, url = self._http(), self._base_url
        with reaching():
            client = AsyncAnthropicVertex(
                region=self._region,
                project_id=self._project,
                access_token=self._token or None,
                base_url=url if url is None or urlsplit(url).path.strip("/") else f"{url.rstrip('/')}/v1",
                default_headers=self._headers,
                http_client=http,
            )

            async def authorize(request: httpx2.Request) -> None:
                try:
                    await client._prepare_request(request)  # the SDK's own hook for this, which its `post` calls
                except (GoogleAuthError, RuntimeError, ValueError) as error:
                    raise _unauthorized(error) from None

            return line_of(client, http, self._path(), authorize)

    def _path(self) -> str:
        project, region, model = (quote(part, safe="@") for part in (self._project, self._region, self._model))
        return f"projects/{project}/locations/{region}/publishers/anthropic/models/{model}:rawPredict"


def _unauthorized(error: Exception) -> ModelError:
    """Nothing was sent. What the error says stays out: it may name the account."""
    away = isinstance(error, TransportError | GoogleTimeoutError)
    reason = Reason.MODEL_UNAVAILABLE if away else Reason.MODEL_AUTH
    return ModelError(reason, f"Google credentials could not be had ({type(error).__name__})", maybe_paid=False)
