"""Geometry of the server-drawn charts: numbers in, rectangles out. Templates write them as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar in a chart's own units. label: what stands below it, "" for none. value: what it says, in words."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: str


def bars(
    values: Sequence[tuple[str, float, str]],
    *,
    width: float,
    height: float,
    gap: float = 0.25,
) -> list[Bar]:
    """Upright bars for (label, amount, value in words), scaled to the largest."""
    if not values:
        return []
    largest = max(1e-12, *(amount for _, amount, _ in values))
    slot = width / len(values)
    found: list[Bar] = []
    for place, (label, amount, said) in enumerate(values):
        tall = round(max(amount / largest * height, 1.5 if amount else 0), 2)
        x = round(place * slot + slot * gap / 2, 2)
        found.append(Bar(x, round(height - tall, 2), round(slot * (1 - gap), 2), tall, label, said))
    return found
