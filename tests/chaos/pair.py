"""The campaign's store: a primary, a replica that can lag, and the names by which clients find the primary."""

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from redis import Redis

from tests.chaos.lasting import last
from tests.services.process import free_port
from tests.services.replicated import MASTER, Sentinel
from tests.services.tcp_proxy import TcpProxy
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for

HOST = "127.0.0.1"
JOURNALS = "deskhand:j:"


@dataclass
class Pair:
    """names: proxies that follow the primary. sentinel: who promotes, where one watches; else `fail_over` does.

    forgotten: ticket -> model calls whose intent no promoted replica had received. `REDIS_WAIT` does not wait for
    those, and the README says so: they may have been paid, and are not in the ledger.
    """

    primary: ValkeyServer
    replica: ValkeyServer
    names: Sequence[TcpProxy] = ()
    sentinel: Sentinel | None = None
    forgotten: Counter[str] = field(default_factory=Counter)

    def connect(self) -> None:
        """The replica follows, over restarts too."""
        self._follow(self.replica, self.primary)
        self.wait_synced()

    def wait_synced(self) -> None:
        with self.primary.client() as redis:
            wait_for(lambda: redis.set("synced", 1) and redis.wait(1, 200), message="the replica to have everything")

    def fail_over(self, rng: random.Random) -> str:
        """The replica lags behind, and is promoted. Returns how, in words.

        The primary dies; or, where no Sentinel watches, it may live on as a replica and keep its connections.
        """
        self.wait_synced()
        dies = self.sentinel is not None or rng.random() < 0.6
        lag = rng.uniform(0.3, 1.0)
        with self.primary.client() as old, self.replica.client() as new:
            new.replicaof(HOST, str(free_port()))  # nobody is there: it keeps what it has
            last(lag)
            old.client_pause(60_000, all=False)
            lost = forgotten_calls(old, new)
            self.forgotten += lost
            if dies:
                self.primary.kill9()
            self._promote(new)
            if not dies:
                old.replicaof(HOST, str(self.replica.port))
                old.client_unpause()
        self._swap(alive=not dies)
        end = "the primary died" if dies else "the primary stays as a replica"
        return f"replica {lag:.1f} s behind, {end}, {lost.total()} begun calls forgotten"

    def _promote(self, new: Redis) -> None:
        if self.sentinel is None:
            new.replicaof("NO", "ONE")
        else:
            self._wait_elected(self.sentinel)
        for name in self.names:
            name.move(self.replica.port)

    def _wait_elected(self, sentinel: Sentinel) -> None:
        with Redis(port=sentinel.port, decode_responses=True) as redis:
            wait_for(
                lambda: redis.sentinel_get_master_addr_by_name(MASTER) == (HOST, self.replica.port),
                message=f"Sentinel to promote the replica: {sentinel.log}",
                interval=0.1,
            )

    def _swap(self, *, alive: bool) -> None:
        self.primary, self.replica = self.replica, self.primary
        self._follow(self.replica, self.primary, alive=alive)
        self.wait_synced()

    def _follow(self, replica: ValkeyServer, primary: ValkeyServer, *, alive: bool = True) -> None:
        primary.config.pop("replicaof", None)
        replica.config["replicaof"] = f"{HOST} {primary.port}"
        if not alive:
            replica.start()
            return
        with replica.client() as redis:
            redis.replicaof(HOST, str(primary.port))


def forgotten_calls(old: Redis, new: Redis) -> Counter[str]:
    """Model calls begun, by ticket, that the old server has and the new one has not."""
    keys = list(old.scan_iter(f"{JOURNALS}*", count=1000))
    lengths = [_each(server, "llen", keys) for server in (old, new)]
    differing = [key for key, ours, theirs in zip(keys, *lengths, strict=True) if ours != theirs]
    begun = [_begun(server, differing) for server in (old, new)]
    lost = {key: len(ours - theirs) for key, ours, theirs in zip(differing, *begun, strict=True)}
    return Counter({key.removeprefix(JOURNALS): count for key, count in lost.items() if count})


def _begun(server: Redis, keys: list[str]) -> list[set[str]]:
    return [
        {event["call_id"] for event in map(json.loads, journal) if event["type"] == "step_started"}
        for journal in _each(server, "lrange", keys, 0, -1)
    ]


def _each(server: Redis, command: str, keys: list[str], *arguments: int) -> list[Any]:
    with server.pipeline(transaction=False) as pipe:
        for key in keys:
            getattr(pipe, command)(key, *arguments)
        return pipe.execute()
