"""No script stops half way: whatever it cannot do, it refuses before its first write.

Each script is called once as it should be, on a server with something of everything. Then it is called again, each time
from the same beginning, with each of its numbers at its limits, with each key that it writes kept in another way, and
with each number that it counts up at its limit. Either it does all of its work, or it fails and every key is as it was.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ResponseError

from fallbacks.ledger.ledger import Lease
from fallbacks.store import keys, redis_store
from fallbacks.store.port import lua_header
from fallbacks.store.redis_store import RedisStore
from tasks.reasons import Reason
from tests.fallbacks.ledger.busy_ledger import fill
from tests.fallbacks.scene import Scene

LIMITS = (2**53, 2**63 - 1, 2**63, 10**18, 10**30, -(2**53), -(2**63), 1.5)
"""Beyond what a script counts exactly; what Redis's own arithmetic overflows at; and no whole number."""

LUA = Path(__file__).parents[3] / "fallbacks/store/lua"

EVENT = '{"type":"released","v":1,"why":"x"}'
FENCE = {"epoch": "1", "owner": "w1", "lease_ms": 30_000}
ENTRY = {"sla_in": 1000, "facets": ["queue:review"]}
OUT = {"id": "msg_new", "to": "webhook", "event": "ticket.decided", "body": "{}", "due_in": 5}
LOTS = {
    "op": "op", "states": ["running"], "state": "decided", "epoch": "1", "owner": "w1", "due_in": 10,
    "set": {"label": "x"}, "unset": ["reason"], "inbox": ENTRY, "undo_in": 10_000, "example": "{}", "count": ["undone"],
    "alert": {"reason": "step_limit", "severity": "info"}, "outbox": [OUT], "meters": {"runs": "1"},
}  # fmt: skip

CONTENTS = """
local found, names = {}, redis.call('KEYS', ARGV[1] .. '*')
table.sort(names)
local function of_hash(name)
  local flat, pairs = redis.call('HGETALL', name), {}
  for i = 1, #flat, 2 do pairs[#pairs + 1] = flat[i] .. '=' .. flat[i + 1] end
  table.sort(pairs)
  return table.concat(pairs, ';')
end
for _, name in ipairs(names) do
  local kind, value = redis.call('TYPE', name).ok
  if name == ARGV[1] .. 'clock' then value = '' -- whoever looks moves it on
  elseif kind == 'hash' then value = of_hash(name)
  elseif kind == 'list' then value = table.concat(redis.call('LRANGE', name, 0, -1), ';')
  elseif kind == 'zset' then value = table.concat(redis.call('ZRANGE', name, 0, -1, 'WITHSCORES'), ';')
  else value = redis.call('GET', name) end
  found[#found + 1] = name
  found[#found + 1] = kind .. ' ' .. value
  found[#found + 1] = redis.call('PTTL', name) > 0 and 1 or 0
end
return found
"""

KEEP = """
for _, name in ipairs(redis.call('KEYS', '*')) do
  local value, life = redis.call('DUMP', name), math.max(0, redis.call('PTTL', name))
  redis.call('SELECT', 1)
  redis.call('HSET', 'values', name, value)
  redis.call('HSET', 'lives', name, life)
  redis.call('SELECT', 0)
end
"""
"""Every key of the first database as it is, kept in the second."""

RESTORE = """
redis.call('FLUSHDB')
redis.call('SELECT', 1)
local values, lives = redis.call('HGETALL', 'values'), redis.call('HGETALL', 'lives')
redis.call('SELECT', 0)
local life = {}
for i = 1, #lives, 2 do life[lives[i]] = lives[i + 1] end
for i = 1, #values, 2 do redis.call('RESTORE', values[i], life[values[i]], values[i + 1]) end
"""
"""In the server: a round trip for each key, some ten thousand times, would take half a minute."""


PASSED_ON = json.dumps([[["step_limit", "2", "1", "2", "info", "", "", ["t1"]]], ["0", ["{}", "-{}"]], ["0", ["{}"]]])
"""Of a shard: an alert, examples and a judged call."""


@dataclass(frozen=True)
class Call:
    """One call of a script. first: what must happen before. args: of which dicts are headers."""

    script: str
    ticket_id: str
    args: tuple[Any, ...]
    first: Callable[[Scene], Awaitable[Any]] | None = None
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.script

    @property
    def of_many(self) -> bool:
        return bool({self.script, self.name} & MANY)

    async def run(self, store: RedisStore) -> Any:
        stored = [lua_header(arg) if isinstance(arg, dict) else arg for arg in self.args]
        return await store.run(self.script, self.ticket_id, *stored)


