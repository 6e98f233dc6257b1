"""What `make bench` has measured, a line for each commit: kept, drawn, and compared with the one before.

Compared is the ratio to plain Celery in the same run: milliseconds are of a machine and of what else ran on it.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.plot import chart

FIGURES = Path(__file__).parent / "figures"
KEPT = FIGURES / "by-commit.jsonl"
SLOWER_FROM = 1.05
"""So much more than the commit before is a warning: medians of five pairs differ by less than that."""

Ratios = Mapping[str, Mapping[str, float]]
"""By characters of a ticket, then by rival: CPU of worker and store, in that of plain Celery's."""


def commit() -> str:
    """The one that is checked out; with a plus where files differ from it."""
    asked = ["git", "describe", "--always", "--abbrev=7", "--dirty=+", "--exclude=*"]
    return subprocess.run(asked, cwd=FIGURES, check=True, capture_output=True, text=True).stdout.strip()


def kept(file: Path = KEPT) -> list[dict[str, Any]]:
    """All that is kept, oldest first."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def keep(name: str, load: float, ratios: Ratios, file: Path = KEPT) -> None:
    """Write down what a commit has come to, in the place of what was kept of it, and draw all of them.

    load: of the machine, one minute's average before the run.
    """
    found = [one for one in kept(file) if one["commit"] != name]
    found.append({"commit": name, "load": round(load, 1), "ratios": ratios})
    file.write_text("".join(json.dumps(one) + "\n" for one in found))
    file.with_suffix(".svg").write_text(drawn(found))


def drawn(found: Sequence[Mapping[str, Any]]) -> str:
    """The ratios against the commits, in order: an SVG."""
    series: dict[str, list[tuple[float, float]]] = {}
    for number, one in enumerate(found, 1):
        for chars, by_rival in one["ratios"].items():
            for rival, ratio in by_rival.items():
                series.setdefault(f"{rival}, {chars}", []).append((number, ratio))
    commits = " ".join(one["commit"] for one in found)
    title = "CPU of a ticket, worker and store, in that of plain Celery threads"
    return chart(title, f"measured commits, oldest first: {commits}", "ratio to plain Celery", series)


def slower(ratios: Ratios, before: Ratios) -> list[str]:
    """Where a ratio is worse than it was, in words."""
    return [
        f"WARNING: slower than before: {rival} at {chars} characters, {then} -> {by_rival[rival]} of plain Celery"
        for chars, by_rival in ratios.items()
        for rival, then in before.get(chars, {}).items()
        if rival in by_rival and by_rival[rival] > SLOWER_FROM * then
    ]
