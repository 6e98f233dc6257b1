"""What a store's server says about itself, for the doctor and for `/metrics`."""

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from redis import Redis, RedisError

from fallbacks.store.redis_connections import client, node_clients
from fallbacks.store.urls import is_cluster

ANSWER_SECONDS = 2

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """info: the INFO reply, and the room of the store's disk where it is one of this machine.

    appendfsync: None where CONFIG is refused, as managed services do.

    skew_seconds: how far this machine's clock is ahead of the store's. ping_ms: one round trip. config: what else was
    asked of it; empty where it is refused.
    """

    info: Mapping[str, Any]
    appendfsync: str | None
    skew_seconds: float
    ping_ms: float
    config: Mapping[str, str] = field(default_factory=dict)

    @property
    def persists(self) -> bool:
        """Whether what is accepted now outlives a restart: the append-only file is on, and written."""
        return bool(self.info.get("aof_enabled")) and not self.append_faults

    @property
    def replica_lag_bytes(self) -> int | None:
        """What the replica lacks that has least of it; None where there is none."""
        head = int(self.info.get("master_repl_offset", 0))
        replicas = [value for name, value in self.info.items() if name.startswith("slave") and isinstance(value, dict)]
        return min((max(0, head - int(each.get("offset", 0))) for each in replicas), default=None)

    @property
    def append_faults(self) -> tuple[str, ...]:
        """What the server last failed to write."""
        fields = ("aof_last_write_status", "aof_last_bgrewrite_status")
        return tuple(f"{field} is {self.info[field]}" for field in fields if self.info.get(field, "ok") != "ok")


def read_facts(url: str) -> StoreFacts:
    """Ask the store; of a cluster the master that holds most. Raises `redis.RedisError` or `OSError` where it does not
    answer within seconds.
    """
    return max(read_all_facts(url).values(), key=lambda facts: int(facts.info.get("used_memory", 0)))


def read_all_facts(url: str) -> dict[str, StoreFacts]:
    """Ask every server of the store, by its address; "" where it is one. Raises as `read_facts`."""
    options = {"socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": ANSWER_SECONDS, "decode_responses": True}
    if not is_cluster(url):
        return {"": _asked(client(url, **options), url)}
    return {_address(node): _asked(node, f"redis://{_address(node)}") for node in node_clients(url, **options)}


def _address(node: Redis) -> str:
    found = node.connection_pool.connection_kwargs
    return f"{found['host']}:{found['port']}"


def _asked(store: Redis, url: str) -> StoreFacts:
    with store:
        store.ping()
        began = time.monotonic()
        seconds, micros = store.time()
        took = time.monotonic() - began
        skew = time.time() - took / 2 - (int(seconds) + int(micros) / 1e6)
        info: Any = store.info()
        config = _config(store)
        info |= _room(url, config)
        return StoreFacts(info, config.get("appendfsync"), skew, took * 1000, config)


def facts_if_answering(url: str) -> StoreFacts | None:
    """The same; None where it does not answer, or forbids the question."""
    try:
        return read_facts(url)
    except (RedisError, OSError, ValueError):
        return None


def _config(store: Any) -> dict[str, str]:
    asked = ("append*", "dir", "min-replicas-to-write", "maxclients")
    try:
        answers = [store.config_get(name) for name in asked]
    except RedisError:
        return {}
    return {name: value for answer in answers for name, value in answer.items()}


def _room(url: str, config: Mapping[str, str]) -> dict[str, int]:
    """Of the disk with the append-only file; nothing where that is another machine's, or not to be seen from here."""
    folder = Path(config.get("dir", "")) / config.get("appenddirname", "")
    parts = urlsplit(url)
    here = parts.scheme == "unix" or parts.hostname in LOOPBACK
    if not (here and config.get("appenddirname") and folder.is_dir()):
        return {}
    found = shutil.disk_usage(folder)
    return {"disk_free_bytes": found.free, "disk_bytes": found.total}
