"""Calls one operation of an HTTP service, of one origin: no redirect, no address that a model chose, a bound answer."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from tasks.errors import ToolError
from worker.config.described import Described


class HttpOperation:
    """One client per process. The connection is the service's alone; proxies of the environment are not asked."""

    def __init__(self, described: Described) -> None:
        assert described.tool.openapi is not None  # noqa: S101 - it is one of those
        self._described = described
        self._url = described.tool.openapi.url
        self._client = httpx.AsyncClient(
            headers={"accept": "application/json", "accept-encoding": "identity", **described.headers},
            timeout=described.tool.timeout_seconds,
            follow_redirects=False,
            trust_env=False,
        )

    async def call(self, given: Mapping[str, Any], key: str) -> Any:
        """The answer's JSON. key: of an effect, "" for none. Raises `ToolError` with what is wrong with the answer."""
        try:
            async with self._client.stream(**self._request(given, key)) as answer:
                if answer.is_redirect:
                    raise ToolError("the service answered with a redirect, which is not followed")
                if answer.headers.get("content-encoding", "identity") != "identity":
                    raise ToolError("the service packed its answer, which was not asked for")
                body = await self._bounded(answer)
        except httpx.TimeoutException:
            raise TimeoutError from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ToolError(f"the service cannot be reached: {type(error).__name__}") from None
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if not answer.is_success:
            raise ToolError(f"the service answered {answer.status_code}")
        try:
            return json.loads(body or b"null")
        except (ValueError, RecursionError):
            raise ToolError("the service's answer is not JSON") from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _request(self, given: Mapping[str, Any], key: str) -> dict[str, Any]:
        """As httpx takes it. Every parameter goes where the document says, and nowhere else."""
        places, path = self._described.places, self._described.path
        for name, value in given.items():
            if places[name] == "path":
                path = path.replace(f"{{{name}}}", escaped(value))
        body = {name: value for name, value in given.items() if places[name] == "body"}
        return {
            "method": self._described.method,
            "url": f"{self._url}{path}",
            "params": {name: value for name, value in given.items() if places[name] == "query"},
            "headers": {self._described.tool.key_header: key} if key else {},
            "json": body or None,
        }

    async def _bounded(self, answer: httpx.Response) -> bytes:
        most, body = self._described.tool.max_answer_bytes, b""
        async for part in answer.aiter_raw(16_384):
            body += part
            if len(body) > most:
                raise ToolError(f"the service's answer is larger than {most:,} bytes")
        return body


def escaped(value: Any) -> str:
    """A value as one segment of a path. Raises `ToolError` for what would lead to another one."""
    text = str(value)
    if text in ("", ".", ".."):
        raise ToolError(f"{text!r} cannot be a part of an address")
    return quote(text, safe="")
