"""The embedded deployment of `deskhand up` and `deskhand demo`: a Valkey, an agent worker, a hand-off worker, the web.

The hand-off worker is a process of its own, so that agents which hang or crash cannot keep work from people.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from worker.config.errors import WorkerError
from worker.config.settings import Settings
from worker.queue.names import queue_names
from worker.service.embedded_valkey import EmbeddedValkey
from worker.service.worker_command import CONCURRENCY, worker_command

STOP_SECONDS = 30.0


class ProcessEndedError(WorkerError):
    """A process of the stack ended by itself. The message names its log."""


def web_command() -> list[str]:
    """The web process."""
    return [sys.executable, "-m", "worker.cli", "serve"]


@dataclass
class Stack:
    """Starts the parts on entering, in order, and stops them on leaving, in reverse.

    logs: folder for one log file a process; None lets them write to the terminal. web: whether to serve HTTP.
    environment: what the processes start with besides where the store is; None: the environment of this one.
    """

    settings: Settings
    concurrency: int = CONCURRENCY
    logs: Path | None = None
    web: bool = True
    environment: Mapping[str, str] | None = None
    redis_url: str = ""
    _valkey: EmbeddedValkey | None = None
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _files: list[IO[bytes]] = field(default_factory=list)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def check(self) -> None:
        """Raise `ProcessEndedError` if a process of the stack has ended."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                where = f"; see {self.logs / name}.log" if self.logs else ""
                raise ProcessEndedError(f"the {name} process ended with status {process.returncode}{where}")

    def wait(self) -> None:
        """Until a process ends (raises `ProcessEndedError`)."""
        while True:
            for process in self._processes.values():
                try:
                    process.wait(timeout=0.5)
                except subprocess.TimeoutExpired:
                    continue
                self.check()

    def kill(self, name: str) -> None:
        """End a process without a warning, as a crash or a lost machine would."""
        self._processes[name].kill()
        self._processes[name].wait()

    def start_worker(self) -> None:
        """Start the agent worker, in place of the one before."""
        names = queue_names(self.settings)
        self._spawn("worker", worker_command([names["tickets"], names["intake"]], self.concurrency))

    def stop(self) -> None:
        """Ask every process to finish, the last started first; kill what does not in time."""
        for process in reversed(self._processes.values()):
            if process.poll() is None:
                process.terminate()
        for process in reversed(self._processes.values()):
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        for file in self._files:
            file.close()
        if self._valkey is not None:
            self._valkey.stop()
            self._valkey = None

    def _start(self) -> None:
        if self.settings.redis_url is None:
            self._valkey = EmbeddedValkey(self.settings.home)
            self.redis_url = self._valkey.start()
        else:
            self.redis_url = self.settings.redis_url
        self.start_worker()
        self._spawn("handoff", worker_command([queue_names(self.settings)["handoff"]], 4))
        if self.web:
            self._spawn("web", web_command())

    def _spawn(self, name: str, command: list[str]) -> None:
        environment = {
            **(os.environ if self.environment is None else self.environment),
            "DESKHAND_REDIS_URL": self.redis_url,
            "DESKHAND_HOME": str(self.settings.home.resolve()),
            "DESKHAND_PORT": str(self.settings.port),
        }
        output: IO[bytes] | None = None
        if self.logs is not None:
            self.logs.mkdir(parents=True, exist_ok=True)
            output = (self.logs / f"{name}.log").open("ab")
            self._files.append(output)
        self._processes[name] = subprocess.Popen(  # noqa: S603 - our own command line
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            start_new_session=True,
        )
