"""Line charts of measurements: SVG by hand, PNG by the browser that the tests use. No plotting library."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from tests.services.browser import open_browser

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 84, 24, 76, 58
"""Margins around the plotted area, pixels."""

COLOURS = ("#1f5fbf", "#c2410c", "#15803d", "#7e22ce", "#0e7490", "#a16207")
"""Told apart on white by people of any colour vision; each series has a marker shape of its own too."""

TICKS = 6

Series = Mapping[str, Sequence[tuple[float, float]]]


def chart(title: str, x_label: str, y_label: str, series: Series, log_x: bool = False) -> str:
    """One SVG line chart; the y axis starts at 0. log_x: powers of ten on x, which must then be above 0.

    Raises `ValueError` without points.
    """
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    if not xs:
        raise ValueError("nothing to plot")
    x_axis = _log_axis(xs) if log_x else _Axis(LEFT, WIDTH - RIGHT, _ticks(min(0.0, *xs), max(xs)))
    y_axis = _Axis(HEIGHT - BOTTOM, TOP, _ticks(min(0.0, *ys), max(ys)))
    parts = [
        _text(LEFT, 26, title, "start", 17, weight=600),
        *_legend(list(series)),
        *_x_grid(x_axis),
        *_y_grid(y_axis),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, x_label),
        f'<g transform="translate(20 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)">{_text(0, 0, y_label)}</g>',
    ]
    for number, points in enumerate(series.values()):
        parts += _line(number, [(x_axis.at(x), y_axis.at(y)) for x, y in sorted(points)])
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>', *parts, "</svg>\n"])


def png(svg: str, path: Path) -> None:
    """Draw a chart into a file, two device pixels a pixel. Raises `ServiceMissing` where no Chromium is installed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=2)
        page.set_content(f'<body style="margin:0">{svg}</body>')
        page.screenshot(path=path)


@dataclass(frozen=True, slots=True)
class _Axis:
    """From values to pixels. start / end: pixels of the first and the last tick."""

    start: float
    end: float
    ticks: Sequence[float]
    log: bool = False

    def at(self, value: float) -> float:
        first, last, value = (math.log10(v) if self.log else v for v in (self.ticks[0], self.ticks[-1], value))
        return round(self.start + (value - first) / (last - first) * (self.end - self.start), 2)


def _log_axis(values: Sequence[float]) -> _Axis:
    """Ticks at 1, 3 and 10 of each decade, from the one at or below the least to the one at or above the greatest."""
    decades = range(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))) + 1)
    ticks = [step * 10.0**decade for decade in decades for step in (1, 3)]
    first = max(index for index, tick in enumerate(ticks) if tick <= min(values) or index == 0)
    last = min(index for index, tick in enumerate(ticks) if tick >= max(values) and index > first)
    return _Axis(LEFT, WIDTH - RIGHT, ticks[first : last + 1], log=True)


def _ticks(least: float, most: float) -> list[float]:
    """Round numbers that span both, about six."""
    rough = (most - least or 1.0) / (TICKS - 1)
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough)
    last = max(math.ceil(most / step), math.floor(least / step) + 1)
    return [step * number for number in range(math.floor(least / step), last + 1)]


def _x_grid(axis: _Axis) -> list[str]:
    lines = [_rule(axis.at(tick), TOP, axis.at(tick), HEIGHT - BOTTOM) for tick in axis.ticks]
    return lines + [_text(axis.at(tick), HEIGHT - BOTTOM + 20, _number(tick)) for tick in axis.ticks]


def _y_grid(axis: _Axis) -> list[str]:
    lines = [_rule(LEFT, axis.at(tick), WIDTH - RIGHT, axis.at(tick)) for tick in axis.ticks]
    return lines + [_text(LEFT - 8, axis.at(tick) + 4, _number(tick), "end") for tick in axis.ticks]


def _legend(names: Sequence[str]) -> list[str]:
    parts, x = [], float(LEFT)
    for number, name in enumerate(names):
        parts += [*_line(number, [(x, 50), (x + 24, 50)]), _text(x + 32, 54, name, "start")]
        x += 60 + 7.2 * len(name)
    return parts


def _line(number: int, points: Sequence[tuple[float, float]]) -> list[str]:
    colour = COLOURS[number % len(COLOURS)]
    path = " ".join(f"{x:g},{y:g}" for x, y in points)
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *(_marker(number, x, y, colour) for x, y in points),
    ]


def _marker(number: int, x: float, y: float, colour: str) -> str:
    if number % 3 == 0:
        return f'<circle cx="{x:g}" cy="{y:g}" r="4" fill="{colour}"/>'
    turned = f' transform="rotate(45 {x:g} {y:g})"' if number % 3 == 2 else ""
    return f'<rect x="{x - 3.5:g}" y="{y - 3.5:g}" width="7" height="7" fill="{colour}"{turned}/>'


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="#d9dde3"/>'


def _text(x: float, y: float, words: str, anchor: str = "middle", size: int = 13, weight: int = 400) -> str:
    where = f'x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}"'
    return f'<text {where} fill="#1f2733">{escape(words)}</text>'


def _number(value: float) -> str:
    """1,500 / 30k / 2M / 0.25 as a tick says it."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= unit:
            return f"{value / min(unit, 1e3 if name == 'k' else unit):g}{name}"
    return f"{value:,.6g}" if value == int(value) else f"{value:.4g}"
