"""Boxes of names and what they are for, as Rich draws them for the help of a single command."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

PLAIN = str.maketrans("╭╮╰╯│─", "++++|-")
"""For a stream that does not know these characters."""

Rows = Sequence[tuple[str, str]]


def drawn(boxes: Mapping[str, Rows]) -> Iterator[str]:
    """Lines: a box for each title, as wide as the terminal, all names in columns of one width."""
    width = shutil.get_terminal_size().columns
    widest = max(len(name) for rows in boxes.values() for name, _ in rows)
    knows = "utf" in (sys.stdout.encoding or "").lower()
    for title, rows in boxes.items():
        for line in _box(title, rows, width, widest):
            yield line if knows else line.translate(PLAIN)


def _box(title: str, rows: Rows, width: int, widest: int) -> Iterator[str]:
    room = max(20, width - widest - 6)
    edge = widest + room + 4
    yield f"╭─ {title} {'─' * (edge - len(title) - 3)}╮"
    for name, text in rows:
        for index, line in enumerate(wrap(text, room) or [""]):
            shown = _bold((name if index == 0 else "").ljust(widest))
            yield f"│ {shown}  {line.ljust(room)} │"
    yield f"╰{'─' * edge}╯"


def _bold(text: str) -> str:
    """Typer takes it out again where no terminal reads."""
    return text if "NO_COLOR" in os.environ else f"\x1b[1;36m{text}\x1b[0m"
