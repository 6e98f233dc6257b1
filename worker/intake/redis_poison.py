"""Empties the poison list of `redis_peek_channel.py` into the inbox: each message whole, with its error, once."""

import asyncio
import json
import logging
from collections.abc import Awaitable
from hashlib import sha256
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from fallbacks.errors import StoreUnreachable
from worker.intake.admission import Admission

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
BATCH = 20


class PoisonList:
    """Runs in every worker. Two may read one message: it is known by the id it got when it was moved."""

    def __init__(self, redis: Redis, key: str, admission: Admission) -> None:
        self._redis = redis
        self._key = key
        self._admission = admission

    async def run_forever(self) -> None:
        """Until the process ends. What cannot be kept now stays on the list."""
        while True:
            try:
                while await self.round():
                    pass
            except (StoreUnreachable, RedisError, OSError) as error:
                log.warning("unreadable messages wait: %s", error)
            except Exception:
                log.exception("keeping unreadable messages failed")
            await asyncio.sleep(PAUSE_SECONDS)

    async def round(self) -> int:
        """Keep up to a batch of messages, oldest first. Returns how many there were."""
        found = await cast("Awaitable[list[bytes]]", self._redis.lrange(self._key, -BATCH, -1))
        for entry in reversed(found):
            await self._keep(entry)
            # removed only now, and by value: another worker may have changed the list meanwhile
            await self._redis.lrem(self._key, -1, entry)  # type: ignore[arg-type] # bytes are fine
        return len(found)

    async def _keep(self, entry: bytes) -> None:
        header, _, raw = entry.partition(b"\n")
        try:
            found = json.loads(header)
            identity, error, queue = str(found["id"]), str(found["error"]), str(found["queue"])
        except (ValueError, KeyError, TypeError):  # not put there by the channel
            identity, error, queue, raw = sha256(entry).hexdigest(), "it was on the poison list", "poison", entry
        log.error("kept an unreadable message from %s: %s", queue, error)
        await self._admission.keep(raw, error, f"queue {queue}", identity)
