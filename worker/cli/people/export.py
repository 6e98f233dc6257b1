"""`deskhand export`: what people decided, as labelled examples."""

import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from worker.cli.context import run
from worker.cli.options import Json
from worker.cli.output import complain, dump
from worker.cli.people.audit_file import write_audit
from worker.cli.printable import printable

if TYPE_CHECKING:
    from worker.wiring import Parts

BEFORE, AFTER = ("id", "at", "by", "action"), (
    "priority", "proposed", "tier", "reason", "epoch", "handled_seconds", "keystrokes", "text",
)  # fmt: skip
"""Columns around those of the process's facets and fields."""


class Format(StrEnum):
    """What is written."""

    JSONL = "jsonl"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="People")(export)


def export(
    file: Annotated[Path, typer.Argument(help="Where to write; - is standard output.")] = Path("-"),
    examples: Annotated[bool, typer.Option("--examples", help="People's decisions beside what was suggested.")] = False,
    audit: Annotated[bool, typer.Option("--audit", help="Every event and act, chained by hash, signed.")] = False,
    format: Annotated[Format, typer.Option("--format", help="csv is for spreadsheets.")] = Format.JSONL,  # noqa: A002 - the option's name
    json: Json = False,
) -> None:
    """Write people's decisions, a line each: the data the local model is trained and measured on; or the journal for
    auditors, which `deskhand audit --verify FILE` holds against its hashes.
    """
    if examples == audit:
        raise typer.BadParameter("say what to export: --examples or --audit")
    if audit:
        write_audit(file, json=json)
        return
    write = _jsonl if format is Format.JSONL else _csv
    if str(file) == "-":
        written = run(lambda parts: write(parts, sys.stdout))
    else:
        with file.open("w", encoding="utf-8", newline="") as stream:
            written = run(lambda parts: write(parts, stream))
    if json and str(file) != "-":
        dump({"examples": len(written), "file": str(file), **run(lambda parts: _people(parts, written))})
    else:
        complain(f"{len(written)} examples")


async def _jsonl(parts: "Parts", stream: TextIO) -> list[str]:
    import json

    written: list[str] = []
    async for stored in parts.examples.standing():
        stream.write(json.dumps(json.loads(stored)) + "\n")  # ASCII: it may be a terminal
        written.append(stored)
    return written


async def _csv(parts: "Parts", stream: TextIO) -> list[str]:
    import csv
    import json

    rows = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    own = parts.process.columns
    columns = (*BEFORE, *parts.process.facet_names, *own, *AFTER)
    rows.writerow(columns)
    written: list[str] = []
    async for stored in parts.examples.standing():
        example = json.loads(stored)
        example |= parts.process.cells(example) if own else {}
        rows.writerow([cell(example.get(name)) for name in columns])
        written.append(stored)
    return written


def cell(value: object) -> str:
    """A value no spreadsheet takes for a formula and no terminal for a command: ticket text is hostile."""
    from fallbacks.operations.csv_cells import guarded

    return printable(guarded("" if value is None else str(value)))


async def _people(parts: "Parts", written: list[str]) -> dict[str, list[dict[str, object]]]:
    from fallbacks.inbox.people import work_by
    from fallbacks.ledger.past.examples import read_example

    process = parts.process
    examples = [read_example(process, stored) for stored in written]
    groups = {
        "reviewers": work_by(lambda example: example.by, examples),
        f"{process.keyed_by}s": work_by(lambda example: example.key, examples),
    }
    return {name: [{**asdict(work), "agreement": work.agreement} for work in found] for name, found in groups.items()}
