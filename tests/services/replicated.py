"""A primary with a replica behind a link that can lag, and a Sentinel that watches both."""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from redis import Redis, RedisError

from tests.services.process import ServerProcess
from tests.services.tcp_proxy import TcpProxy
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for

MASTER = "mymaster"


@dataclass
class Replicated:
    """name: the address that clients know; the primary's until `promote`. link: what the replica reads by."""

    primary: ValkeyServer
    replica: ValkeyServer
    link: TcpProxy
    name: TcpProxy

    @classmethod
    def of(cls, primary: ValkeyServer, replica: ValkeyServer) -> Self:
        """Both are running; the replica's link and the name are made on entering."""
        return cls(primary, replica, TcpProxy(primary.port), TcpProxy(primary.port))

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.name.port}/0"

    def __enter__(self) -> Self:
        self.link.__enter__()
        self.name.__enter__()
        with self.replica.client() as redis:
            redis.replicaof("127.0.0.1", self.link.port)
        self.wait_synced()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.name.__exit__()
        self.link.__exit__()

    def wait_synced(self) -> None:
        with self.primary.client() as redis:
            wait_for(lambda: redis.set("synced", 1) and redis.wait(1, 200), message="the replica to have everything")

    def promote(self) -> None:
        """The primary dies with what its replica lacks; the name moves."""
        self.primary.kill9()
        with self.replica.client() as redis:
            redis.replicaof("NO", "ONE")
        self.name.move(self.replica.port)
        self.name.cut()


class Sentinel(ServerProcess):
    """One, which is a majority of itself. down_ms: after so long without an answer it fails over."""

    def __init__(self, folder: Path, watched: ValkeyServer, down_ms: int = 500) -> None:
        super().__init__(folder)
        self._watched = watched
        self._down_ms = down_ms

    @property
    def url(self) -> str:
        return f"redis+sentinel://127.0.0.1:1,127.0.0.1:{self.port}/{MASTER}/0"  # the first one is away

    def command(self) -> list[str]:
        path = self.folder / "sentinel.conf"
        lines = [
            f"bind 127.0.0.1\nport {self.port}",
            f"sentinel monitor {MASTER} 127.0.0.1 {self._watched.port} 1",
            f"sentinel down-after-milliseconds {MASTER} {self._down_ms}",
            f"sentinel failover-timeout {MASTER} 2000",
        ]
        path.write_text("\n".join(lines) + "\n")
        return [self._watched.binary(), str(path), "--sentinel"]

    def is_ready(self) -> bool:
        """Whether it knows a replica."""
        with Redis(port=self.port, decode_responses=True) as redis:
            try:
                return bool(redis.sentinel_slaves(MASTER))
            except (RedisError, OSError):
                return False
