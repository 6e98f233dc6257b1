"""The tables at the end of `make chaos`."""

from collections import Counter
from collections.abc import Sequence

from tests.chaos.campaign import Result
from tests.chaos.verdict import HEADS


def verdicts_table(results: Sequence[tuple[str, Result]]) -> str:
    """A line for each campaign; every count must be 0."""
    heads = ("stage", "seed", "tickets", *HEADS, "seconds", "to rest")
    lines = [
        (
            *(stage, result.seed, result.tickets),
            *(len(found) for found in result.verdict.found.values()),
            *(f"{result.seconds:.0f}", f"{result.recovery_seconds:.0f}"),
        )
        for stage, result in results
    ]
    return _table(heads, lines)


def faults_table(results: Sequence[Result]) -> str:
    """A line for each kind of fault: how often it struck, and what was on its way then, all campaigns together."""
    struck = sum((result.faults for result in results), Counter[str]())
    loads: dict[str, Counter[str]] = {}
    for result in results:
        for kind, load in result.loads.items():
            loads.setdefault(kind, Counter()).update(load)
    lines = [
        (kind, count, *(loads.get(kind, Counter())[state] for state in ("queued", "running", "parked")))
        for kind, count in sorted(struck.items())
    ]
    return _table(("fault", "struck", "queued", "running", "parked"), lines)


def _table(heads: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    rows = [heads, *(tuple(map(str, line)) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
