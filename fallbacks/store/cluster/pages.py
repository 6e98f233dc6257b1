"""Pages over shards: each gives the head of its own ranking, and the heads are merged."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from fallbacks.store.cluster.merging import Ranked, merged
from fallbacks.store.cluster.parts import Parts

KEPT_SECONDS = 60.0
MOST_KEPT = 256


async def inbox_page(
    parts: Parts, wanted: str | int, first: str | int, many: str | int, more: str | int
) -> tuple[int, list[str]]:
    """See `lua/inbox_page.lua`."""
    start, size = int(first), int(many)
    end, desc = start + size, bool(json.loads(str(wanted)).get("desc"))

    async def heads(places: Sequence[int], length: int) -> None:
        calls = (parts.shards[place].script("inbox_page", "", wanted, 0, length, more, "1") for place in places)
        for place, (total, ids, scores) in zip(places, await asyncio.gather(*calls), strict=True):
            totals[place], taken[place] = total, list(zip(ids, map(float, scores), strict=True))
            whole[place] = len(ids) < length or length >= end

    totals, taken, whole = dict[int, int](), dict[int, Ranked](), dict[int, bool]()
    await heads(range(len(parts.shards)), min(end, end // 16 + 4))
    while True:
        page = merged(taken.values(), desc=desc)[:end]
        last = page[-1] if len(page) == end and page else None
        short = [
            place for place, is_whole in whole.items() if not is_whole and _may_have_more(taken[place], last, desc)
        ]
        if not short:
            break
        await heads(short, end)
    return sum(totals.values()), [member for member, _ in page[start:]]


def _may_have_more(head: Ranked, last: tuple[str, float] | None, desc: bool) -> bool:
    """Whether what comes after this head may stand before the end of the page."""
    if last is None or not head:
        return True
    own, end = (head[-1][1], head[-1][0]), (last[1], last[0])
    return own > end if desc else own < end


async def next_item(
    parts: Parts, person: str | int, hold_ms: str | int, wanted: str | int, event: str | int, *skip: str | int
) -> str | None:
    """The first free item of all shards: each names its own, and the most urgent is taken where it is still free."""
    desc = bool(json.loads(str(wanted)).get("desc"))
    while True:
        found = await parts.each("next_item", person, hold_ms, wanted, "", *skip)
        free = [(float(one[1]), place) for place, one in enumerate(found) if one]
        if not free:
            return None
        _, place = max(free) if desc else min(free)
        if taken := await parts.shards[place].script("next_item", "", person, hold_ms, wanted, event, *skip):
            return str(taken)


@dataclass(slots=True)
class Pages:
    """Pages of one ranking, by rank. Where the page before was read lately, each shard goes on from where it ended."""

    _ends: dict[tuple[str, int], tuple[float, list[int]]] = field(default_factory=dict)

    async def ranked(self, parts: Parts, index: str, start: int, stop: int) -> Ranked:
        """(member, score), both ends included; negative ones count from the end."""
        if start < 0:
            found = merged(await asyncio.gather(*(one.ranked(index, start, -1) for one in parts.all)))[start:]
            return found[: len(found) + stop + 1] if stop < -1 else found
        begins, passed = self._begin(index, start, len(parts.all))
        if stop < 0:
            found = merged(await self._from(parts, index, begins, -1))[start - passed :]
            return found[: len(found) + stop + 1] if stop < -1 else found
        heads = await self._from(parts, index, begins, stop - passed)
        page = merged(heads)[: stop - passed + 1]
        members = {member for member, _ in page}
        ends = [begin + sum(member in members for member, _ in head) for begin, head in zip(begins, heads, strict=True)]
        self._keep((index, stop + 1), ends)
        return page[start - passed :]

    async def _from(self, parts: Parts, index: str, begins: Sequence[int], most: int) -> list[Ranked]:
        calls: list[Any] = [
            one.ranked(index, begin, begin + most if most >= 0 else -1)
            for one, begin in zip(parts.all, begins, strict=True)
        ]
        return list(await asyncio.gather(*calls))

    def _begin(self, index: str, start: int, shards: int) -> tuple[list[int], int]:
        """Where each shard begins, and how many are before that in all."""
        kept = self._ends.pop((index, start), None)
        if kept is None or monotonic() - kept[0] > KEPT_SECONDS:
            return [0] * shards, 0
        return kept[1], start

    def _keep(self, place: tuple[str, int], ends: list[int]) -> None:
        if len(self._ends) >= MOST_KEPT:
            self._ends.pop(next(iter(self._ends)))
        self._ends[place] = (monotonic(), ends)
