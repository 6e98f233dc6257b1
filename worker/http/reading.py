"""Reading request bodies: never more than allowed, JSON only, every fault with its pointer."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from worker.http.problems import Kind, Problem, json_pointer
from worker.intake.json_bytes import Unpackable, repaired, unpacked

MAX_TICKET_BYTES = 256 * 1024

BODY_SECONDS = 120.0
"""For the whole of a body that is read as one."""

JSON_TYPES = frozenset({"", "application/json"})

T = TypeVar("T", bound=BaseModel)


def media_type(request: Request) -> str:
    """The content type without its parameters, in lower case; "" when none was sent."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_body(request: Request, limit: int = MAX_TICKET_BYTES, types: frozenset[str] = JSON_TYPES) -> bytes:
    """The whole body; raises `Problem` as soon as more than `limit` bytes are announced or have come."""
    if media_type(request) not in types:
        raise Problem(Kind.MEDIA, f"send {' or '.join(sorted(filter(None, types)))}")
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise too_large(limit)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return _unpacked(request, await _whole(request, limit), limit)
    except TimeoutError:
        raise ended_early() from None


async def _whole(request: Request, limit: int) -> bytes:
    parts, size = [], 0
    async for part in chunks(request):
        size += len(part)
        if size > limit:
            raise too_large(limit)
        parts.append(part)
    return b"".join(parts)


def _unpacked(request: Request, body: bytes, limit: int) -> bytes:
    """The body without its content coding; the limit holds for what it unpacks to."""
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip"):
        raise Problem(Kind.MEDIA, "send the body as it is, or as gzip")
    try:
        return unpacked(body, limit)
    except Unpackable as error:
        raise Problem(Kind.INVALID_SYNTAX, f"the body: {error}") from None


async def chunks(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes. A client that hangs up or stalls within it is not logged as our fault."""
    try:
        async for part in request.stream():
            yield part
    except ClientDisconnect:
        raise ended_early() from None


async def read_json(request: Request, model: type[T]) -> T:
    """The body as `model`, strictly: what the OpenAPI document does not allow is refused."""
    return parse(await read_body(request), model)


async def read_json_or_nothing(request: Request, model: type[T]) -> T:
    """As `read_json`; an empty body stands for `{}`."""
    return parse(await read_body(request) or b"{}", model)


def parse(body: bytes, model: type[T]) -> T:
    """JSON bytes as `model`; raises `Problem` naming every fault."""
    body = repaired(body)
    try:
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        whole = _with_whole_numbers(body, error)
        if whole is None:
            raise invalid(error, body) from None
    return parse(whole, model)


def _with_whole_numbers(body: bytes, error: ValidationError) -> bytes | None:
    """The body with 60 for 60.0 where an integer is wanted: to JSON Schema they are the same. None without any."""
    faults = [fault for fault in error.errors(include_url=False) if fault["type"] == "int_type"]
    wrong = [fault["loc"] for fault in faults if isinstance(fault["input"], float) and fault["input"].is_integer()]
    document = json.loads(body) if wrong else None
    changed = False
    for where in wrong:
        *path, last = _place(document, where, missing=False)
        holder: Any = document
        for part in path:
            holder = holder[part]
        if isinstance(holder, dict) and isinstance(holder[last], float):
            holder[last] = int(holder[last])
            changed = True
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass") if changed else None


def invalid(error: ValidationError, body: bytes) -> Problem:
    """A pydantic error as a problem. Quotes nothing of the body."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    if faults and faults[0]["type"] == "json_invalid":
        return Problem(Kind.INVALID_SYNTAX, faults[0]["msg"], errors=[("", faults[0]["msg"])])
    document = json.loads(body)
    placed = [
        (json_pointer(_place(document, fault["loc"], missing=fault["type"] == "missing")), _said(fault["msg"]))
        for fault in faults
    ]
    return Problem(Kind.INVALID, f"{placed[0][0] or 'the body'}: {placed[0][1]}", errors=placed)


def _place(document: Any, where: Sequence[int | str], *, missing: bool) -> list[int | str]:
    """The part of pydantic's path that is in the document: it names members of unions too."""
    found: list[int | str] = []
    for part in where:
        inside = isinstance(document, dict) and part in document
        if inside or (isinstance(document, list) and isinstance(part, int) and part < len(document)):
            document = document[part]
            found.append(part)
    return [*found, where[-1]] if missing else found


def _said(message: str) -> str:
    return message.removeprefix("Value error, ")


def ended_early() -> Problem:
    """The connection is closed: the rest may come at any time, or never."""
    fault = "the body ended early, or came too slowly"
    return Problem(Kind.INVALID_SYNTAX, fault, headers={"connection": "close"})


def too_large(limit: int) -> Problem:
    """413. The connection is closed: the rest of the body would have to be read for nothing."""
    return Problem(Kind.TOO_LARGE, f"at most {limit} bytes are read", headers={"connection": "close"})
