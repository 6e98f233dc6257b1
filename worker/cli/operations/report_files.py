"""A table of a report as CSV that no spreadsheet runs, and as Parquet for whatever reads that."""

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from worker.cli.faults import CommandFailed
from worker.cli.people.export import cell


def as_csv(rows: Sequence[Mapping[str, Any]]) -> None:
    """To standard output."""
    written = csv.writer(sys.stdout, lineterminator="\r\n")
    if rows:
        written.writerow(map(cell, rows[0]))
    written.writerows([cell(value) for value in row.values()] for row in rows)


def as_parquet(rows: Sequence[Mapping[str, Any]], file: Path) -> None:
    """To a file. Raises `CommandFailed` where the library for it is not installed."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise CommandFailed('Parquet needs pyarrow: pip install "deskhand[parquet]"') from None
    parquet.write_table(arrow.Table.from_pylist([dict(row) for row in rows]), file)
