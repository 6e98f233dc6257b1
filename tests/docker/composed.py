"""Services of docker/compose.yaml as processes of this machine: their own commands, environments and health checks."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import yaml

from tests.services.process import ServerProcess, program
from worker.alive import fault

FOLDER = Path(__file__).resolve().parents[2] / "docker"


def compose(*over: str) -> dict[str, Any]:
    """The file and those laid over it, with anchors resolved, as in a shell that sets nothing."""
    read: dict[str, Any] = {}
    for name in ("compose.yaml", *over):
        text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (FOLDER / name).read_text())
        laid_over(read, yaml.safe_load(text))
    return read


def laid_over(under: dict[str, Any], over: Mapping[str, Any]) -> None:
    """As compose merges files: key by key; of lists, volumes by their places, else the later one."""
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(under.get(key), dict):
            laid_over(under[key], value)
        elif key == "volumes" and isinstance(value, list):
            places = {volume.split(":")[1]: volume for volume in [*under.get(key, ()), *value]}
            under[key] = list(places.values())
        else:
            under[key] = value


class ComposedService(ServerProcess):
    """A service of our image. shell: what the operator has set; hosts: where other services are, by `name:port`.

    over: files laid over the first.
    """

    def __init__(
        self, folder: Path, name: str, shell: Mapping[str, str], hosts: Mapping[str, str], over: Sequence[str] = ()
    ) -> None:
        super().__init__(folder)
        self.name = name
        self.service = compose(*over)["services"][name]
        self.shell = shell
        self.hosts = hosts

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return self._found(self.service["command"])

    def is_ready(self) -> bool:
        """Asked in this process until it says so, then as a container asks, for an interpreter each time."""
        try:
            return fault(self.environment(), ready=True, now=time.time()) is None and self.healthy()
        except OSError:  # its file was just being written anew
            return False

    def healthy(self, *more: str) -> bool:
        kind, *test = self.service["healthcheck"]["test"]
        assert kind == "CMD"
        checked = subprocess.run([*self._found(test), *more], env=self.environment(), capture_output=True, check=False)
        return checked.returncode == 0

    def environment(self) -> dict[str, str]:
        """As a container has it: nothing of this machine but where programs, state and the listening socket are."""
        given = {
            name: self.shell.get(name) if value is None else str(value)
            for name, value in self.service["environment"].items()
        }
        own = {
            "DESKHAND_HOME": str(self.folder),
            "DESKHAND_HOST": "127.0.0.1",
            "DESKHAND_PORT": str(self.port),
            "PATH": os.environ["PATH"],
        }
        return {name: self._placed(value) for name, value in given.items() if value is not None} | own

    def end(self) -> int:
        """SIGTERM; the exit status."""
        assert self._process is not None
        process, self._process = self._process, None
        process.terminate()
        return process.wait(self.stop_seconds)

    def _placed(self, value: str) -> str:
        for name, address in self.hosts.items():
            value = re.sub(rf"(?<=[/,@]){re.escape(name)}", address, value)
        return value

    def _found(self, command: Sequence[str]) -> list[str]:
        """The programs of this environment, as the image's PATH names them."""
        beside = Path(sys.executable).with_name(command[0])
        return [str(beside), *command[1:]]


class ComposedRedis(ComposedService):
    """The `redis` service with Debian's binary, on a port and in a folder of the test's own."""

    @property
    def url(self) -> str:
        return f"redis://{self.address}/0"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        binary = program(self.service["command"][0], "/usr/bin/redis-server", package="redis-server")
        here = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        return [binary, *self.service["command"][1:], *here]

    def is_ready(self) -> bool:
        return self.healthy()

    def healthy(self, *more: str) -> bool:
        _, tool, *test = self.service["healthcheck"]["test"]
        found = [program(tool, "/usr/bin/redis-cli", package="redis-tools"), "-p", str(self.port), *test]
        said = subprocess.run(found, capture_output=True, text=True, check=False)
        return said.stdout.strip() == "PONG"

    def environment(self) -> dict[str, str]:
        return dict(os.environ)


class ScriptedServer(ComposedService):
    """A server that a script of docker/redis starts, on a port and in a folder of the test's own.

    variables: of the script, in place of the names of other servers.
    """

    def __init__(self, folder: Path, name: str, over: str) -> None:
        super().__init__(folder, name, {}, {}, (over,))
        self.variables: dict[str, str] = {}

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        shell, script, *flags = self.service["command"]
        assert script.startswith("/etc/redis-start/")
        return [shell, str(FOLDER / "redis" / Path(script).name), *flags, "--bind", "127.0.0.1"]

    def environment(self) -> dict[str, str]:
        assert set(self.service["environment"]) <= {"NAME", *self.variables}
        binary = Path(program("redis-server", "/usr/bin/redis-server", package="redis-server"))
        own = {"NAME": "127.0.0.1", "PORT": str(self.port), "FOLDER": str(self.folder)}
        return {**own, **self.variables, "PATH": f"{binary.parent}:{os.environ['PATH']}"}

    def is_ready(self) -> bool:
        return self.healthy()

    def healthy(self, *more: str) -> bool:
        _, tool, *test = self.service["healthcheck"]["test"]
        found = [program(tool, "/usr/bin/redis-cli", package="redis-tools"), "-h", "127.0.0.1"]
        asked = [*found, *(str(self.port) if word == "26379" else word for word in test), *more]
        if "-p" not in asked:
            asked[3:3] = ["-p", str(self.port)]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() == "PONG"


class ComposedPrometheus(ComposedService):
    """The `prometheus` service with Debian's binary: its flags and files, with the test's folders and addresses."""

    def command(self) -> list[str]:
        files = self.folder / "config"
        files.mkdir(exist_ok=True)
        for file in (FOLDER / "prometheus").iterdir():
            text = file.read_text().replace("_interval: 15s", "_interval: 1s")
            for name, address in self.hosts.items():
                text = text.replace(f'"{name}"', f'"{address}"')
            (files / file.name).write_text(text)
        flags = [
            flag.replace("/etc/prometheus", str(files)).replace("=/prometheus", f"={self.folder / 'data'}")
            for flag in self.service["command"]
        ]
        return [program("prometheus", package="prometheus"), *flags, f"--web.listen-address=127.0.0.1:{self.port}"]

    def is_ready(self) -> bool:
        return self.healthy()

    def healthy(self, *more: str) -> bool:
        asked = urlsplit(self.service["healthcheck"]["test"][-1])
        try:
            return httpx.get(f"{self.url}{asked.path}").status_code == 200
        except httpx.TransportError:
            return False

    def environment(self) -> dict[str, str]:
        return dict(os.environ)


class ComposedAlertmanager(ComposedPrometheus):
    """The `alertmanager` service with Debian's binary. hosts: none; shell: its receiver."""

    def command(self) -> list[str]:
        binary = self.folder / "alertmanager"
        binary.symlink_to(program("prometheus-alertmanager", package="prometheus-alertmanager"))
        start = self.folder / "start"
        start.write_text((FOLDER / "alertmanager" / "start").read_text().replace("group_wait: 10s", "group_wait: 1s"))
        flags = [flag.replace("=/alertmanager", f"={self.folder / 'data'}") for flag in self.service["command"]]
        return ["/bin/sh", str(start), *flags, f"--web.listen-address=127.0.0.1:{self.port}"]

    def environment(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}:{os.environ['PATH']}", "TMPDIR": str(self.folder), **self.shell}
