"""Errors as RFC 9457 problems: a closed table of kinds, each with a stable `type`, and the handlers that send them."""

from collections.abc import Mapping, Sequence
from enum import Enum
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from fallbacks.errors import (
    ConversationFull,
    IdempotencyConflict,
    MessageConflict,
    OtherGroup,
    SourceLimited,
    Stale,
    StoreUnreachable,
    UnknownTicket,
)

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
"""How long a client is asked to wait while the store cannot be reached."""

REQUEST_ID = "x-request-id"


class Kind(Enum):
    """(type, status, title). The type is a URI reference that never changes."""

    INVALID_SYNTAX = ("/problems/not-json", 400, "The body is not JSON")
    UNAUTHORIZED = ("/problems/unauthorized", 401, "An API key is needed")
    FORBIDDEN = ("/problems/forbidden", 403, "The key does not allow this")
    NOT_FOUND = ("/problems/not-found", 404, "Not found")
    METHOD = ("/problems/method-not-allowed", 405, "The method is not allowed here")
    STALE = ("/problems/stale", 409, "It has changed meanwhile, or somebody else holds it")
    CONFLICT = ("/problems/idempotency-conflict", 409, "The id or key was used with another body")
    IMPOSSIBLE = ("/problems/not-possible", 409, "This cannot be done with the ticket as it is")
    TOO_LARGE = ("/problems/too-large", 413, "The body is too large")
    MEDIA = ("/problems/unsupported-media-type", 415, "The media type is not supported")
    INVALID = ("/problems/invalid", 422, "The request is not valid")
    LIMITED = ("/problems/rate-limited", 429, "Too many requests")
    INTERNAL = ("/problems/internal", 500, "Something went wrong here")
    UNAVAILABLE = ("/problems/unavailable", 503, "The store cannot be reached")

    @property
    def uri(self) -> str:
        return self.value[0]

    @property
    def status(self) -> int:
        return self.value[1]

    @property
    def title(self) -> str:
        return self.value[2]


class FaultDocument(BaseModel):
    """One fault of a request. pointer: a JSON pointer into the body, or the name of a parameter."""

    pointer: str
    detail: str


class ProblemDocument(BaseModel):
    """RFC 9457. Extension members say how things are now, e.g. state, version and holder of a stale item."""

    model_config = ConfigDict(extra="allow", title="Problem")

    type: str = Field(description="stable, e.g. /problems/stale")
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[FaultDocument] = Field(default_factory=list)


class Problem(Exception):
    """Raised anywhere under a route; becomes the answer. more: extension members."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})
        self.more = more

    def document(self, request_id: str) -> dict[str, Any]:
        """The body."""
        return {
            "type": self.kind.uri,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "request_id": request_id,
            "errors": [{"pointer": pointer, "detail": detail} for pointer, detail in self.errors],
            **self.more,
        }


def as_problem(error: Exception) -> Problem | None:
    """What the packages below raise, as a problem; None for what nobody expects."""
    match error:
        case Problem():
            return error
        case UnknownTicket():
            return Problem(Kind.NOT_FOUND, str(error))
        case OtherGroup():
            return Problem(Kind.FORBIDDEN, str(error), ticket_id=error.ticket_id, with_group=error.group)
        case ConversationFull():
            return Problem(Kind.TOO_LARGE, str(error), ticket_id=error.ticket_id)
        case IdempotencyConflict() | MessageConflict():
            return Problem(Kind.CONFLICT, str(error), ticket_id=error.ticket_id)
        case Stale():
            holder = error.holder or None
            return Problem(Kind.STALE, str(error), state=error.state, version=error.version, holder=holder)
        case SourceLimited() | StoreUnreachable() | TimeoutError():
            return _later(error)
        case RequestValidationError():
            faults = [(_pointer(fault["loc"]), str(fault["msg"])) for fault in error.errors()]
            return Problem(Kind.INVALID, faults[0][1] if faults else "not valid", errors=faults)
        case HTTPException():
            return _of_status(error)
        case _:
            return None


def _later(error: SourceLimited | StoreUnreachable | TimeoutError) -> Problem:
    if isinstance(error, SourceLimited):
        seconds = str(max(1, -(-error.wait_ms // 1000)))
        return Problem(Kind.LIMITED, f"{error}; try again in {seconds} s", headers={"retry-after": seconds})
    wait = {"retry-after": str(RETRY_SECONDS)}
    return Problem(Kind.UNAVAILABLE, "the store did not answer; try again, under the same id", headers=wait)


def install(app: FastAPI) -> None:
    """Let every error of the application be answered as a problem."""
    expected = (UnknownTicket, OtherGroup, IdempotencyConflict, MessageConflict, ConversationFull, Stale, SourceLimited)
    for raised in (Problem, *expected):
        app.add_exception_handler(raised, _answer)
    app.add_exception_handler(StoreUnreachable, _answer)
    app.add_exception_handler(TimeoutError, _answer)
    app.add_exception_handler(RequestValidationError, _answer)
    app.add_exception_handler(HTTPException, _answer)
    app.add_exception_handler(Exception, _answer)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's declaration of the problems a route may answer with."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in sorted({*statuses, 401, 403, 422, 429, 503})
    }


async def _answer(request: Request, error: Exception) -> Response:
    problem = as_problem(error) or Problem(Kind.INTERNAL, "the fault is in the log, under the request id")
    request_id = str(request.scope.get("deskhand.request_id", ""))
    headers = {REQUEST_ID: request_id, **problem.headers}
    return JSONResponse(problem.document(request_id), problem.kind.status, headers, MEDIA_TYPE)


def _of_status(error: HTTPException) -> Problem:
    kinds = {kind.status: kind for kind in (Kind.NOT_FOUND, Kind.METHOD, Kind.TOO_LARGE, Kind.INVALID_SYNTAX)}
    kind = kinds.get(error.status_code, Kind.INTERNAL if error.status_code >= 500 else Kind.INVALID)
    return Problem(kind, error.detail, headers=error.headers)


def _pointer(where: Sequence[int | str]) -> str:
    """Parameters are named as they are; a path in the body becomes a JSON pointer."""
    return str(where[1]) if where[1:] and where[0] in ("path", "query", "header") else json_pointer(where)


def json_pointer(where: Sequence[int | str]) -> str:
    """RFC 6901."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in where)
