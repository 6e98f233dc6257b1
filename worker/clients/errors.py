"""What the client raises: no answer, a problem (RFC 9457) of a kind that callers treat differently, or no ticket."""

from collections.abc import Mapping, Sequence
from typing import Any


class ClientError(Exception):
    """Base of the client's errors. The message is one line for people."""


class Unreachable(ClientError):
    """No answer after every try. Whether the last request arrived is unknown: send again under the same id or key."""


class NotATicket(ClientError, ValueError):
    """What was given cannot be sent as a ticket; nothing was sent. `errors`: (pointer, fault)."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{pointer}: {fault}" for pointer, fault in errors))


class ProblemError(ClientError):
    """The API refused.

    type: stable, e.g. /problems/invalid; "" where something else than Deskhand answered. errors: (pointer, fault).
    retry_after_seconds: None where the answer names none.
    """

    def __init__(self, status: int, document: Mapping[str, Any], retry_after_seconds: float | None = None) -> None:
        self.status = status
        self.type = str(document.get("type", ""))
        self.detail = str(document.get("detail") or document.get("title") or "no problem document")
        self.request_id = str(document.get("request_id", ""))
        self.errors: Sequence[tuple[str, str]] = _faults(document.get("errors"))
        self.retry_after_seconds = retry_after_seconds
        super().__init__(f"HTTP {status}: {self.detail}")

    @classmethod
    def of(cls, status: int, document: Mapping[str, Any], retry_after_seconds: float | None = None) -> "ProblemError":
        """The class for this status."""
        return BY_STATUS.get(status, cls)(status, document, retry_after_seconds)


class KeyRefused(ProblemError):
    """401 or 403: no key, an unknown one, or one without the scope."""


class NoSuchTicket(ProblemError):
    """404: nothing is known under this id."""


class Conflict(ProblemError):
    """409: the id or key was used with another body, or the ticket has ended."""


class InvalidRequest(ProblemError):
    """400, 413, 415 or 422: sending the same again will not help. `errors` points at each fault."""


class Busy(ProblemError):
    """429 or 502-504, still, after every try: nothing was refused for good."""


BY_STATUS: Mapping[int, type[ProblemError]] = {
    400: InvalidRequest,
    401: KeyRefused,
    403: KeyRefused,
    404: NoSuchTicket,
    409: Conflict,
    413: InvalidRequest,
    415: InvalidRequest,
    422: InvalidRequest,
    429: Busy,
    502: Busy,
    503: Busy,
    504: Busy,
}


def _faults(found: object) -> list[tuple[str, str]]:
    items = found if isinstance(found, list) else []
    return [(str(item.get("pointer", "")), str(item.get("detail", ""))) for item in items if isinstance(item, dict)]
