"""What stands in an archive file: gzip members of JSON lines, one line a ticket.

The form of cold months, and of archives that earlier releases left, which `deskhand history import` reads.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from gzip import compress
from typing import Any

from fallbacks.history.port import EndedTicket

MAGIC = b"\x1f\x8b\x08"
"""How a gzip member begins (RFC 1952, 2.3.1)."""

CHUNK = 65_536

_OLD_NAMES = {"original": "zlib"}


def packed(tickets: Iterable[EndedTicket]) -> bytes:
    """A member of these tickets, the same for the same ones."""
    lines = (json.dumps(asdict(ticket), ensure_ascii=False) + "\n" for ticket in tickets)
    return compress("".join(lines).encode("utf-8", "surrogatepass"), mtime=0)


def tickets_in(data: bytes) -> Iterator[EndedTicket]:
    """Of all whole members, in order. What a crash left torn is stepped over: its tickets were written again."""
    at = data.find(MAGIC)
    while at >= 0:
        end, text = _member_at(data, at)
        for line in text.splitlines():
            yield _ticket(json.loads(line.decode("utf-8", "surrogatepass")))
        at = data.find(MAGIC, end)


def _member_at(data: bytes, at: int) -> tuple[int, bytes]:
    """Where the member that begins here ends, and its text; the next byte and nothing where it is torn."""
    inflate, parts, end = zlib.decompressobj(wbits=31), list[bytes](), at
    try:
        while end < len(data) and not inflate.eof:
            parts.append(inflate.decompress(data[end : end + CHUNK]))
            end += CHUNK
    except zlib.error:
        return at + 1, b""
    return (min(end, len(data)) - len(inflate.unused_data), b"".join(parts)) if inflate.eof else (at + 1, b"")


def _ticket(raw: Mapping[str, Any]) -> EndedTicket:
    """Files of earlier releases have what was kept beside a row in it."""
    row, beside = dict(raw["row"]), dict(raw.get("beside") or {})
    for name in [name for name in row if name in ("original", "attached") or name.startswith(("zlib:", "attached:"))]:
        beside[_OLD_NAMES.get(name, name)] = row.pop(name)
    threads, keys = tuple(raw.get("threads") or ()), tuple(raw.get("keys") or ())
    return EndedTicket(raw["id"], row, tuple(raw["journal"]), raw["effects"], beside, threads, keys)
