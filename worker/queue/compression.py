"""Compressed message bodies, within a bound: kombu's own decoders make gigabytes of a small message of zeros."""

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Any

LONGEST_BYTES = 4 * 1024 * 1024
"""Of what a compressed body may hold; a ticket has 256 KiB."""


class TooLongError(ValueError):
    """The body is longer than `LONGEST_BYTES` once unpacked."""


def unpack(body: bytes, method: Any) -> bytes:
    """The body as it was before kombu's producer compressed it. Raises `ValueError`: unknown, broken or too long."""
    make = METHODS.get(str(method))
    if make is None:
        raise ValueError(f"the compression is {str(method)[:80]!r}; known: {', '.join(METHODS)}")
    packed = make()
    try:
        found: bytes = packed.decompress(body, LONGEST_BYTES)
    except (zlib.error, OSError, EOFError, lzma.LZMAError) as error:
        raise ValueError(f"the body cannot be unpacked: {error}") from None
    if not packed.eof:
        if len(found) >= LONGEST_BYTES:
            raise TooLongError(f"the body is longer than {LONGEST_BYTES} bytes once unpacked")
        raise ValueError("the body cannot be unpacked: it is cut off")
    return found


METHODS: dict[str, Callable[[], Any]] = {
    "application/x-gzip": zlib.decompressobj,
    "application/x-bz2": bz2.BZ2Decompressor,
    "application/x-lzma": lzma.LZMADecompressor,
}
"""Of the standard library. kombu's others (brotli, zstd) need packages that we do not install."""
