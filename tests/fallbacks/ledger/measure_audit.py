"""How long an audit of 100,000 tickets takes, and what one weighs: `python -m tests.fallbacks.ledger.measure_audit`."""

import asyncio
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from fallbacks.ledger.ledger import Conclusion
from fallbacks.ledger.sums.audit import audit
from fallbacks.store.redis_store import RedisStore
from tasks.run import events as ev
from tasks.ticket import Priority
from tests.fallbacks.scene import DECISION, MODEL, Scene
from tests.services.valkey import ValkeyServer

COPY = """
local P, ID, T = ARGV[1], ARGV[2], ARGV[1] .. 't:' .. ARGV[2]
local row, journal = redis.call('HGETALL', T), redis.call('LRANGE', P .. 'j:' .. ID, 0, -1)
local state, facets = redis.call('HGET', T, 'state'), cjson.decode(redis.call('HGET', T, 'facets') or '[]')
local spent = tonumber(redis.call('HGET', T, 'spent'))
for n = tonumber(ARGV[3]), tonumber(ARGV[4]) do
  local id = ID .. ':' .. n
  redis.call('HSET', P .. 't:' .. id, unpack(row))
  redis.call('RPUSH', P .. 'j:' .. id, unpack(journal))
  redis.call('ZADD', P .. 's:' .. state, redis.call('ZSCORE', P .. 's:' .. state, ID), id)
  if #facets > 0 then redis.call('ZADD', P .. 'inbox', n, id) end
  for _, facet in ipairs(facets) do redis.call('ZADD', P .. 'inbox:' .. facet, n, id) end
end
local count = ARGV[4] - ARGV[3] + 1
redis.call('HINCRBY', P .. 'n', 'accepted', count)
redis.call('HINCRBY', redis.call('KEYS', P .. 'day:*')[1], 'spent', string.format('%.0f', spent * count))
"""


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


async def typical(s: Scene, ticket_id: str) -> None:
    """One model step, as the executor writes it: 600 characters of ticket, 1.5 KB of findings."""
    lease = await s.running(ticket_id, body="I lost my card on the train. " * 20, requester={"id": "c-1"})
    before = (
        ev.ContextFetched("{" + "x" * 1500 + "}", "ok", 0.02),
        ev.ConversationStarted(0, MODEL, "p1", "t1", "o" * 2500),
    )
    await s.ledger.begin_step(lease, ev.StepStarted(1, "c1", MODEL, 9_000_000), before, run_cap=None, day_cap=None)
    content = ({"type": "tool_use", "id": "toolu_01", "name": "submit_decision", "input": DECISION},)
    replied = ev.ModelReplied(1, "c1", content, "tool_use", 2100, 180, 0, 0, 2_400_000, 1.2)
    events = (replied, ev.DecisionSubmitted(1, DECISION))
    await s.ledger.end_step(lease, "c1", 2_400_000, events, model=MODEL, health="well")
    await s.ledger.suggest(lease, Conclusion((), DECISION, Priority.HIGH))


async def measure(url: str, count: int) -> None:
    store = RedisStore(url)
    s = Scene(store)
    await typical(s, "decided")
    await s.inbox.approve("decided", "ann", None)
    await typical(s, "waiting")
    for key in ("t:decided", "j:decided", "t:waiting", "j:waiting"):
        say(f"{key}: {await store.redis.memory_usage(store.prefix + key, samples=0)} bytes")
    began, empty = perf_counter(), (await store.redis.info("memory"))["used_memory"]
    for ticket_id, share in (("decided", count * 9 // 10), ("waiting", count // 10)):
        for start in range(1, share + 1, 500):
            await store.redis.eval(COPY, 0, store.prefix, ticket_id, start, min(start + 499, share))
    full = (await store.redis.info("memory"))["used_memory"]
    say(f"loaded in {perf_counter() - began:.1f} s; {(full - empty) / count:.0f} bytes a ticket, indexes included")
    await store.redis.config_resetstat()
    for _ in range(3):
        began = perf_counter()
        report = await audit(store)
        say(f"audit of {report.rows} tickets: {perf_counter() - began:.2f} s, problems: {report.problems[:3]}")
    stats = await store.redis.info("commandstats")
    await store.redis.config_set("slowlog-log-slower-than", 0)
    say(f"evalsha: {stats['cmdstat_evalsha']}")
    slowest = max(entry["duration"] for entry in await store.redis.slowlog_get(128))
    say(f"slowest script: {slowest / 1000:.1f} ms")
    await store.aclose()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, ValkeyServer(Path(folder), slowlog_log_slower_than=1000) as server:
        asyncio.run(measure(server.url, int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
