"""A flame graph as one small SVG, from stacks as py-spy writes them (`record --format raw`): what is rare is left out.

`python -m tests.bench.flame STACKS SVG --milliseconds 8.3`: so much CPU a ticket takes; each box says its share of it.
"""

import argparse
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

WIDTH, ROW, LEAST = 1200, 15, 0.006
"""Pixels; and the share of all samples from which on a box is drawn."""

_COLOURS = {"tasks/": "#8fc79a", "fallbacks/": "#e8b86d", "worker/": "#7fb2e5"}
_OTHER = "#d5d9df"
_LETTER = 6.0


@dataclass(slots=True)
class Box:
    """A function, called from the one below it. samples: with all that it called."""

    samples: int = 0
    above: dict[str, "Box"] = field(default_factory=dict)


def grown(lines: Iterable[str]) -> Box:
    """The tree of stacks, from lines like `main (a.py:1);work (b.py:7) 12`; line numbers are left out."""
    root = Box()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        box = root
        box.samples += int(count)
        for name in re.sub(r":\d+\)", ")", stack).split(";"):
            box = box.above.setdefault(name, Box())
            box.samples += int(count)
    return root


def drawn(root: Box, milliseconds: float) -> str:
    """An SVG, the first callers below."""
    boxes = list(_placed(root, root.samples, 0.0, 0))
    height = ROW * (2 + max((level for *_, level in boxes), default=0))
    parts = [_rect(name, x, height - ROW * (level + 1), share, milliseconds) for name, x, share, level in boxes]
    size = f'viewBox="0 0 {WIDTH} {height}" font-family="monospace" font-size="10"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>', *parts, "</svg>\n"])


def _placed(box: Box, whole: int, x: float, level: int) -> Iterator[tuple[str, float, float, int]]:
    for name, above in sorted(box.above.items()):
        if above.samples >= LEAST * whole:
            yield name, x, above.samples / whole, level
            yield from _placed(above, whole, x, level + 1)
            x += above.samples / whole


def _rect(name: str, x: float, y: float, share: float, milliseconds: float) -> str:
    colour = next((colour for path, colour in _COLOURS.items() if f"({path}" in name), _OTHER)
    left, width = round(x * WIDTH, 1), round(share * WIDTH, 1)
    place = f'x="{left}" y="{y}" width="{width}" height="{ROW - 1}"'
    title = f"<title>{escape(name)}: {share * milliseconds:.2f} ms</title>"
    said = escape(name.partition(" ")[0][: int(width / _LETTER)])
    text = f'<text x="{left + 2}" y="{y + ROW - 4}">{said}</text>' if len(said) > 2 else ""
    return f'<g>{title}<rect {place} fill="{colour}"/>{text}</g>'


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.flame", description=__doc__)
    parser.add_argument("stacks", type=Path)
    parser.add_argument("svg", type=Path)
    parser.add_argument("--milliseconds", type=float, required=True)
    options = parser.parse_args()
    root = grown(options.stacks.read_text().splitlines())
    options.svg.write_text(drawn(root, options.milliseconds))


if __name__ == "__main__":
    main()
