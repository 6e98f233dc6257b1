"""The store of docker/compose.replicated.yaml as processes: its own scripts, three servers and three Sentinels."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis, RedisError

from tests.docker.composed import ScriptedServer
from tests.services.waiting import wait_for

OVER = "compose.replicated.yaml"
NAME = "deskhand"
"""Of the primary, as the Sentinels know it."""


class ReplicatedServer(ScriptedServer):
    """A server or a Sentinel. first: the port of the first primary."""

    def __init__(self, folder: Path, name: str, first: int | None) -> None:
        super().__init__(folder, name, OVER)
        self.variables = {"PRIMARY": "127.0.0.1", "PRIMARY_PORT": str(first or self.port)}


@dataclass
class ReplicatedStore:
    """Three servers, of which one is the primary, and three Sentinels."""

    servers: list[ReplicatedServer]
    sentinels: list[ReplicatedServer]

    @property
    def hosts(self) -> dict[str, str]:
        """Where the services of the compose file are."""
        return {f"{one.name}:26379": one.address for one in self.sentinels}

    @property
    def url(self) -> str:
        return f"redis+sentinel://{','.join(one.address for one in self.sentinels)}/{NAME}/0"

    def primary(self) -> ReplicatedServer:
        """As most of the Sentinels have it."""
        said = [port for one in self.sentinels if (port := _primary_of(one)) is not None]
        most = max(set(said), key=said.count)
        (found,) = [one for one in self.servers if one.port == most]
        return found

    def whole(self) -> bool:
        """Whether the primary has two replicas that follow it, and every Sentinel says so."""
        try:
            primary = self.primary()
            with Redis(port=primary.port, decode_responses=True) as redis:
                following = redis.info("replication")
            up = [following.get(f"slave{n}", {}).get("state") for n in range(2)]
            return following["role"] == "master" and up == ["online"] * 2 and all(map(_sees_all, self.sentinels))
        except (RedisError, OSError, ValueError):
            return False


def _primary_of(sentinel: ReplicatedServer) -> int | None:
    with Redis(port=sentinel.port, decode_responses=True, socket_timeout=2) as redis:
        try:
            found = redis.sentinel_get_master_addr_by_name(NAME)
        except (RedisError, OSError):
            return None
    return int(found[1]) if found else None


def _sees_all(sentinel: ReplicatedServer) -> bool:
    with Redis(port=sentinel.port, decode_responses=True, socket_timeout=2) as redis:
        seen = redis.sentinel_master(NAME)
        replicas = redis.sentinel_slaves(NAME)
    up = [one for one in replicas if not one["is_sdown"] and not one["is_disconnected"]]
    return not seen["is_sdown"] and len(up) == 2 and seen["num-other-sentinels"] == 2


@contextmanager
def replicated_store(folder: Path) -> Iterator[ReplicatedStore]:
    """Started, and everybody follows."""
    with ExitStack() as stack:
        servers = [ReplicatedServer(folder / "redis", "redis", None)]
        servers += [ReplicatedServer(folder / name, name, servers[0].port) for name in ("redis-2", "redis-3")]
        names = ("sentinel", "sentinel-2", "sentinel-3")
        sentinels = [ReplicatedServer(folder / name, name, servers[0].port) for name in names]
        for server in (*servers, *sentinels):
            stack.enter_context(server)
        store = ReplicatedStore(servers, sentinels)
        wait_for(store.whole, message="three servers and three Sentinels that know each other")
        yield store
