"""A tier's model on Amazon Bedrock (`InvokeModel`), over the official SDK's client: its signature and its transport.

The credentials are those of AWS's own chain (variables, profile, web identity, the instance's role), or a Bedrock API
key.
"""

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx2
from anthropic import AsyncAnthropicBedrock
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NotConnected

from tasks.errors import ModelError
from tasks.reasons import Reason
from tasks.run.messages import ModelReply, ModelRequest
from worker.models.anthropic.model import MessagesModel, line_of
from worker.models.anthropic.wire import cloud_body
from worker.models.bedrock.errors import from_response, kind_of
from worker.models.httpx2_line import Line, reaching

if TYPE_CHECKING:
    from worker.models.genai_pricing import Prices


class BedrockModel(MessagesModel):
    """A model that Bedrock hosts. model: its id, that of an inference profile, or an ARN. region: whose quotas count.

    api_key: never logged and never shown; "" to sign with AWS credentials. more: see `MessagesModel`.
    """

    def __init__(self, model: str, prices: "Prices", *, region: str, api_key: str = "", **more: Any) -> None:
        super().__init__(model, prices, **more)
        self._region = region
        self._api_key = api_key

    def write(self, request: ModelRequest) -> bytes:
        """See `RemoteModel`."""
        return cloud_body(request)

    def read(self, response: httpx2.Response, request: ModelRequest) -> ModelReply:
        """See `RemoteModel`."""
        if kind_of(response):
            raise from_response(response)
        return super().read(response, request)

    def open(self) -> Line:
        """See `RemoteModel`."""
        http = self._http()
        with reaching():
            client = AsyncAnthropicBedrock(
                aws_region=self._region,
                api_key=self._api_key or None,
                base_url=self._base_url,
                default_headers=self._headers,
                http_client=http,
            )
            if not client.base_url.host:  # botocore signs the host, and asks for none
                raise httpx2.InvalidURL("no host")

            async def sign(request: httpx2.Request) -> None:
                try:
                    await client._prepare_request(request)  # the SDK's own hook for this, which its `post` calls
                except (BotoCoreError, ClientError, RuntimeError) as error:
                    raise _unsigned(error) from None

            return line_of(client, http, f"model/{quote(self._model, safe=':')}/invoke", sign)


def _unsigned(error: Exception) -> ModelError:
    """Nothing was sent. What the error says stays out: it may name the profile's file or the account."""
    away = isinstance(error, HTTPClientError | NotConnected)
    reason = Reason.MODEL_UNAVAILABLE if away else Reason.MODEL_AUTH
    return ModelError(reason, f"AWS credentials could not be had ({type(error).__name__})", maybe_paid=False)
