"""What is Vertex's own: the path that names project and place, tokens by Google's chain, Google's errors."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anthropic import AsyncAnthropicVertex
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tasks.errors import ModelError
from tasks.reasons import Reason
from tests.worker.models.asking import KEY, request
from worker.models.anthropic.wire import cloud_body
from worker.models.genai_pricing import Prices
from worker.models.vertex.errors import from_response, google_error
from worker.models.vertex.model import VertexModel
from worker.simulator import Simulator

MODEL = "claude-haiku-4-5@20251001"


def vertex(**more: Any) -> VertexModel:
    return VertexModel(MODEL, Prices(), name=f"vertex:{MODEL}", region="global", project="desk-1", **more)


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:1/a/proxy/v1"])
def test_a_request_goes_out_as_the_sdk_itself_would_send_it(url: str | None) -> None:
    seen: list[httpx2.Request] = []

    def keep(sent: httpx2.Request) -> httpx2.Response:
        seen.append(sent)
        return httpx2.Response(500, json={})

    async def main() -> None:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(keep))
        client = AsyncAnthropicVertex(
            region="global", project_id="desk-1", access_token=KEY, base_url=url, http_client=http, max_retries=0
        )
        body = {"model": MODEL, **json.loads(cloud_body(request()))}
        del body["anthropic_version"]
        ours = vertex(access_token=KEY, base_url=url, http=lambda: http)
        for send in (client.messages.create(**body), ours.call(request())):
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


class _Tokens(BaseHTTPRequestHandler):
    """Google's token endpoint: each token is asked for once, and the server counts."""

    asked = 0
    status = 200

    def do_POST(self) -> None:
        type(self).asked += 1
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps({"access_token": KEY, "expires_in": 3600, "token_type": "Bearer"}).encode()
        self.send_response(self.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type[_Tokens]]:
    """A service account whose tokens come from a server on this machine."""

    class Tokens(_Tokens):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Tokens) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        key = rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        account = {
            "type": "service_account",
            "project_id": "desk-1",
            "private_key": key.decode(),
            "client_email": "desk@desk-1.iam.gserviceaccount.com",
            "token_uri": f"http://127.0.0.1:{server.server_port}/token",
        }
        (tmp_path / "account.json").write_text(json.dumps(account))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))
        yield Tokens
        server.shutdown()
        thread.join()


def test_googles_own_credentials_are_asked_for_one_token(tokens: type[_Tokens]) -> None:
    async def main() -> None:
        async with Simulator(require_key=KEY) as sim:
            model = vertex(base_url=sim.url)
            await model.call(request())
            await model.call(request())
            await model.aclose()

    asyncio.run(main())
    assert tokens.asked == 1


def test_credentials_that_are_refused_or_none_cost_nothing_and_nothing_is_sent(
    tokens: type[_Tokens], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> ModelError:
        async with Simulator() as sim:
            model = vertex(base_url=sim.url)
            with pytest.raises(ModelError) as caught:
                await model.call(request())
            await model.aclose()
            assert sim.calls.total_requests == 0
        return caught.value

    tokens.status = 401
    refused = asyncio.run(main())
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/account.json")
    none = asyncio.run(main())
    for error in (refused, none):
        assert (error.reason, error.maybe_paid) == (Reason.MODEL_AUTH, False)
        assert "desk-1" not in error.detail


def said(code: int, **error: Any) -> ModelError:
    response = httpx2.Response(code, json=[{"error": {"code": code, "message": "x", **error}}])
    found = google_error(response)
    assert found is not None
    return from_response(response, found)


@pytest.mark.parametrize(
    ("http", "status", "message", "reason"),
    [
        (400, "FAILED_PRECONDITION", "Project `x` is not allowed to use Publisher Model `y`", Reason.MODEL_NOT_FOUND),
        (400, "INVALID_ARGUMENT", "Invalid value at 'x'", Reason.MODEL_REQUEST_INVALID),
        (400, "INVALID_ARGUMENT", "Request payload size exceeds the limit", Reason.CONTEXT_EXCEEDED),
        (429, "RESOURCE_EXHAUSTED", "Quota exceeded for x", Reason.MODEL_RATE_LIMITED),
        (499, "CANCELLED", "x", Reason.MODEL_UNAVAILABLE),
        (503, "UNAVAILABLE", "x", Reason.MODEL_OVERLOADED),
        (504, "DEADLINE_EXCEEDED", "x", Reason.MODEL_TIMEOUT),
    ],
)
def test_googles_errors_have_their_reason(http: int, status: str, message: str, reason: Reason) -> None:
    error = said(http, status=status, message=message)
    assert (error.reason, error.maybe_paid) == (reason, reason is Reason.MODEL_TIMEOUT)
    assert error.detail == f"HTTP {http} {status}"


@pytest.mark.parametrize(
    ("delay", "seconds"), [("34s", 34), ("0.5s", 0.5), ("999999999s", 24 * 3600), ("-3s", None), (7, None)]
)
def test_when_to_come_back_is_read_from_the_details(delay: Any, seconds: float | None) -> None:
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    error = said(429, status="RESOURCE_EXHAUSTED", details=[7, info])
    assert error.retry_after_seconds == seconds


@pytest.mark.parametrize("body", [b"", b"\xff", b"[" * 100_000, b"[]", b'[{"error":{"status":7}}]'], ids=range(5))
def test_what_is_not_googles_is_left_to_the_messages_api(body: bytes) -> None:
    assert google_error(httpx2.Response(500, content=body)) is None
