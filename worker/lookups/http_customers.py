"""The customer directory behind an HTTP API: `GET {base_url}/{customer_id}`, or `?email=`, with a bearer token."""

import asyncio
import random
from types import TracebackType
from typing import Annotated, Self
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError

from tasks.errors import ToolError
from tasks.tools.ports import Customer

MAX_BODY_BYTES = 64 * 1024
_TRANSIENT = frozenset({502, 503, 504})
_Text = Annotated[str, StringConstraints(max_length=200)]


class _Record(BaseModel):
    """What is read of the answer; what else the directory knows is dropped here and reaches nobody."""

    model_config = ConfigDict(extra="ignore")

    id: _Text
    name: _Text = ""
    tier: _Text = "standard"
    country: _Text = ""
    since: _Text = ""
    flags: Annotated[tuple[_Text, ...], Field(max_length=50)] = ()
    email: Annotated[str, StringConstraints(max_length=320)] = ""


class HttpCustomers:
    """Implements `tasks.tools.ports.CustomerDirectory`. One client per process, made after fork, closed in the end.

    token: empty for a directory that asks for none.
    seconds: all tries of one lookup together; keep it under the tool's own timeout.
    tries: at most so many, on 502, 503, 504 and connection trouble only.
    """

    def __init__(self, base_url: str, token: SecretStr, *, seconds: float = 2.0, tries: int = 3) -> None:
        self._base_url = base_url.rstrip("/")
        self._seconds = seconds
        self._tries = tries
        secret = token.get_secret_value()
        self._client = httpx.AsyncClient(
            headers={"Accept": "application/json"} | ({"Authorization": f"Bearer {secret}"} if secret else {}),
            timeout=httpx.Timeout(seconds, connect=min(1.0, seconds)),
            follow_redirects=False,  # the token must not travel to a place nobody configured
            trust_env=False,
        )

    async def get(self, customer_id: str) -> Customer | None:
        """The record, or None where the directory answers 404. Raises `ToolError` without secrets for all else."""
        found = await self._record(f"{self._base_url}/{_segment(customer_id)}")
        if found is not None and found.id != customer_id:
            raise ToolError("the customer directory answered with another customer's record")
        return found

    async def find(self, email: str) -> Customer | None:
        """The record with this address, or None where the directory answers 404. Raises `ToolError` as `get`."""
        found = await self._record(f"{self._base_url}?email={_segment(email)}")
        if found is not None and found.email.lower() != email.lower():
            raise ToolError("the customer directory answered with a record of another address")
        return found

    async def _record(self, url: str) -> Customer | None:
        try:
            async with asyncio.timeout(self._seconds):
                status, body = await self._fetch(url)
        except TimeoutError:
            raise ToolError(f"the customer directory did not answer within {self._seconds:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ToolError(f"the customer directory cannot be reached: {type(error).__name__}") from None
        if status == httpx.codes.NOT_FOUND:
            return None
        if status != httpx.codes.OK:
            raise ToolError(f"the customer directory answered {status}")
        return _customer(body)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _fetch(self, url: str) -> tuple[int, bytes]:
        """Try until there is an answer worth having; the last trouble is the answer."""
        for left in reversed(range(self._tries)):
            try:
                status, body = await self._once(url)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.RemoteProtocolError, httpx.ReadError):
                if not left:
                    raise
            else:
                if status not in _TRANSIENT or not left:
                    return status, body
            await asyncio.sleep(random.uniform(0.02, 0.1) * 2 ** (self._tries - left - 1))  # noqa: S311 - jitter
        raise ToolError("the customer directory was not asked: no tries allowed")

    async def _once(self, url: str) -> tuple[int, bytes]:
        async with self._client.stream("GET", url) as response:
            body = bytearray()
            if response.status_code == httpx.codes.OK:
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > MAX_BODY_BYTES:
                        raise ToolError(f"the customer directory's answer is larger than {MAX_BODY_BYTES} bytes")
            return response.status_code, bytes(body)


def _segment(customer_id: str) -> str:
    """The id as exactly one path segment: no slash, query or dot segment gets through."""
    try:
        encoded = quote(customer_id, safe="")
    except UnicodeEncodeError:
        raise ToolError("the customer id is not text that can be asked for") from None
    if not encoded.strip("."):
        raise ToolError("the customer id cannot be asked for")
    return encoded


def _customer(body: bytes) -> Customer:
    try:
        record = _Record.model_validate_json(body)
    except ValidationError as error:
        faults = ", ".join(sorted({".".join(map(str, fault["loc"])) or "body" for fault in error.errors()}))
        raise ToolError(f"the customer directory's answer is malformed: {faults}") from None
    return Customer(**record.model_dump())
