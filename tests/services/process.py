"""A real server as a child process, with the faults a campaign needs."""

import atexit
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from tests.services.waiting import PATIENCE_SECONDS, wait_for


class ServiceMissing(Exception):
    """A program that the tests run for real is not installed."""


def program(name: str, *elsewhere: str, package: str) -> str:
    """The path of an installed program, looked for on PATH and then at the given paths."""
    for candidate in (name, *elsewhere):
        if found := shutil.which(candidate):
            return found
    raise ServiceMissing(f"{name} is not installed. Run tests/install-services, or: apt-get install {package}")


_PORTS = range(10_000, 32_768)
"""Below the ports that Linux gives to clients: no connection takes the port of a server that is down for a moment."""

_held: list[socket.socket] = []


@atexit.register
def _let_go() -> None:
    for holder in _held:
        holder.close()


def free_port(beside: int = 0) -> int:
    """A port for one server of this process, down or up: it stays held, so that no other process is given it.

    beside: the port so far above it is held, too.
    """
    for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
        holders = [_holder(each) for each in {port, port + beside} if each in _PORTS]
        if None not in holders and port + beside in _PORTS:
            _held.extend(holder for holder in holders if holder is not None)
            return port
        for holder in holders:
            if holder is not None:
                holder.close()
    raise ServiceMissing("no port is free on 127.0.0.1")


def _holder(port: int) -> socket.socket | None:
    holder = socket.socket()
    try:
        holder.bind(("127.0.0.1", port))
    except OSError:
        holder.close()
        return None
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # only now: the server may bind beside it
    return holder


class ServerProcess(ABC):
    """A server on 127.0.0.1 with its files in `folder`; it keeps its port and its data over kill9 and restart."""

    ready_seconds = PATIENCE_SECONDS
    stop_seconds = 60.0
    stop_asks = 1
    """How often it is asked to end, each time waited for its share of `stop_seconds`."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.log = folder / "output.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str: ...

    @abstractmethod
    def command(self) -> list[str]:
        """Write what the server needs to its folder and return its command line."""

    @abstractmethod
    def is_ready(self) -> bool: ...

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError(f"{type(self).__name__} is not running")
        return self._process.pid

    def start(self) -> Self:
        self.launch()
        try:
            wait_for(self._ready_or_ended, self.ready_seconds, f"{type(self).__name__} ready: {self.log}")
        except BaseException:
            self.kill9()
            raise
        return self

    def launch(self) -> Self:
        """Start the process without waiting until it serves."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = self.command()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def _ready_or_ended(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"the server ended at its start:\n{self.log.read_text(errors='replace')[-2000:]}")
        return self.is_ready()

    def stop(self) -> None:
        """End the server in good order; kill it if it does not end."""
        if self._process is None:
            return
        self.resume()
        for _ in range(self.stop_asks):
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self.stop_seconds / self.stop_asks)
                break
        else:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill9(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> Self:
        self.stop()
        return self.start()

    def pause(self) -> None:
        """Freeze the server: connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)
