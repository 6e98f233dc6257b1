"""The bytes of JSON as other systems send them: what every door takes, before anything is parsed. Pure."""

import re
import zlib

GZIP = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"

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
    inflate = zlib.decompressobj(wbits=31)
    try:
        found = inflate.decompress(raw, most + 1)
    except zlib.error:
        raise Unpackable("the gzip data cannot be unpacked") from None
    if len(found) > most or inflate.unconsumed_tail:
        raise Unpackable(f"unpacked, it has more than {most} bytes")
    if not inflate.eof:
        raise Unpackable("the gzip data ends early")
    return found
