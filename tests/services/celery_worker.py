"""A Celery worker process of ours, ready once the books list it."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from redis import Redis

from tests.services.process import ServerProcess
from worker.service.worker_command import worker_command

REPOSITORY = Path(__file__).parents[2]


class CeleryWorker(ServerProcess):
    """`settings` are DESKHAND_ variables without their prefix; others go in `environ`."""

    def __init__(
        self,
        folder: Path,
        redis_url: str,
        settings: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
        queues: tuple[str, ...] = ("tickets", "handoff"),
        concurrency: int = 16,
        pool: str | None = None,
    ) -> None:
        super().__init__(folder)
        self.settings = {"REDIS_URL": redis_url, "HOME": str(folder), "HISTORY_URL": "none", **(settings or {})}
        self.environ = dict(environ or {})
        self.queues = queues
        self.concurrency = concurrency
        self.pool = pool

    @property
    def url(self) -> str:
        return self.settings["REDIS_URL"]

    def command(self) -> list[str]:
        namespace = self.settings.get("NAMESPACE", "deskhand")
        prefix = "" if namespace == "deskhand" else f"{namespace}."
        return worker_command([prefix + kind for kind in self.queues], self.concurrency, self.pool)

    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DESKHAND_")}
        ours = {f"DESKHAND_{name}": value for name, value in self.settings.items()}
        path = {"PYTHONPATH": str(REPOSITORY), "PYTHON": sys.executable}
        return {**inherited, **path, **ours, **self.environ}

    def is_ready(self) -> bool:
        namespace = self.settings.get("NAMESPACE", "deskhand")
        with Redis.from_url(self.url) as redis:
            return any(f":{self.pid}:".encode() in name for name in redis.hkeys(f"{namespace}:workers"))
