"""`deskhand export`: what people decided, as labelled examples."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from worker.cli.context import run
from worker.cli.options import Json
from worker.cli.output import complain, dump

if TYPE_CHECKING:
    from fallbacks.store import Store
    from worker.wiring import Parts

PAGE = 500


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="People")(export)


def export(
    file: Annotated[Path, typer.Argument(help="Where to write; - is standard output.")] = Path("-"),
    examples: Annotated[bool, typer.Option("--examples", help="People's decisions beside what was proposed.")] = False,
    json: Json = False,
) -> None:
    """Write people's decisions as JSONL: the data the local model is trained and measured on."""
    if not examples:
        raise typer.BadParameter("say what to export: --examples")
    if str(file) == "-":
        count = run(lambda parts: _write(parts, sys.stdout))
    else:
        with file.open("w", encoding="utf-8") as stream:
            count = run(lambda parts: _write(parts, stream))
    if json and str(file) != "-":
        dump({"examples": count, "file": str(file)})
    else:
        complain(f"{count} examples")


async def _write(parts: "Parts", stream: TextIO) -> int:
    import json

    count = 0
    async for stored in _examples(parts.store):
        stream.write(json.dumps(json.loads(stored)) + "\n")  # ASCII: it may be a terminal
        count += 1
    return count


async def _examples(store: "Store") -> AsyncIterator[str]:
    start = 0
    while page := await store.listed("examples", start, start + PAGE - 1):
        for stored in page:
            yield stored
        start += len(page)
