"""No script stops half way: whatever it cannot do, it refuses before its first write.

Each script is called once as it should be, on a server with something of everything. Then it is called again, each time
from the same beginning, with each of its numbers at its limits, with each key that it writes kept in another way, and
with each number that it counts up at its limit. Either it does all of its work, or it fails and every key is as it was.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from fallbacks.store import keys
from tests.fallbacks.store.script_bench import Bench, contents, play, restored, whole
from tests.fallbacks.store.script_calls import CALLS, OTHERS, READERS, Call

LIMITS = (2**53, 2**63 - 1, 2**63, 10**18, 10**30, -(2**53), -(2**63), 1.5)
"""Beyond what a script counts exactly; what Redis's own arithmetic overflows at; and no whole number."""

LUA = Path(__file__).parents[3] / "fallbacks/store/lua"


def test_every_script_that_writes_is_tried_here() -> None:
    assert {path.stem for path in LUA.glob("*.lua")} - OTHERS == {call.script for call in CALLS}
    for name in READERS:
        assert not {"HSET", "HINCRBY", "ZADD", "RPUSH", "DEL", "SET"} & set(
            (LUA / f"{name}.lua").read_text().split("'")
        )


def numbers(arg: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a header has numbers."""
    if isinstance(arg, dict):
        for name, value in arg.items():
            yield from numbers(value, (*place, name))
    elif isinstance(arg, list):
        for index, value in enumerate(arg):
            yield from numbers(value, (*place, index))
    elif isinstance(arg, int) and not isinstance(arg, bool):
        yield place


def with_number(arg: Any, place: tuple[Any, ...], value: float) -> Any:
    if not place:
        return value
    changed = dict(arg) if isinstance(arg, dict) else list(arg)
    changed[place[0]] = with_number(arg[place[0]], place[1:], value)
    return changed


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_number_at_its_limits_stops_no_script_half_way(valkey_url: str, call: Call) -> None:
    async def story(bench: Bench) -> None:
        for index, arg in enumerate(bench.call.args):
            for place in numbers(arg):
                for value in LIMITS:
                    args = list(bench.call.args)
                    args[index] = with_number(arg, place, value)
                    changed = Call(bench.call.script, bench.call.ticket_id, tuple(args))
                    if await whole(bench, changed, f"{value} at {(index, *place)}"):
                        await restored(bench.store)

    play(valkey_url, call, story)


async def written(bench: Bench) -> dict[str, bool]:
    """The keys that the call writes when all is well, and whether it only takes something out of them."""
    before = await contents(bench.store)
    await bench.call.run(bench.store)
    after = await contents(bench.store)
    await restored(bench.store)
    found = [dict(zip(flat[::3], zip(flat[1::3], flat[2::3], strict=True), strict=True)) for flat in (before, after)]
    nothing = ("zset ", 0)
    return {
        name.removeprefix(bench.store.prefix): then[0].startswith("zset") and len(then[0]) < len(now[0])
        for name in found[0] | found[1]
        if (now := found[0].get(name, nothing)) != (then := found[1].get(name, nothing))
    }


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_key_of_another_type_stops_no_script_half_way(valkey_url: str, call: Call) -> None:
    async def story(bench: Bench) -> None:
        touched = await written(bench)
        assert touched
        for name, left in touched.items():
            own = f"{bench.store.prefix}{name}"
            right = next(key.type for key in reversed(keys.KEYS) if fnmatchcase(name, key.pattern))
            await bench.store.redis.delete(own)
            await getattr(bench.store.redis, "rpush" if right is keys.Type.TEXT else "set")(own, "spoilt")
            done = await whole(bench, bench.call, f"{name} of another type")
            assert not done or left or is_counted(name) or bench.call.of_many or name.startswith(FREE), name
            await restored(bench.store)

    play(valkey_url, call, story)


def is_counted(name: str) -> bool:
    """Figures for people: what cannot count them works on."""
    return name == keys.METERS or name.startswith(keys.figures(""))


FREE = (
    "breaker:",
    "alert:step_limit:tickets",
    "out:",
    "answer:",
    "thread:",
    "effects:",
    "t:decided",
    "j:decided",
    "session:",
    "sessions:",
    "token:",
    "touched",
    "line",
    "shares",
)
"""Keys that a script may delete, or set anew, whatever they hold."""


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_counter_at_its_limit_stops_no_script_half_way(valkey_url: str, call: Call) -> None:
    async def story(bench: Bench) -> None:
        for name in await written(bench):
            own = f"{bench.store.prefix}{name}"
            if await bench.store.redis.type(own) != "hash":
                continue
            for field, value in (await bench.store.redis.hgetall(own)).items():
                if not value.lstrip("-").isdigit():
                    continue
                for spoilt in (str(2**63 - 1), str(-(2**63)), "none"):
                    await bench.store.redis.hset(own, field, spoilt)
                    await whole(bench, bench.call, f"{spoilt} in {field} of {name}")
                    await restored(bench.store)

    play(valkey_url, call, story)
