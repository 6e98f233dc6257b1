"""Every script that writes, called as the ledger calls it on a store that has something of everything."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fallbacks.ledger.ledger import Lease
from fallbacks.store import keys, redis_store
from fallbacks.store.port import lua_header
from fallbacks.store.redis_store import RedisStore
from tasks.reasons import Reason
from tests.fallbacks.scene import Scene

EVENT = '{"type":"released","v":1,"why":"x"}'
FENCE = {"epoch": "1", "owner": "w1", "lease_ms": 30_000}
ENTRY = {"sla_in": 1000, "facets": ["queue:review"]}
OUT = {"id": "msg_new", "to": "webhook", "event": "ticket.decided", "body": "{}", "due_in": 5}
LOTS = {
    "op": "op", "states": ["running"], "state": "decided", "epoch": "1", "owner": "w1", "due_in": 10,
    "set": {"label": "x"}, "unset": ["reason"], "inbox": ENTRY, "undo_in": 10_000, "example": "{}", "count": ["undone"],
    "alert": {"reason": "step_limit", "severity": "info"}, "outbox": [OUT], "meters": {"runs": "1"},
}  # fmt: skip


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


TURN = {
    "op": "op", "states": ["running"], "state": "handed_off", "epoch": "1", "owner": "w1",
    "inbox": {"sla_in": 1000, "facets": ["team:cards"]},
}  # fmt: skip


async def rotating(s: Scene) -> None:
    await s.store.put(keys.CONTROL, {"rotation:team:cards": "on"})
    await s.store.put(keys.USERS, {"ann": '{"hash":"h","teams":["team:cards"]}'})


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
    Call("move", "running0", (TURN, EVENT), rotating, name="move to whose turn it is"),
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
    Call("allot_grant", "", ("TODAY|shop", 100)),
    Call("source_turn", "", ("shop", 60, "")),
    Call("rotate", "", ("team:cards", "", "ann", 3), rotating),
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
READERS |= {"family", "pass_on", "reads", "rows", "server", "since"}
PARTS = {f"_{part}" for part in redis_store.PARTS}
OTHERS = READERS | PARTS

MANY = {"generation", "renew", "take_back", "sweep", "wake", "next_item", "take_alert", "take_outbox", "leaving_drop"}
MANY |= {"claim by the hint of another"}
"""Scripts that work on many: what is wrong with one is passed over, and the rest is done."""


async def day_field(s: Scene, field: str, value: int) -> None:
    await s.store.put(keys.day(str(await s.store.now_ms() // 86_400_000)), {field: str(value)})
