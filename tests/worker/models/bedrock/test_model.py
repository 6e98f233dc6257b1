"""What is Bedrock's own: a signature over what really goes out, credentials by AWS's chain, its exceptions."""

import asyncio
import json
from typing import Any

import httpx2
import pytest
from anthropic import AsyncAnthropicBedrock
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tasks.errors import ModelError
from tasks.reasons import Reason
from tests.worker.models.asking import KEY, bedrock, refused, request
from worker.models.anthropic.wire import cloud_body
from worker.models.bedrock.errors import from_response
from worker.models.bedrock.model import BedrockModel
from worker.models.genai_pricing import Prices
from worker.simulator.wire import HttpRequest, read_request

PROFILE = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-haiku-4-5-20251001-v1:0"


def keyed(http: httpx2.AsyncClient) -> BedrockModel:
    where = {"region": "eu-west-1", "base_url": "http://127.0.0.1:1/a/proxy", "api_key": KEY}
    return BedrockModel(PROFILE, Prices(), name=f"bedrock:{PROFILE}", http=lambda: http, **where)


def test_a_request_goes_out_as_the_sdk_itself_would_send_it() -> None:
    seen: list[httpx2.Request] = []

    def keep(sent: httpx2.Request) -> httpx2.Response:
        seen.append(sent)
        return httpx2.Response(500, json={})

    async def main() -> None:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(keep))
        settings: dict[str, Any] = {"aws_region": "eu-west-1", "api_key": KEY, "base_url": "http://127.0.0.1:1/a/proxy"}
        client = AsyncAnthropicBedrock(**settings, http_client=http, max_retries=0)
        body = {"model": PROFILE, **json.loads(cloud_body(request()))}
        del body["anthropic_version"]
        for send in (client.messages.create(**body), keyed(http).call(request())):
            with pytest.raises(Exception, match="500"):
                await send

    asyncio.run(main())
    theirs, ours = seen
    assert (ours.method, ours.url) == (theirs.method, theirs.url)
    assert json.loads(ours.content) == json.loads(theirs.content)
    of_the_sdk = {"x-stainless-retry-count", "x-stainless-timeout", "x-stainless-read-timeout", "content-length"}
    assert (
        dict(ours.headers).items()
        >= {name: value for name, value in theirs.headers.items() if name not in of_the_sdk}.items()
    )


def test_what_arrives_is_what_was_signed() -> None:
    seen: list[HttpRequest] = []

    async def main() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            arrived = await read_request(reader)
            assert arrived is not None
            seen.append(arrived)
            writer.write(b"HTTP/1.1 403 Forbidden\r\nx-amzn-errortype: X\r\ncontent-length: 0\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            model = bedrock(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            with pytest.raises(ModelError):
                await model.call(request())
            await model.aclose()

    asyncio.run(main())
    (arrived,) = seen
    assert arrived.path == "/model/eu.anthropic.claude-haiku-4-5-20251001-v1:0/invoke"
    signature = arrived.headers["authorization"]
    names = signature.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"host", "x-amz-date"} <= set(names)
    again = AWSRequest(
        method="POST",
        url=f"http://{arrived.headers['host']}{arrived.path}",
        headers={name: arrived.headers[name] for name in names},
        data=arrived.body,
    )
    again.context["timestamp"] = arrived.headers["x-amz-date"]
    signer = SigV4Auth(Credentials("AKIDTHROWAWAY", KEY), "bedrock", "eu-west-1")
    assert signature.endswith(signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again))


def test_without_credentials_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")

    async def main() -> ModelError:
        model = BedrockModel("x", Prices(), name="bedrock:x", region="eu-none-1", base_url="http://127.0.0.1:1")
        with pytest.raises(ModelError) as caught:
            await model.call(request())
        await model.aclose()
        return caught.value

    error = asyncio.run(main())
    assert (error.reason, error.maybe_paid) == (Reason.MODEL_AUTH, False)


@pytest.mark.parametrize(
    ("status", "kind", "message", "reason", "paid"),
    [
        (400, "ValidationException", "messages: Field required", Reason.MODEL_REQUEST_INVALID, False),
        (400, "ValidationException", "prompt is too long: 212000 tokens > 200000", Reason.CONTEXT_EXCEEDED, False),
        (
            400,
            "ValidationException",
            "Invocation of model ID x with on-demand throughput isn\u2019t supported. Retry with an inference profile.",
            Reason.MODEL_NOT_FOUND,
            False,
        ),
        (400, "ValidationException", "The provided model identifier is invalid.", Reason.MODEL_NOT_FOUND, False),
        (400, "ServiceQuotaExceededException", "x", Reason.MODEL_RATE_LIMITED, False),
        (403, "ExpiredTokenException", "x", Reason.MODEL_AUTH, False),
        (424, "ModelErrorException", "x", Reason.MODEL_UNAVAILABLE, True),
        (429, "ModelNotReadyException", "x", Reason.MODEL_OVERLOADED, False),
        (408, "ModelTimeoutException", "x", Reason.MODEL_TIMEOUT, True),
        (500, "SomethingNewException", "x", Reason.MODEL_UNAVAILABLE, False),
    ],
)
def test_every_exception_has_its_reason(status: int, kind: str, message: str, reason: Reason, paid: bool) -> None:
    headers = {"x-amzn-errortype": f"{kind}:http://internal.amazon.com/coral/"}
    error = from_response(httpx2.Response(status, json={"message": message}, headers=headers))
    assert (error.reason, error.maybe_paid) == (reason, paid)
    assert error.detail.startswith(f"HTTP {status} {kind}")
    assert message not in error.detail or message == "x"


@pytest.mark.parametrize("body", [b"", b"\xff", b"[" * 100_000, b'{"message":7}', b"null"], ids=range(5))
def test_an_exception_without_words_keeps_its_reason(body: bytes) -> None:
    headers = {"x-amzn-errortype": "ThrottlingException"}
    assert from_response(httpx2.Response(429, content=body, headers=headers)).reason is Reason.MODEL_RATE_LIMITED


def test_what_stands_before_bedrock_is_heard_too() -> None:
    assert refused("bedrock", {"name": "502"}).detail.startswith("HTTP 502")
