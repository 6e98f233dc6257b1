"""Queue `intake` on Redis: each item of the list is one JSON ticket, `LPUSH`ed by anyone, with no envelope.

Items are moved by script from the list to a hash of held ones, under an id of their own; they leave it once they are in
the ledger. A worker that dies leaves them held, and the next look takes over what was held too long.
"""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError

from fallbacks.errors import StoreUnreachable
from fallbacks.ledger.states import HintKind
from fallbacks.store import keys
from worker.intake.admission import Admission
from worker.queue.names import lists_of

if TYPE_CHECKING:
    from worker.queue.celery_publisher import Publisher

log = logging.getLogger(__name__)

BATCH = 50
WAIT_SECONDS = 1
PAUSE_SECONDS = 0.5

_TAKE = """
-- KEYS: held, index, list...; ARGV: id, most, hold (seconds)
local t = redis.call('TIME')
local now = t[1] + t[2] / 1e6
local taken = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], now + 60, '+inf')) do -- the clock went back meanwhile
  redis.call('ZADD', KEYS[2], now, id)
end
local late = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[3]), 'LIMIT', 0, ARGV[2])
for _, id in ipairs(late) do -- their worker died, or could not reach the store
  local raw = redis.call('HGET', KEYS[1], id)
  redis.call('ZADD', KEYS[2], now, id)
  if raw then taken[#taken + 1] = id; taken[#taken + 1] = raw else redis.call('ZREM', KEYS[2], id) end
end
local list = 3
for i = 1, tonumber(ARGV[2]) do
  local id = ARGV[1] .. '-' .. i
  local raw = redis.call('HGET', KEYS[1], id) -- taken already: a client whose reply was lost may send this again
  if not raw then
    raw = redis.call('LINDEX', KEYS[list], -1)
    while not raw and list < #KEYS do
      list = list + 1
      raw = redis.call('LINDEX', KEYS[list], -1)
    end
    if not raw then break end
    redis.call('HSET', KEYS[1], id, raw)
    redis.call('ZADD', KEYS[2], now, id)
    redis.call('RPOP', KEYS[list])
  end
  taken[#taken + 1] = id
  taken[#taken + 1] = raw
end
return taken
"""


class RedisIntake:
    """Runs where queue `intake` is served. hold_seconds: how long a silent worker keeps its items."""

    def __init__(
        self,
        redis: Redis,
        queue: str,
        namespace: str,
        hold_seconds: float,
        admission: Admission,
        publisher: "Publisher",
    ) -> None:
        self._redis = redis
        self._queue = queue
        self._held, self._index = (f"{namespace}:{name}" for name in (keys.INTAKE_HELD, keys.INTAKE_SINCE))
        self._hold_seconds = hold_seconds
        self._admission = admission
        self._publisher = publisher
        self._take_script = redis.register_script(_TAKE)

    async def run_forever(self) -> None:
        """Until the process ends. What cannot be accepted now stays held and is tried again."""
        while True:
            try:
                if not await self.round():
                    await self._wait_for_more()
            except (StoreUnreachable, RedisError, OSError) as error:
                log.warning("intake waits: %s", error)
                await asyncio.sleep(PAUSE_SECONDS)
            except Exception:
                log.exception("a round of intake failed")
                await asyncio.sleep(PAUSE_SECONDS)

    async def round(self) -> int:
        """Take up to a batch into the ledger and publish its hints. Returns how many items there were."""
        lists = [self._held, self._index, *lists_of(self._queue)]
        found: list[bytes] = await self._take_script(keys=lists, args=[uuid4().hex, BATCH, self._hold_seconds])
        items = list(zip(found[::2], found[1::2], strict=True))
        outcomes = await asyncio.gather(*(self._take(item, raw) for item, raw in items), return_exceptions=True)
        await self._publish(outcomes)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return len(items)

    async def _take(self, item: bytes, raw: bytes) -> str | None:
        ticket_id = await self._admission.take_raw(raw, "intake", item.decode())
        pipe = self._redis.pipeline(transaction=True)
        pipe.hdel(self._held, item.decode())
        pipe.zrem(self._index, item.decode())
        await pipe.execute()
        return ticket_id

    async def _publish(self, outcomes: Sequence[Any]) -> None:
        """Hints only: what is in the ledger is found by the sweep, should this fail."""
        work = [(HintKind.TRIAGE, outcome) for outcome in outcomes if isinstance(outcome, str)]
        try:
            await self._publisher.publish(work)
        except Exception as error:  # the broker's errors differ by transport
            log.warning("the hints of %d tickets were not published: %s", len(work), error)

    async def _wait_for_more(self) -> None:
        """A blocking look that takes nothing."""
        await cast(
            "Awaitable[Any]", self._redis.blmove(self._queue, self._queue, WAIT_SECONDS, src="RIGHT", dest="RIGHT")
        )
