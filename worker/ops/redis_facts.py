"""What a store says about itself, read once for the doctor."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

ANSWER_SECONDS = 3


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """info: the INFO reply. appendfsync: None where CONFIG is refused, as managed services do.

    skew_seconds: how far this machine's clock is ahead of the store's. ping_ms: one round trip.
    """

    info: Mapping[str, Any]
    appendfsync: str | None
    skew_seconds: float
    ping_ms: float


def read_facts(url: str) -> StoreFacts:
    """Ask the store. Raises `redis.RedisError` or `OSError` where it does not answer within seconds."""
    client = Redis.from_url(
        url,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
        protocol=2,
    )
    with client:
        client.ping()
        began = time.monotonic()
        seconds, micros = client.time()
        took = time.monotonic() - began
        skew = time.time() - took / 2 - (int(seconds) + int(micros) / 1e6)
        info: Any = client.info()
        return StoreFacts(info, _appendfsync(client), skew, took * 1000)


def _appendfsync(client: Any) -> str | None:
    try:
        answer: Any = client.config_get("appendfsync")
    except RedisError:
        return None
    return answer.get("appendfsync") if isinstance(answer, dict) else None
