"""HTTP calls that may be repeated safely, and are, with patience that ends."""

import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from .errors import ClientError, ProblemError, Unreachable

AGAIN = frozenset({429, 502, 503, 504})
"""Answers that say nothing about the request itself."""

FIRST_PAUSE_SECONDS = 0.5


class Calls:
    """Requests to one address. tries: in all; longest_pause_seconds: the longest `Retry-After` that is waited for.

    headers: of every request.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        *,
        timeout_seconds: float,
        tries: int,
        longest_pause_seconds: float,
        sleep: Callable[[float], None] = time.sleep,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        key = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self._http = httpx.Client(base_url=base_url, headers={**(headers or {}), **key}, timeout=timeout_seconds)
        self._timeout = timeout_seconds
        self.tries = tries
        self._longest = longest_pause_seconds
        self._sleep = sleep

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def json(self, method: str, path: str, *, waiting_seconds: float = 0.0, **options: Any) -> Any:
        """What a request answers, in the end. waiting_seconds: that the server was asked to wait with its answer.

        Raises `ProblemError` and its kinds, `Unreachable`.
        """
        timeout = httpx.Timeout(self._timeout, read=self._timeout + waiting_seconds)
        for attempt in range(1, self.tries + 1):
            try:
                answer = self._http.request(method, path, timeout=timeout, **options)
            except httpx.TransportError as error:
                if attempt == self.tries:
                    raise Unreachable(f"{self._http.base_url}: {_why(error)}") from None
                self.pause(attempt)
                continue
            if answer.is_success:
                return _answered(answer)
            asked = _retry_after(answer)
            if answer.status_code not in AGAIN or attempt == self.tries or (asked or 0) > self._longest:
                raise ProblemError.of(answer.status_code, _document(answer), asked)
            self.pause(attempt, asked)
        raise ClientError("a client needs at least one try")

    def pause(self, attempt: int, asked_seconds: float | None = None) -> None:
        """Before the next try: as long as asked, else doubling, with half of it random, so that many clients do not
        come back together.
        """
        whole = min(self._longest, FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1))
        backoff = whole * (0.5 + random.random() / 2)  # noqa: S311 - no secret
        self._sleep(backoff if asked_seconds is None else asked_seconds)


def _why(error: httpx.TransportError) -> str:
    """What cannot stand in a header may be the key, and the library quotes it."""
    if isinstance(error, httpx.LocalProtocolError):
        return "the key, or another header, holds what no header can"
    return f"{type(error).__name__}: {error}"


def _answered(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise ClientError(f"{answer.url} answered HTTP {answer.status_code} without JSON: not Deskhand's") from error


def _document(answer: httpx.Response) -> Mapping[str, Any]:
    """The problem document, or nothing where a proxy or another server answered."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _retry_after(answer: httpx.Response) -> float | None:
    """Seconds, from either form RFC 9110 allows."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isdigit():
        return float(said)
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