async def later(s: Scene) -> None:
    """Everything is due."""
    await s.pass_ms(100_000)


async def logged(s: Scene) -> None:
    await s.store.run("log", "", keys.CONTROL_LOG, 100, '{"who":"ann"}')


async def taken(s: Scene) -> None:
    await later(s)
    for _ in range(9):
        await s.store.run("take_alert", "", 1000)


async def gone(s: Scene) -> None:
    await later(s)
    await s.store.run("settle_outbox", "decided", await message_of(s), "failed", 0, "")


async def message_of(s: Scene) -> str:
    return (await s.members("outbox"))[0]


async def failing(s: Scene) -> None:
    """A breaker that counts, and an open reservation."""
    lease = Lease("effects", 1, "w1")
    for n in range(4):
        await s.begin(lease, 10, f"f{n}")
        await s.fail(lease, f"f{n}")
    await s.begin(lease, 100, "open")


async def opened(s: Scene) -> None:
    """A breaker that is open, with an alert that waits to be sent, and the reservation of a call that began before."""
    await s.begin(Lease("effects", 1, "w1"), 100, "open")
    await Call("end_step", "running1", (FAILED | {"call": "c1", "failure": FAILURE | {"at_once": True}}, EVENT)).run(
        s.store
    )


async def left(s: Scene) -> None:
    await s.store.put("n", {"left": "3", "left_decided": "3", "left_spent": "100", "left_overbilled": "1"})


LEFT = {
    "state": "decided",
    "version": "4",
    "spent": "30",
    "overbilled": "1",
    "since": "1700000000000",
    "epoch": "1",
}
METERS = {"meters": {"runs": "1"}}
CAPS = {"run_cap": 10**9, "day_cap": 10**9, "source_day": 10**9, "source_month": 10**9}
TICKET = {
    "digest": "d",
    "limits": "{}",
    "source": "s",
    "priority": "normal",
    "door": "http",
    "requester": "r1",
    "idem": "k",
}
ADDED = {"id": "m1", "digest": "d", "chars": 5, "most_chars": 100, "news": True}
MESSAGE = {
    "op": "op",
    "states": ["running"],
    "state": "running",
    "keep_due": True,
    "keep_inbox": True,
    "message": ADDED,
}
STEP = {**FENCE, "call": "new", "worst": 100, "breaker": "small", "heard": 0, **CAPS, **METERS}
DONE = {**FENCE, "call": "c1", "cost": 50, "breaker": "small", "health": "well", **METERS}
FAILURE = {
    "model": "small",
    "reason": "model_overloaded",
    "severity": "error",
    "at_once": False,
    "retry_after_ms": 90_000,
}
FAILED = DONE | {"call": "open", "health": "unwell", "failure": FAILURE}
EFFECT = {**FENCE, "key": "k", "honoured": False, "try": "t", **METERS}
PERSON = {name: value for name, value in LOTS.items() if name not in ("epoch", "owner", "inbox")}


