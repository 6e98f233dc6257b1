"""Scripts about many tickets: run in every shard, or in those that have some, and merged."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from fallbacks.store import keys
from fallbacks.store.cluster import merging
from fallbacks.store.cluster.pages import inbox_page, next_item
from fallbacks.store.cluster.parts import Parts
from fallbacks.store.cluster.reads import NOW, read_reachable, servers

FEW = 8
"""Rows that are read one by one: a script in each of their shards is dearer."""

KNOWN_SERVER = ("HMGET", keys.GENERATION, "id", "n")


async def _renew(parts: Parts, owner: str | int, lease_ms: str | int, *pairs: str | int) -> list[str]:
    shares = parts.shared_out(pairs, 2)
    calls = (parts.shards[place].script("renew", "", owner, lease_ms, *share) for place, share in shares.items())
    answers = await asyncio.gather(*calls, return_exceptions=True)  # a node that is away ends no lease on another
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [one for answer in answers if not isinstance(answer, BaseException) for one in answer]


async def _take_back(parts: Parts, owner: str | int) -> list[str]:
    return _chained(await parts.each("take_back", owner))


async def _take_outbox(parts: Parts, limit: str | int, hide_ms: str | int) -> list[Any]:
    due = await parts.read_reachable(("ZCOUNT", keys.OUTBOX, "-inf", NOW))
    having = [shard for shard, (many,) in due if many]
    return _chained(await parts.in_those(having, "take_outbox", max(1, int(limit) // 8), hide_ms))


async def _rows(parts: Parts, count: str | int, *rest: str | int) -> list[list[str | None]]:
    fields, ids = rest[: int(count)], rest[int(count) :]
    if len(ids) <= FEW:
        asked = (parts.of(str(one)).command("HMGET", keys.ticket(str(one)), *fields) for one in ids)
        return list(await asyncio.gather(*asked))
    shares = parts.shared_out(ids)
    calls = (parts.shards[place].script("rows", "", count, *fields, *share) for place, share in shares.items())
    found = dict[str | int, list[str | None]]()
    for share, answer in zip(shares.values(), await asyncio.gather(*calls), strict=True):
        found |= zip(share, answer, strict=True)
    return [found[one] for one in ids]


async def _wake(parts: Parts, reason: str | int, *ids: str | int) -> int:
    shares = parts.shared_out(ids)
    calls = (parts.shards[place].script("wake", "", reason, *share) for place, share in shares.items())
    return sum(await asyncio.gather(*calls))


async def _since(parts: Parts, most: str | int, *asked: str | int) -> list[list[Any]]:
    return merging.since(await parts.each("since", most, *asked), int(most))


async def _inbox_counts(parts: Parts, within: str | int) -> list[int]:
    return merging.by_place(await parts.each("inbox_counts", within))


async def _repair_day(parts: Parts, *args: str | int) -> list[int] | None:
    answers = await parts.each("repair_day", *args)
    return None if None in answers else merging.by_place([[int(part) for part in one] for one in answers])


async def _audit_sums(parts: Parts, *args: str | int) -> list[Any]:
    return merging.audit_sums(await parts.each("audit_sums", *args, home=True))


async def _walked(parts: Parts, cursor: str | int, page: Callable[[Any, str], Awaitable[Any]]) -> tuple[str, list[Any]]:
    """The next page of every shard that has more; the cursor says where each stands."""
    places = dict.fromkeys(range(len(parts.shards)), "0") if str(cursor) == "0" else json.loads(str(cursor))
    numbers = [int(number) for number in places]
    answers = await asyncio.gather(
        *(page(parts.shards[number], str(at)) for number, at in zip(numbers, places.values(), strict=True))
    )
    more = {number: answer[0] for number, answer in zip(numbers, answers, strict=True) if str(answer[0]) != "0"}
    return json.dumps(more) if more else "0", answers


async def _audit_page(parts: Parts, cursor: str | int, count: str | int, *args: str | int) -> list[Any]:
    few = max(20, int(count) // 16)
    after, answers = await _walked(parts, cursor, lambda one, at: one.script("audit_page", "", at, few, *args))
    _, spent, problems, done, still_open, astray = zip(*answers, strict=True)
    return [after, _chained(spent), _chained(problems), sum(done), sum(still_open), sum(astray)]


async def _audit_index(parts: Parts, index: str | int, cursor: str | int, *args: str | int) -> list[Any]:
    after, answers = await _walked(parts, cursor, lambda one, at: one.script("audit_index", "", index, at, *args))
    return [after, _chained(strays for _, strays in answers)]


async def _family(parts: Parts, pattern: str | int, cursor: str | int, *args: str | int) -> list[Any]:
    everywhere = Parts(parts.home, parts.all)
    after, answers = await _walked(everywhere, cursor, lambda one, at: one.script("family", "", pattern, at, *args))
    return [after, _chained(found for _, found in answers)]


async def _forget(parts: Parts, *names: str | int) -> int:
    return sum(await parts.each("forget", *names, home=True))


async def _redeliver(parts: Parts, message_id: str | int) -> str | None:
    return next((one for one in await parts.each("redeliver", message_id) if one), None)


async def _leaving_read(
    parts: Parts, state: str | int, rested_ms: str | int, offset: str | int, limit: str | int
) -> Any:
    """Those of the first shard, then of the next: so the offset is of the ledger."""
    index, until = keys.in_state(str(state)), await parts.home.now_ms() - int(rested_ms)
    counts = await parts.read(("ZCOUNT", index, "-inf", until))
    start, left, calls = int(offset), int(limit), []
    for shard, (count,) in zip(parts.shards, counts, strict=True):
        take = min(left, max(0, count - start))
        if take:
            calls.append(shard.script("leaving_read", "", state, rested_ms, start, take))
        start, left = max(0, start - count), left - take
    return _chained(await asyncio.gather(*calls))


async def _leaving_drop(parts: Parts, state: str | int, remembered_ms: str | int, *rows: str | int) -> list[str]:
    shares = parts.shared_out(rows, 3)
    calls = (
        parts.shards[place].script("leaving_drop", "", state, remembered_ms, *share) for place, share in shares.items()
    )
    went = _chained(await asyncio.gather(*calls))
    requester = dict(zip(rows[::3], rows[2::3], strict=True))
    gone = [(requester[one], one) for one in went if requester[one]]
    await asyncio.gather(
        *(
            parts.of(keys.requester(str(who))).script("relist", "", keys.requester(str(who)), one, "")
            for who, one in gone
        )
    )
    return went


async def _escalate(parts: Parts, *args: str | int) -> int:
    found = await parts.read(("ZCOUNT", keys.INBOX, "-inf", NOW), ("ZRANGE", keys.INBOX, 0, 0, "WITHSCORES"))
    late = sum(count for count, _ in found)
    oldest = min((float(head[1]), head[0]) for _, head in found if head)[1] if late else ""
    return int(await parts.home.script("escalate", "", *args, late, oldest))


async def _generation(parts: Parts, forgot: str | int, *alert: str | int) -> list[Any]:
    """Of the shard with most failovers; new where one was noticed now. Asked are those whose server is not the one that
    they know: where that one lives, as master of others, the shard was moved.
    """
    here, kept = await asyncio.gather(servers(parts.all), read_reachable(parts.all, KNOWN_SERVER))
    masters = " ".join(sorted({*here.values()}))
    asked = [one for one, ((known, _),) in kept if int(forgot) or (one.name in here and here[one.name] != known)]
    answers = await parts.in_those(asked, "generation", forgot, *alert, masters)
    numbers = [int(number or 1) for _, ((_, number),) in kept] + [int(number) for number, _, _ in answers]
    return [max(numbers), max((new for _, new, _ in answers), default="0"), sum(int(taken) for *_, taken in answers)]


def _chained(lists: Any) -> list[Any]:
    return [part for one in lists for part in one]


SCRIPTS: dict[str, Callable[..., Awaitable[Any]]] = {
    "audit_index": _audit_index,
    "audit_page": _audit_page,
    "audit_sums": _audit_sums,
    "escalate": _escalate,
    "family": _family,
    "forget": _forget,
    "generation": _generation,
    "inbox_counts": _inbox_counts,
    "inbox_page": inbox_page,
    "leaving_drop": _leaving_drop,
    "leaving_read": _leaving_read,
    "next_item": next_item,
    "redeliver": _redeliver,
    "renew": _renew,
    "repair_day": _repair_day,
    "rows": _rows,
    "since": _since,
    "take_back": _take_back,
    "take_outbox": _take_outbox,
    "wake": _wake,
}
"""By name: what is called with the parts and the script's arguments."""
