"""`make bench`: ours against plain Celery with the official SDK, alternating in one run, same tickets and servers.

Three model calls and two tool calls a ticket, tickets of three sizes. Prints tables, and a warning where a ticket costs
more than at the last commit whose figures are kept; writes bench.json and two plots to tests/artifacts/.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.bench import by_commit
from tests.bench.fair import FLOOD, fair_part
from tests.bench.history_sql import ENGINES, measure_all
from tests.bench.model_server import ONE_STEP
from tests.bench.plot import chart, png
from tests.bench.rivals import Deskhand, DeskhandThreads, DeskhandTwoTools, Naive, Rival, pools
from tests.bench.rounds import CHARS, Kind, Measure, bench, medians
from tests.bench.tickets import SIZES

ARTIFACTS = Path(__file__).parents[1] / "artifacts"
SLOTS = 32
WAITING = (250, 500, 1000, 2000)
PROCESSES = 2
"""Workers of the in-flight part: one a core."""

POOL_SLOTS = 1000
COMPARED: tuple[type[Rival], ...] = (Naive, Deskhand, DeskhandTwoTools)
"""In each repeat, one after the other."""

SHOWN = (
    "tickets_per_second", "worker_ms", "store_ms", "total_ms", "model_ms", "pss_mib", "in_flight", "in_flight_per_gib",
    "store_trips", "store_bytes", "store_grows",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--tickets", type=int, default=1000, help="in each round of the CPU part")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--ended", type=int, default=5000, help="tickets of the history part; it has a size of its own")
    parser.add_argument("--waiting", type=int, nargs="*", default=WAITING, help="slots of each in-flight round")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="characters of a ticket")
    parser.add_argument(
        "--keep", action="store_true", help="keep the ratios under this commit, and draw all that are kept"
    )
    parser.add_argument("--flood", type=int, default=FLOOD, help="tickets of one source while another sends a hundred")
    options = parser.parse_args()
    load = os.getloadavg()
    say(f"load average before: {load}; {os.cpu_count()} cores")
    report: dict[str, Any] = {"load_average": load, "cores": os.cpu_count()}
    report["cpu"] = {str(chars): cpu_part(options.tickets, options.repeats, chars) for chars in options.sizes}
    if str(CHARS) in report["cpu"]:
        report["step"] = step_part(options.tickets, report["cpu"][str(CHARS)]["median"]["deskhand"])
    if options.waiting:
        report["matrix"] = matrix_part(options.tickets, options.repeats)
        report["in_flight"] = in_flight_part(options.waiting)
        report["pools"] = pool_part(POOL_SLOTS)
    if options.flood:
        report["fair"] = fair_part(options.flood)
    if options.ended:
        measure_all(sorted(ENGINES), options.ended)
    report["load_average_after"] = os.getloadavg()
    say(f"load average after: {os.getloadavg()}")
    ARTIFACTS.mkdir(exist_ok=True)
    (ARTIFACTS / "bench.json").write_text(json.dumps(report, indent=1) + "\n")
    compare({chars: part["ratios"] for chars, part in report["cpu"].items()}, load[0], keep=options.keep)


def compare(ratios: by_commit.Ratios, load: float, *, keep: bool) -> None:
    """With the last commit before this one whose figures are kept."""
    name = by_commit.commit()
    before = [one for one in by_commit.kept() if one["commit"] != name]
    if before:
        say(*(by_commit.slower(ratios, before[-1]["ratios"]) or [f"not slower than {before[-1]['commit']}"]))
    if keep:
        by_commit.keep(name, load, ratios)


def cpu_part(count: int, repeats: int, chars: int) -> dict[str, Any]:
    """A model that answers at once: what a ticket costs. ratios: to plain Celery, of the medians."""
    found = _rounds(COMPARED, count, repeats, chars)
    median = medians(found)
    table(f"CPU: {count} tickets of {chars} characters, {SLOTS} slots; medians of {repeats}", median)
    theirs = [one.total_ms for one in found if one.rival == Naive.name]
    ratios, pairs = dict[str, float](), dict[str, list[float]]()
    for rival in list(median)[1:]:
        ours = [one.total_ms for one in found if one.rival == rival]
        pairs[rival] = [round(mine / their, 3) for mine, their in zip(ours, theirs, strict=True)]
        ratios[rival] = round(median[rival]["total_ms"] / median[Naive.name]["total_ms"], 3)
        say(f"{rival} to plain Celery, worker and store: {ratios[rival]} (pairs: {pairs[rival]})")
    return {"rounds": [asdict(one) for one in found], "median": median, "ratios": ratios, "pair_ratios": pairs}


def matrix_part(count: int, repeats: int) -> dict[str, Any]:
    """Plain Celery in each of its pools, and ours. Solo works one ticket at a time, whatever the slots."""
    found = _rounds((*pools(), DeskhandThreads, Deskhand), count, repeats, CHARS)
    table(f"Pools: {count} tickets of {CHARS} characters, {SLOTS} slots; medians of {repeats}", medians(found))
    return {"rounds": [asdict(one) for one in found]}


def _rounds(kinds: Sequence[Kind], count: int, repeats: int, chars: int) -> list[Measure]:
    found: list[Measure] = []
    with bench("none") as servers:
        for repeat in range(repeats):
            found += [servers.round(kind, count, SLOTS, f"{n}-{repeat}", chars=chars) for n, kind in enumerate(kinds)]
            each = ", ".join(f"{one.rival} {one.total_ms}" for one in found[-len(kinds) :])
            say(f"{chars} characters, {repeat + 1} of {repeats}, ms a ticket: {each}")
    return found


def step_part(count: int, three: dict[str, float]) -> dict[str, float]:
    """What one more step costs: the difference between tickets of three steps and of one."""
    with bench("none", ONE_STEP) as servers:
        one = asdict(servers.round(Deskhand, count, SLOTS, "one-step"))
    names = ("worker_ms", "store_ms", "store_trips", "store_bytes", "store_grows")
    found = {name: round((three[name] - one[name]) / 2, 2) for name in names}
    say(f"one more step of ours: {found}")
    return found


def in_flight_part(slots: Sequence[int]) -> dict[str, Any]:
    """A model that takes two seconds: how many tickets wait in how much memory, and how many end in a second."""
    found: list[Measure] = []
    with bench("2") as servers:
        for count in slots:
            for kind in (Naive, Deskhand):
                found.append(servers.round(kind, 3 * count, count, f"{kind.__name__}-{count}", PROCESSES))
                say(f"{found[-1].rival}, {count} slots: {found[-1].tickets_per_second}/s in {found[-1].pss_mib} MiB")
    for count in slots:
        table(
            f"In flight: {count} slots, {PROCESSES} workers, two seconds a call",
            medians([one for one in found if one.slots == count]),
        )
    for name, label in (("tickets_per_second", "tickets a second"), ("pss_mib", "memory of the worker, MiB (PSS)")):
        series = {rival: _points(found, rival, name) for rival in ("deskhand", "naive celery")}
        title = f"{label[0].upper()}{label[1:]} against tickets in flight"
        png(chart(title, "tickets in flight, each waiting on a call of 2 s", label, series), ARTIFACTS / f"{name}.png")
    return {"rounds": [asdict(one) for one in found]}


def pool_part(slots: int) -> dict[str, Any]:
    """The same worker in our pool and in Celery's threads."""
    with bench("2") as servers:
        found = [servers.round(kind, 3 * slots, slots, kind.__name__) for kind in (Deskhand, DeskhandThreads)]
    table(f"Our pool and threads: {slots} slots, one worker, two seconds a call", medians(found))
    return {"rounds": [asdict(one) for one in found]}


def table(title: str, by_rival: dict[str, dict[str, float]]) -> None:
    """One line a number, one column a rival."""
    say(f"\n{title}", f"{'':20}" + "".join(f"{rival:>22}" for rival in by_rival))
    for name in SHOWN:
        say(f"{name:20}" + "".join(f"{values[name]:>22g}" for values in by_rival.values()))


def _points(found: Sequence[Measure], rival: str, name: str) -> list[tuple[float, float]]:
    return [(one.in_flight, getattr(one, name)) for one in found if one.rival == rival]


def say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
