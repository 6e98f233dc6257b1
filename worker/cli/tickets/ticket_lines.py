"""Reads tickets from JSONL, one JSON array or CSV, item by item: a bad one is a fault with its line, never the end."""

import codecs
import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader, RawIOBase, TextIOWrapper
from itertools import chain
from typing import Any, BinaryIO, cast

from pydantic import ValidationError

from tasks.ticket import Ticket
from worker.cli.tickets.csv_rows import is_csv, read_rows
from worker.intake.json_bytes import repaired


@dataclass(frozen=True, slots=True)
class Good:
    """A ticket. where: `line 3`, or `item 3` of an array; both count from 1."""

    where: str
    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Bad:
    """What cannot be read as a ticket, and why: one line."""

    where: str
    why: str


def read_tickets(stream: BinaryIO) -> Iterator[Good | Bad]:
    """Every line of JSONL, every item where the first character is `[`, every row where the first line is a header.
    Empty lines say nothing. The file may be packed by gzip, and be UTF-16 or UTF-8 with a byte-order mark.
    """
    try:
        yield from _items(iter(_plain(stream)))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        yield Bad("the file", f"its gzip data are damaged from here on: {error}")


def _plain(stream: BinaryIO) -> Iterable[bytes]:
    """Lines in UTF-8, unpacked."""
    buffered = stream if isinstance(stream, BufferedReader) else BufferedReader(cast("RawIOBase", stream))
    if buffered.peek(2)[:2] == b"\x1f\x8b":
        buffered = BufferedReader(gzip.GzipFile(fileobj=buffered))
    begin = buffered.peek(2)
    if begin[:2] not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        if b"\r" in begin and b"\n" not in begin:  # as old Macs end lines, and Excel for them still does
            return (line.encode("latin-1") for line in TextIOWrapper(buffered, "latin-1"))
        return buffered
    return (line.encode() for line in TextIOWrapper(buffered, "utf-16", errors="replace", newline="\n"))


def _items(lines: Iterator[bytes]) -> Iterator[Good | Bad]:
    above: list[bytes] = []
    for line in lines:
        above.append(line.removeprefix(codecs.BOM_UTF8))
        if above[-1].strip():
            break
    first, lines = above[-1] if above else b"", chain(above, lines)
    if first.lstrip().startswith(b"["):
        yield from _array(b"".join(lines))
        return
    if not first.lstrip().startswith(b"{") and is_csv(first):
        for where, found in read_rows(lines):
            yield Bad(where, found) if isinstance(found, str) else _ticket(where, found)
        return
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _line(f"line {number}", line)


def why_invalid(error: ValidationError) -> str:
    """Every fault of a ticket on one line."""
    faults = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'ticket'}: {fault['msg']}" for fault in faults)


def _array(whole: bytes) -> Iterator[Good | Bad]:
    try:
        items = _parsed(whole)
    except ValueError as error:
        yield Bad("the array", str(error))
        return
    for number, item in enumerate(items, 1):
        yield _ticket(f"item {number}", item)


def _line(where: str, line: bytes) -> Good | Bad:
    try:
        return _ticket(where, _parsed(line))
    except ValueError as error:
        return Bad(where, str(error))


def _ticket(where: str, value: Any) -> Good | Bad:
    if not isinstance(value, dict):
        return Bad(where, "a ticket is a JSON object")
    try:
        return Good(where, Ticket.model_validate(value))
    except ValidationError as error:
        return Bad(where, why_invalid(error))


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(repaired(text).decode("utf-8"), parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start + 1}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise ValueError("not JSON that can be read: nested too deeply") from None


def _no_number(name: str) -> Any:
    raise ValueError(f"not JSON: {name} is not a number")