async def allotted(s: Scene) -> None:
    """Home knows what was used under this cap."""
    today = str(await s.store.now_ms() // 86_400_000)
    await s.store.run("allot_collected", "", today, 1000, "s01", 5, 0, 3, 2)


CALLS = [
    Call(
        "accept",
        "new",
        (
            TICKET | {"due_in": 10, "wait_ms": 1000, "not_before": 0, "expires": 10**13, "step": 10_000, "rate": 60},
            "{}",
            EVENT,
            EVENT,
        ),
    ),
    Call("claim", "queued0", ("w1", 30_000, "tickets", "claim1", EVENT, "")),
    Call("claim", "effects", ("w1", 30_000, "tickets", "claim1", EVENT, "1"), name="claim by the hint of another"),
    Call("begin_step", "effects", (STEP, EVENT)),
    Call("begin_step", "running0", (STEP, EVENT), name="begin_step after a lost call"),
    Call("end_step", "running0", (DONE, EVENT)),
    Call("end_step", "running0", (DONE | {"cost": 500}, EVENT), name="end_step billed for more"),
    Call("end_step", "effects", (FAILED, EVENT), failing, name="end_step of a failure"),
    Call("end_step", "running0", (DONE | {"health": ""}, EVENT), name="end_step that says nothing"),
    Call("end_step", "effects", (DONE | {"call": "open"}, EVENT), opened, name="end_step that closes a breaker"),
    Call("begin_effect", "running0", (EFFECT, EVENT)),
    Call("end_effect", "effects", ({**FENCE, "key": "k2"}, "done", EVENT)),
    Call("renew", "", ("w1", 30_000, "running0", "1", "running1", "1")),
    Call("take_back", "", ("w1",)),
    Call("move", "running0", (LOTS, EVENT)),
    Call("move", "running0", (LOTS | {"failure": FAILURE}, EVENT), name="move of a model that cannot be called"),
    Call("move", "suggested", (PERSON | {"states": ["suggested"], "person": "ann"}, EVENT), name="move of a person"),
    Call("move", "running0", (MESSAGE, EVENT), name="move that adds a message"),
    Call("reject", "bad", ({"origin": "o", "error": "e", **ENTRY, "severity": "warning"}, "cmF3", EVENT)),
    Call("sweep", "", (100, 3, 1000, "0", 30_000), later),
    Call("generation", "", (1, "failed_over", "error")),
    Call("generation", "", (0, "failed_over", "error"), name="generation that is seen for the first time"),
    Call("clock", "", ("9000", 9000), lambda s: s.store.redis.set("whole:clock_step", "9000")),
    Call("clock", "", ("9000", 0), lambda s: s.store.redis.set("whole:clock_step", "9000"), name="clock that went on"),
    Call("alarm", "", ("no_worker", "error", "no worker lives", 1000)),
    Call("wake", "", (Reason.MODEL_OVERLOADED.value, "paid0", "paid1")),
    Call("next_item", "", ("ann", 1000, '{"all":[],"none":[],"by":"due"}', EVENT)),
    Call("take_alert", "", (1000,), later),
    Call("settle_alert", "", ("step_limit", "step_limit-1", 1, 1000), taken),
    Call("settle_alert", "", ("step_limit", "step_limit-1", 0, 1000), taken, name="settle_alert that failed"),
    Call("escalate", "", ("oldest_waiting", "warning", 1000), lambda s: s.pass_ms(10**9)),
    Call("take_outbox", "", (10, 1000), later),
    Call("settle_outbox", "decided", ("MESSAGE", "delivered", 0, "")),
    Call("settle_outbox", "decided", ("MESSAGE", "failed", 0, "why"), name="settle_outbox given up"),
    Call("settle_outbox", "decided", ("MESSAGE", "hold", 1000, ""), name="settle_outbox held"),
    Call("redeliver", "", ("MESSAGE",), gone),
    Call("leaving_drop", "", ("decided", 1000, "decided", "VERSION", "r1")),
    Call("examples_drop", "", (0, 1)),
    Call(
        "bring_back",
        "gone",
        (LEFT, {"k": "done:x"}, '{"zlib": "emxpYg=="}', '{"m1": "d"}', '{"msg_1": {"body": "{}"}}', EVENT, EVENT),
        left,
    ),
    Call("erase", "decided", ("VERSION", "EVENTS", {"version": "1", "state": "decided"}, {"k": "done:x"}, EVENT)),
    Call("erase", "decided", ("VERSION", "EVENTS", "", "", EVENT), name="erase of events alone"),
    Call("relist", "", ("control_log", "LINE", "{}"), logged),
    Call("relist", "", ("control_log", "LINE", ""), logged, name="relist that takes out"),
    Call("forget", "", ("t:decided",)),
    Call("log", "", ("control_log", 100, '{"who":"ann","what":"user:ben","after":"removed"}')),
    Call("count", "", ("learning_rounds|happened=nothing",)),
    Call("mention", "", ("named", 200, "decided", "ann", "ben")),
    Call("control", "", ({"who": "ann", "keep": 100, "changes": [["autonomy", "off"], ["day_cap"]]},)),
    Call("hold", "handed_off", ("ann", 1000), lambda s: s.inbox.claim("handed_off", "ann")),
    Call("use_key", "", ("k1", "d", "10"), lambda s: s.store.put(keys.API_KEYS, {"k1": '{"digest":"d"}'})),
    Call("create_user", "", ("ann", "{}")),
    Call("keep", "", (keys.CANARY, "token", '{"a":1}')),
    Call("answer", "", ("k", "v", 1000)),
    Call("thread", "", ("m1", "t1", 1000)),
    Call("tick", "", ("rate:tool", 60, 1)),
    Call("session", "", ("digest", {"ttl_ms": 1000, "idle_ms": 500, "of": "ann"}, "user", "ann")),
    Call("token", "", ("digest", "keep", 1000, "{}")),
    Call("allot_draw", "", ("TODAY", "s01", 1000, 10, 5, 0, 64), allotted),
    Call("allot_grant", "", ("TODAY", 100)),
    Call("allot_collect", "", ("TODAY",), lambda s: day_field(s, "drawn", 10**9)),
    Call("allot_collected", "", ("TODAY", 1000, "s01", 10, 5, 3, 2)),
    Call("breaker_learn", "t1", ("small", "failed", FAILURE)),
    Call("breaker_probe", "", ("small", 1000), lambda s: s.store.put("breaker:small", {"open_until": "1"})),
    Call("claim_key", "t1", ("k1", "d")),
    Call("copy_in", "", ("control", 2, 1000, "autonomy", "off")),
    Call("copy_out", "", ("control",), lambda s: s.store.put(keys.CONTROL, {"autonomy": "off"})),
    Call("list_ticket", "t1", ("r1",)),
    Call("passed_on", "", (1, 1, "step_limit", 1)),
    Call("take_on", "", ("s01", PASSED_ON)),
    Call("repair_day", "", ("TODAY", 10_000), lambda s: day_field(s, "reserved", 10**6)),
]  # fmt: skip

READERS = {"examples", "leaving_read", "audit_index", "audit_page", "audit_sums", "inbox_counts", "inbox_page"}
READERS |= {"family", "pass_on", "per_hour", "rows", "since"}
PARTS = {f"_{part}" for part in redis_store.PARTS}
OTHERS = READERS | PARTS

MANY = {"generation", "renew", "take_back", "sweep", "wake", "next_item", "take_alert", "take_outbox", "leaving_drop"}
MANY |= {"claim by the hint of another"}
"""Scripts that work on many: what is wrong with one is passed over, and the rest is done."""


async def day_field(s: Scene, field: str, value: int) -> None:
    await s.store.put(keys.day(str(await s.store.now_ms() // 86_400_000)), {field: str(value)})


def test_every_script_that_writes_is_tried_here() -> None:
    assert {path.stem for path in LUA.glob("*.lua")} - OTHERS == {call.script for call in CALLS}
    for name in READERS:
        assert not {"HSET", "HINCRBY", "ZADD", "RPUSH", "DEL", "SET"} & set(
            (LUA / f"{name}.lua").read_text().split("'")
        )


class Bench:
    """A server on which one call is tried in many ways, each from the same beginning."""

    def __init__(self, url: str, call: Call) -> None:
        self.store = RedisStore(url, "whole:")
        self.store.clock.seconds = float("inf")
        self.scene = Scene(self.store)
        self.call = call

    async def begin(self) -> None:
        await self.store.redis.flushdb()
        await fill(self.scene)
        today = str(await self.store.now_ms() // 86_400_000)
        if self.call.first:
            await self.call.first(self.scene)
        await self.store.redis.delete(f"{self.store.prefix}{keys.CLOCK}")  # a snapshot of an old one would be a step
        filled = {
            "MESSAGE": await message_of(self.scene) if "MESSAGE" in self.call.args else "",
            "VERSION": (await self.store.row("decided"))["version"],
            "EVENTS": str(len(await self.store.journal("decided"))),
            "LINE": (await self.store.listed(keys.CONTROL_LOG, 0, 0) or [""])[0],
            "TODAY": today,
        }
        if self.call.script == "leaving_drop":
            await self.store.run("settle_outbox", "decided", await message_of(self.scene), "delivered", 0, "")
        args = tuple(filled.get(arg, arg) if isinstance(arg, str) else arg for arg in self.call.args)
        self.call = Call(self.call.script, self.call.ticket_id, args, name=self.call.name)


async def restored(store: RedisStore) -> None:
    """The server as it was when `KEEP` ran."""
    await store.redis.eval(RESTORE, 0)


async def contents(store: RedisStore) -> list[Any]:
    """What every key holds, in one order, and whether it will be forgotten."""
    found: list[Any] = await store.redis.eval(CONTENTS, 0, store.prefix)
    return found


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


async def whole(bench: Bench, call: Call, what: str) -> bool:
    """Whether the call did its work; where it did not, nothing may be written."""
    before = await contents(bench.store)
    try:
        await call.run(bench.store)
    except ResponseError:
        after = await contents(bench.store)
        assert after == before, f"{call}: half a write with {what}"
        return False
    return True


def play(url: str, call: Call, story: Callable[[Bench], Awaitable[None]]) -> None:
    async def told() -> None:
        bench = Bench(url, call)
        try:
            await bench.begin()
            await bench.store.redis.eval(KEEP, 0)
            await story(bench)
        finally:
            await bench.store.aclose()

    asyncio.run(told())


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
