"""Answers of many shards as one: sums, and rankings merged by score."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Ranked = list[tuple[str, float]]


def summed(hashes: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Counters of each shard, as the whole's. What is no whole number is nobody's sum, and left out."""
    total = Counter[str]()
    for one in hashes:
        for name, value in one.items():
            if value.removeprefix("-").isdecimal():
                total[name] += int(value)
    return {name: str(value) for name, value in total.items()}


def by_place(rows: Sequence[Sequence[int]]) -> list[int]:
    """Figures of each shard, added up."""
    return [sum(column) for column in zip(*rows, strict=True)]


def merged(found: Iterable[Ranked], *, desc: bool = False) -> Ranked:
    """As one server ranks: by score, then by name."""
    return sorted((pair for one in found for pair in one), key=lambda pair: (pair[1], pair[0]), reverse=desc)


def newest_lines(lists: Iterable[Sequence[str]], start: int, stop: int) -> list[str]:
    """Lines that carry `at`, newest first in each list; a slice, both ends included."""
    lines = sorted((line for one in lists for line in one), key=lambda line: -float(json.loads(line)["at"]))
    return lines[start : None if stop == -1 else stop + 1]


def since(answers: Sequence[Sequence[Any]], most: int) -> list[list[Any]]:
    """Of each index {size, score of its first member, members and scores}; see `lua/since.lua`."""
    found = list[list[Any]]()
    for of_index in zip(*answers, strict=True):
        firsts = [first for _, first, _ in of_index if first != ""]
        rows = merged(list(zip(flat[::2], map(float, flat[1::2]), strict=True)) for _, _, flat in of_index)[:most]
        first = min(firsts, key=float) if firsts else ""
        found.append([sum(size for size, _, _ in of_index), first, [part for row in rows for part in row]])
    return found


def audit_sums(answers: Sequence[Sequence[Any]]) -> list[Any]:
    """See `lua/audit_sums.lua`. The moment is the earliest; each shard is balanced in its own."""
    nows, sizes, dues, inboxes, counters, days, alerts, moved = zip(*answers, strict=True)
    counted = summed(dict(zip(flat[::2], flat[1::2], strict=True)) for flat in counters)
    motion = None if any(one is None for one in moved) else [row for one in moved for row in one]
    return [
        min(nows, key=int),
        by_place(sizes),
        sum(dues),
        sum(inboxes),
        [part for pair in counted.items() for part in pair],
        _days(days),
        _alerts(alerts),
        motion,
    ]


def _days(lists: Iterable[Sequence[str]]) -> list[str]:
    """The cap of a day is the highest that held, none where there was none in some shard; what was counted by source is
    nothing where no shard did.
    """
    days = dict[str, tuple[int, int, str, str, str]]()
    for flat in lists:
        for day, spent, reserved, cap, *by_source in zip(*[iter(flat)] * 6, strict=True):
            had = days.get(day)
            highest = cap if had is None else "" if not (cap and had[2]) else max(cap, had[2], key=int)
            sourced, sources = (_added(*pair) for pair in zip(had[3:] if had else ("", ""), by_source, strict=True))
            total = (int(spent) + (had[0] if had else 0), int(reserved) + (had[1] if had else 0))
            days[day] = (*total, highest, sourced, sources)
    return [str(part) for day in sorted(days, key=int, reverse=True) for part in (day, *days[day])]


def _added(one: str, other: str) -> str:
    return str(int(one or 0) + int(other or 0)) if one or other else ""


def _alerts(lists: Iterable[Sequence[Any]]) -> list[Any]:
    """How many wait to be sent; due where every shard that has some is."""
    found = dict[str, tuple[int, bool]]()
    for flat in lists:
        for reason, count, due in zip(*[iter(flat)] * 3, strict=True):
            had, is_due = found.get(reason, (0, True)), int(count) == 0 or due == "1"
            found[reason] = (had[0] + int(count), had[1] and is_due)
    return [part for reason, (count, due) in found.items() for part in (reason, str(count), "1" if due else "0")]
