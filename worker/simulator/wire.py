"""Just enough HTTP/1.1 to hold the socket in our own hands: faults happen on bytes."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from http import HTTPStatus

MAX_BODY_BYTES = 32 * 1024 * 1024
"""The real API's limit of a request."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. headers: names in lower case. too_large: its body was over the limit and was not read."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    too_large: bool = False


class Delivery(Enum):
    """What happens to an answer on its way."""

    WHOLE = auto()
    DRIP = auto()
    CUT = auto()
    CUT_BEFORE = auto()
    NEVER = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """One response. wait_seconds: before its first byte. drip_seconds: between its bytes, where it drips."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    delivery: Delivery = Delivery.WHOLE
    wait_seconds: float = 0.0
    drip_seconds: float = 0.0


async def read_request(reader: asyncio.StreamReader) -> HttpRequest | None:
    """The connection's next request, None when the peer has ended it. Raises `ValueError` for what is not HTTP."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head[:-4].decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        pairs = (line.split(":", 1) for line in lines)
        headers = {name.lower(): value.strip() for name, value in pairs}
        if "transfer-encoding" in headers:
            raise ValueError("only bodies with a content-length are read")
        length = int(headers.get("content-length", "0"))
        if length > MAX_BODY_BYTES:
            return HttpRequest(method, path, headers, b"", too_large=True)
        return HttpRequest(method, path, headers, await reader.readexactly(length) if length else b"")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


async def deliver(answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Send it as its delivery says. Returns whether it went out whole to a peer that was still there."""
    if answer.wait_seconds:
        await asyncio.sleep(answer.wait_seconds)
        if reader.at_eof():
            return False
    message = _bytes(answer)
    match answer.delivery:
        case Delivery.WHOLE:
            writer.write(message)
            await writer.drain()
            return True
        case Delivery.DRIP:
            return await _drip(message, answer.drip_seconds, reader, writer)
        case Delivery.CUT:
            writer.write(message[: len(message) - len(answer.body) // 2])
            await writer.drain()
        case Delivery.CUT_BEFORE:
            pass
        case Delivery.NEVER:
            await reader.read()  # until the peer gives up
    return False


async def _drip(
    message: bytes, pause_seconds: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    for index in range(len(message)):
        if reader.at_eof():
            return False
        writer.write(message[index : index + 1])
        await writer.drain()
        await asyncio.sleep(pause_seconds)
    return True


def _bytes(answer: Answer) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}", f"content-length: {len(answer.body)}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + answer.body


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Overloaded"
