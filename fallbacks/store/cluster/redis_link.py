"""The way to the node of a slot: pools and batches per node, the cluster's own map, and bounded waiting.

While a slot is being moved its keys stand in two places, and a script sees those of one. So ASK is never followed: who
comes meanwhile waits until the slot has arrived, and a shard stands still, whole, for as long.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    NoScriptError,
    RedisError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from fallbacks.errors import StoreUnreachable
from fallbacks.store.redis_answers import answered
from fallbacks.store.redis_batches import Command, RedisBatches
from fallbacks.store.redis_connections import Address, node_client
from fallbacks.store.redis_lent import LentConnections
from fallbacks.store.redis_store import load_script
from fallbacks.store.redis_url import RedisUrl

CONNECTIONS = 8
"""To each node: one of them carries hundreds of calls at a time."""

PATIENCE_SECONDS = 6.0
"""A failover or a slot on its way is waited for; then it is reported, as a dead server is."""

REPLICATED = frozenset(
    {"accept", "reject", "begin_effect", "move", "claim_key"} | {"allot_draw", "allot_collect", "allot_collected"}
)
"""Scripts after which somebody relies on what was written."""

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.5

ASKING_SECONDS = 1.0
"""For one node to say where the slots are; then the next is asked."""

PASSING = (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    RedisConnectionError,
    RedisTimeoutError,
    TryAgainError,
)
"""Answers that may be others in a moment, from another node perhaps."""


@dataclass(frozen=True, slots=True)
class _Node:
    client: Redis
    plain: RedisBatches
    replicated: RedisBatches


@dataclass(slots=True)
class RedisLink:
    """Of one event loop. replicas: that must have what a replicated call wrote, of the node that it went to."""

    url: RedisUrl
    replicas: int = 0
    jitter: Callable[[], float] = random.random
    _nodes: dict[Address, _Node] = field(default_factory=dict)
    _slots: dict[int, Address] = field(default_factory=dict)
    _looking: "asyncio.Task[None] | None" = None

    async def command(self, slot: int, *command: str | int) -> Any:
        """The answer of the node that serves this slot. Raises `StoreUnreachable`."""
        return await answered(self._run(slot, command, replicated=False))

    async def script(self, slot: int, name: str, prefix: str, ticket_id: str, *args: str | int) -> Any:
        """As `command`, of a script; its text is sent once per node."""
        body, sha = load_script(name)
        rest, replicated = (1, prefix, prefix, ticket_id, *args), name in REPLICATED
        try:
            return await answered(self._run(slot, ("EVALSHA", sha, *rest), replicated=replicated))
        except NoScriptError:
            return await answered(self._run(slot, ("EVAL", body, *rest), replicated=replicated))

    async def node_of(self, slot: int) -> Address | None:
        """As far as the map says."""
        if slot not in self._slots:
            with suppress(RedisError):
                await self._look()
        return self._slots.get(slot)

    async def at_node(self, node: Address, name: str, prefix: str, *args: str | int) -> Any:
        """Named without keys, a script is sent nowhere else. Raises `StoreUnreachable` for whatever went wrong."""
        body, sha = load_script(name)
        batches, rest = self._node(node).plain, (0, prefix, "", *args)
        try:
            try:
                return await batches.run(("EVALSHA", sha, *rest))
            except NoScriptError:
                return await batches.run(("EVAL", body, *rest))
        except RedisError as error:
            raise StoreUnreachable(f"{type(error).__name__}: {error}") from error

    async def _run(self, slot: int, command: Command, *, replicated: bool) -> Any:
        until, pause = monotonic() + PATIENCE_SECONDS, FIRST_PAUSE
        while True:
            try:
                node = await self._serving(slot)
                return await (node.replicated if replicated else node.plain).run(command)
            except MovedError as moved:
                self._slots[slot] = (moved.host, moved.port)
                error: RedisError = moved
            except PASSING as passing:
                error = passing
            if monotonic() > until:
                raise error
            if not isinstance(error, MovedError):
                await asyncio.sleep(pause * (0.5 + self.jitter()))
                pause = min(LONGEST_PAUSE, pause * 2)
                await self._look()

    def slot(self, tagged: str) -> int:
        """Of a key, by its hash tag."""
        return int(key_slot(tagged.encode()))

    async def aclose(self) -> None:
        """Close every connection."""
        if self._looking is not None:
            self._looking.cancel()
        for node in self._nodes.values():
            await node.client.aclose(close_connection_pool=True)

    async def _serving(self, slot: int) -> _Node:
        if slot not in self._slots:
            await self._look()
        if slot not in self._slots:
            raise ClusterDownError("no node serves this slot")
        return self._node(self._slots[slot])

    def _node(self, address: Address) -> _Node:
        if address not in self._nodes:
            client = node_client(self.url, address, connections=CONNECTIONS, socket_timeout=None, decode_responses=True)
            once = Retry(NoBackoff(), 0)  # another node may have the slot by then
            lent = LentConnections(client)
            plain = RedisBatches(lent, once)
            replicated = RedisBatches(lent, once, self.replicas) if self.replicas else plain
            self._nodes[address] = _Node(client, plain, replicated)
        return self._nodes[address]

    async def _look(self) -> None:
        """One for all who ask."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._read_map())
        await asyncio.shield(self._looking)

    async def _read_map(self) -> None:
        known = random.sample([*self._nodes], len(self._nodes))
        for address in dict.fromkeys((*known, *self.url.nodes)):
            if found := await self._asked(address):
                self._slots = found
                return
        if not self._slots:
            raise RedisConnectionError(f"none of {len(self.url.nodes)} nodes says where the slots are")

    async def _asked(self, address: Address) -> dict[int, Address]:
        """By slot; empty where this node does not answer, or serves no cluster."""
        client = node_client(
            self.url, address, connections=1, socket_timeout=ASKING_SECONDS, socket_connect_timeout=ASKING_SECONDS
        )
        try:
            ranges: Sequence[Any] = await client.execute_command("CLUSTER", "SLOTS")
        except (RedisError, OSError):
            return {}
        finally:
            await client.aclose(close_connection_pool=True)
        found = dict[int, Address]()
        for first, last, (host, port, *_), *_replicas in ranges:
            name = host.decode() if isinstance(host, bytes) else host
            found |= dict.fromkeys(range(first, last + 1), (name or address[0], int(port)))
        return found
