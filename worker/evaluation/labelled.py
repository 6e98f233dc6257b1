"""Reads labelled tickets: JSONL (gzipped or not) or CSV, one ticket a row, with the label people gave it."""

import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tasks.ticket import Ticket
from worker.config.errors import LabelledFileError

EVERY_SPLIT = "all"


@dataclass(frozen=True, slots=True)
class Labelled:
    """One row. label: what people gave it. split: "train", "test" or "" where the file has none. row: all of it."""

    ticket: Ticket
    label: str
    split: str
    row: dict[str, Any]


def read_labelled(path: Path, split: str | None = None) -> list[Labelled]:
    """The rows of one split; None: all that is not "train". Raises `LabelledFileError` naming the line.

    Fields: body (or text), label; and, if there are any, id, subject, split. Unknown fields are kept in `row`.
    """
    rows = [_labelled(path, line, row) for line, row in _rows(path)]
    if split == EVERY_SPLIT:
        return rows
    return [each for each in rows if (each.split != "train" if split is None else each.split == split)]


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise LabelledFileError(path, 1, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    yield from _csv(text) if ".csv" in path.suffixes else _jsonl(path, text)


def _csv(text: str) -> Iterable[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text))
    return ((reader.line_num, dict(row)) for row in reader)


def _jsonl(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), 1):  # splitlines would also cut inside a body
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise LabelledFileError(path, number, f"is not JSON: {error}") from None
        if not isinstance(row, dict):
            raise LabelledFileError(path, number, "is not an object")
        yield number, row


def _labelled(path: Path, line: int, row: dict[str, Any]) -> Labelled:
    label = row.get("label")
    if not isinstance(label, str) or not label:
        raise LabelledFileError(path, line, "has no label")
    body = row.get("body") if row.get("body") is not None else row.get("text")
    fields = {"id": row.get("id") or f"line-{line}", "source": "labelled", "subject": row.get("subject") or ""}
    try:
        ticket = Ticket.model_validate({**fields, "body": body or ""})
    except ValidationError as error:
        fault = error.errors()[0]
        raise LabelledFileError(path, line, f"{'.'.join(map(str, fault['loc'])) or 'ticket'}: {fault['msg']}") from None
    return Labelled(ticket, label, str(row.get("split") or ""), row)
