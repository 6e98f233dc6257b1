"""The labelled texts that a deployment brings: what the local model learns from, and what its tickets look like."""

import gzip
import json
from pathlib import Path

from worker.config.errors import LocalModelError

Row = tuple[str, str]
"""(text, label)"""


def read_rows(path: Path) -> list[Row]:
    """Every training line of a JSONL file, gzipped or not; a row of another split is left out."""
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
        return [
            (f"{row.get('subject') or ''}\n\n{row.get('body') or ''}".strip(), str(row["label"]))
            for row in map(json.loads, filter(str.strip, text.split("\n")))
            if row.get("split", "train") == "train"
        ]
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LocalModelError(f"{path}: not labelled JSONL (fields: subject, body, label): {error!r}") from None
