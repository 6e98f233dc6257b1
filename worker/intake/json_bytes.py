"""The bytes of JSON as other systems send them: what every door takes, before anything is parsed. Pure."""

import re
import zlib
from collections.abc import Iterator
from typing import Any

GZIP = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"
MOST_MEMBERS = 1000

_HALVES = re.compile(
    rb"\\\\|\\u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""An escaped backslash, a whole surrogate pair, or (caught) half of one: half an emoji, cut by its sender."""


class Unpackable(ValueError):
    """What says to be gzip is not, or is too much."""


def plain(raw: bytes, most: int) -> bytes:
    """JSON as `repaired` (RFC 8259, 8.1 lets a reader drop the mark), unpacked where it is gzip.

    Raises `Unpackable` where it is more than `most` bytes unpacked, or packed badly.
    """
    return repaired(unpacked(raw, most) if raw.startswith(GZIP) else raw)


def repaired(raw: bytes) -> bytes:
    """JSON without a byte-order mark, halves of emoji as U+FFFD."""
    raw = raw.removeprefix(BOM)
    if b"\\ud" not in raw and b"\\uD" not in raw:
        return raw
    return _HALVES.sub(lambda found: rb"\ufffd" if found[1] else found[0], raw)


def unpacked(raw: bytes, most: int) -> bytes:
    """What gzip holds, never more than `most` bytes. Raises `Unpackable`."""
    gunzip, found = Gunzip(), bytearray()
    for piece in gunzip.pieces(raw, most + 1):
        found += piece
        if len(found) > most:
            raise Unpackable(f"unpacked, it has more than {most} bytes")
    gunzip.end()
    return bytes(found)


class Gunzip:
    """Unpacks gzip data as they come, of one member or of several one after the other (RFC 1952, 2.2)."""

    def __init__(self) -> None:
        self._member: Any = None
        self._ended = 0

    def pieces(self, chunk: bytes, size: int) -> Iterator[bytes]:
        """What this much more unpacks to, `size` bytes at a time. Raises `Unpackable`."""
        while chunk:
            member = self._member or zlib.decompressobj(wbits=31)
            try:
                piece = member.decompress(chunk, size)
            except zlib.error:
                raise Unpackable("the gzip data cannot be unpacked") from None
            if piece:
                yield piece
            if member.eof and self._ended >= MOST_MEMBERS:
                raise Unpackable(f"the gzip data have more than {MOST_MEMBERS} members")
            self._ended += member.eof
            self._member = None if member.eof else member
            chunk = member.unused_data if member.eof else member.unconsumed_tail

    def end(self) -> None:
        """Raises `Unpackable` where more should have come."""
        if self._member is not None:
            raise Unpackable("the gzip data ends early")
