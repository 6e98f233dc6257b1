"""Tickets in CSV (RFC 4180) as fields: a header row names the columns. A bad row is a fault with its line, no more.

Columns are the fields of a ticket, those of its requester as `requester.email` or `requester_email`; what else there is
goes into the metadata under its own name. Commas, semicolons or tabs separate; cells may hold line ends in quotes.
"""

import csv
import re
import string
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from tasks.ticket import Requester, Ticket
from worker.connectors.mail.charsets import decoded

SOURCE = "csv"
"""Of tickets whose file has no such column."""

MOST_RECORD_LINES = 5_000
MOST_RECORD_CHARS = 400_000
"""A quote that nobody closes must not swallow the rest of the file."""

_SAYS_SEPARATOR = re.compile(r"\"?sep=[,;\t]\"?", re.IGNORECASE)
_PLAIN = frozenset(Ticket.model_fields) - {"requester", "metadata", "attachments", "unreadable"}
_REQUESTER = {f"requester{mark}{name}": name for name in Requester.model_fields for mark in "._"}

Row = tuple[str, dict[str, Any] | str]
"""(`line 3`, the ticket's fields), or why there are none."""


def is_csv(first: bytes) -> bool:
    """Whether a line is the header of a table of tickets, or Excel's word of what separates its cells."""
    if _SAYS_SEPARATOR.fullmatch(decoded(first[:20], None).strip()):
        return True
    return bool({"subject", "body"} & set(_names(decoded(first, "windows-1252"))))


def read_rows(lines: Iterable[bytes]) -> Iterator[Row]:
    """The rows below the header, which is the first line that says something."""
    numbered = enumerate((decoded(line, "windows-1252") for line in lines), 1)
    header = next((line for _, line in numbered if not _says_nothing(line.strip())), "")
    names, separator = _names(header), _separator(header)
    if not {"subject", "body"} & set(names):
        yield "the header", "names neither a subject nor a body"
        return
    if twice := next((name for name in names if name and names.count(name) > 1), None):
        yield "line 1", f"the column {twice!r} stands twice"
        return
    for number, record, ends in _records(numbered, separator):
        found = _fields(names, separator, record) if ends else "a quote is opened and never closed"
        yield f"line {number}", found


def _says_nothing(line: str) -> bool:
    return not line or bool(_SAYS_SEPARATOR.fullmatch(line))


def _records(lines: Iterator[tuple[int, str]], separator: str) -> Iterator[tuple[int, str, bool]]:
    """(line, record, whether it ends), lines of a quoted cell together. Of one that does not end only its first line is
    taken: the next is read anew.
    """
    again = deque[tuple[int, str]]()
    while (line := again.popleft() if again else next(lines, None)) is not None:
        held, size = [line], len(line[1])
        is_open = _ends_open(line[1], separator, is_open=False)
        while is_open and len(held) < MOST_RECORD_LINES and size < MOST_RECORD_CHARS:
            if (line := again.popleft() if again else next(lines, None)) is None:
                break
            held.append(line)
            size += len(line[1])
            is_open = _ends_open(line[1], separator, is_open=True)
        if is_open:
            again.extendleft(reversed(held[1:]))
            held = held[:1]
        text = "".join(part for _, part in held)
        if text.strip(separator + string.whitespace):
            yield held[0][0], text, not is_open


def _ends_open(line: str, separator: str, *, is_open: bool) -> bool:
    """Whether a quoted cell goes on below. is_open: whether one goes on from above."""
    at = 0
    while True:
        if is_open or line.startswith('"', at):
            end = line.find('"', at + (not is_open))
            while end >= 0 and line.startswith('""', end):
                end = line.find('"', end + 2)
            if end < 0:
                return True
            is_open, at = False, end + 1
        end = line.find(separator, at)
        if end < 0:
            return False
        at = end + 1


def _fields(names: list[str], separator: str, record: str) -> dict[str, Any] | str:
    try:
        (cells,) = csv.reader([record], delimiter=separator, strict=True, skipinitialspace=True)
    except (csv.Error, ValueError) as error:
        return f"not CSV: {error}"
    while len(cells) > len(names) and not cells[-1]:
        cells.pop()
    if len(cells) != len(names):
        return f"{len(cells)} cells, and the header names {len(names)} columns"
    return _ticket({name: cell for name, cell in zip(names, cells, strict=True) if name and cell.strip()})


def _ticket(cells: dict[str, str]) -> dict[str, Any]:
    requester = {_REQUESTER[name]: cell for name, cell in cells.items() if name in _REQUESTER}
    metadata = {
        name.removeprefix("metadata."): cell
        for name, cell in cells.items()
        if name and name not in _PLAIN and name not in _REQUESTER
    }
    found: dict[str, Any] = {"source": SOURCE, "subject": "", "body": ""}
    found |= {name: cell.lower() if name == "priority" else cell for name, cell in cells.items() if name in _PLAIN}
    return found | ({"requester": requester} if requester else {}) | ({"metadata": metadata} if metadata else {})


def _separator(header: str) -> str:
    return max(",;\t", key=header.count)


def _names(header: str) -> list[str]:
    """Those of tickets in any case and with blanks; other columns as they are written."""
    try:
        cells = next(csv.reader([header], delimiter=_separator(header), skipinitialspace=True), [])
    except csv.Error:
        return []
    known = {cell: cell.strip().lower().replace(" ", "_") for cell in cells}
    return [known[cell] if known[cell] in _PLAIN or known[cell] in _REQUESTER else cell.strip() for cell in cells]
