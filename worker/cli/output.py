"""What commands print: one JSON document, or tables for people. Nothing here reads markup out of text."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from worker.cli.printable import one_line, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from worker.http.tickets.documents import TicketDocument

NARROW = 120
"""Columns assumed where there is no terminal to ask."""


class Advance(Protocol):
    """Moves a progress bar to how far the work is. note: a few words beside it."""

    def __call__(self, done: int, note: str = "") -> None: ...


@dataclass
class Cell:
    """Text with a style of Rich, e.g. "bold red"."""

    text: object
    style: str = ""


@dataclass
class Report:
    """A table for people. Cells are cleaned on their way out.

    numeric: columns set to the right. whole: columns never wrapped, besides the first, which is a name or an id.
    """

    columns: Sequence[str]
    rows: list[Sequence[object]] = field(default_factory=list)
    title: str = ""
    numeric: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()

    def add(self, *cells: object) -> None:
        """One more row."""
        self.rows.append(cells)

    def table(self) -> "Table":
        """As Rich draws it."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        table = Table(
            title=Text(self.title, style="bold") if self.title else None,
            title_justify="left",
            box=SIMPLE_HEAD,
            pad_edge=False,
        )
        for index, name in enumerate(self.columns):
            justify: Literal["left", "right"] = "right" if name in self.numeric else "left"
            table.add_column(name, justify=justify, overflow="fold", no_wrap=index == 0 or name in self.whole)
        for row in self.rows:
            table.add_row(*(styled(cell) for cell in row))
        return table


def styled(cell: object) -> "Text":
    """A cell as Rich text, on one line and clean."""
    from rich.text import Text

    if isinstance(cell, Text):
        return cell
    if isinstance(cell, Cell):
        return Text(one_line(cell.text), style=cell.style)
    return Text(one_line("" if cell is None else cell))


def console(*, stderr: bool = False) -> "Console":
    """Where people read: no markup, no emoji codes, no guessing of numbers and paths."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else NARROW
    return Console(file=stream, markup=False, emoji=False, highlight=False, width=width, soft_wrap=False)


def show(*parts: object) -> None:
    """Print tables and lines to stdout."""
    out = console()
    for part in parts:
        out.print(part.table() if isinstance(part, Report) else styled(part) if isinstance(part, Cell) else part)


def say(*lines: str) -> None:
    """Plain lines to stdout, clean and never wrapped: scripts read them too."""
    for line in lines:
        print(_unbroken(line))


def complain(*lines: str) -> None:
    """Plain lines to stderr: faults, warnings, and what is going on."""
    for line in lines:
        print(_unbroken(line), file=sys.stderr)


def _unbroken(line: str) -> str:
    """Clean and on one line, with its own spacing."""
    return printable(line).replace("\n", " ")


def dump(document: Any) -> None:
    """One JSON document on one line. ASCII only: no byte of a ticket can reach a terminal as a command."""
    print(json.dumps(document, default=str), flush=True)


def dump_ticket(document: "TicketDocument | None") -> None:
    """One ticket, or null: byte for byte as `GET /v1/tickets/{id}` answers, and a line end."""
    from worker.http.tickets.documents import ticket_json

    print("null" if document is None else ticket_json(document), flush=True)


@contextmanager
def progress(what: str, total: int | None, *, quiet: bool = False) -> Iterator[Advance]:
    """A bar on stderr while stderr is a terminal; else nothing."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, note="": None  # noqa: ARG005 - the shape of Advance
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, note="")
        yield lambda done, note="": bar.update(task, completed=done, note=one_line(note))
