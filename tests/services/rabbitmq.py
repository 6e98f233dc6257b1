"""Debian's real RabbitMQ as a node of its own: own data, ports and epmd, on loopback, as the current user."""

import os
import socket
import subprocess
from pathlib import Path
from typing import Self

from kombu import Connection
from kombu.exceptions import OperationalError

from tests.services.process import ServerProcess, free_port, program


class Epmd(ServerProcess):
    """Erlang's port mapper. Started by hand because a node would start one on all addresses and leave it behind."""

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return [program("epmd", package="erlang-base"), "-address", "127.0.0.1", "-port", str(self.port)]

    def is_ready(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


class RabbitMQServer(ServerProcess):
    """One node with classic and quorum queues, user guest. Its start takes seconds: share one where possible."""

    ready_seconds = 90.0
    stop_seconds = 30.0

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__(folder, port)
        self.epmd = Epmd(folder / "epmd")
        self._distribution_port = free_port()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def command(self) -> list[str]:
        # the wrapper on PATH would change to the user rabbitmq and the system's own folders
        script = program("/usr/lib/rabbitmq/bin/rabbitmq-server", package="rabbitmq-server")
        (self.folder / "rabbitmq.conf").write_text(
            "vm_memory_high_watermark.relative = 0.6\ndisk_free_limit.absolute = 50MB\n"
        )
        (self.folder / "enabled_plugins").write_text("[].\n")
        return [script]

    def environment(self) -> dict[str, str]:
        folder = str(self.folder)
        return {name: value for name, value in os.environ.items() if not name.startswith("RABBITMQ_")} | {
            "HOME": folder,  # of the Erlang cookie
            "RUNNING_UNDER_SYSTEMD": "yes",  # the script becomes the node: our child's pid is the node's
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self.epmd.port),
            "RABBITMQ_NODENAME": f"deskhand-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_MNESIA_BASE": f"{folder}/data",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/rabbitmq-env.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_PID_FILE": f"{folder}/rabbitmq.pid",
            "RABBITMQ_FEATURE_FLAGS_FILE": f"{folder}/feature_flags",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{folder}/generated",
        }

    def ctl(self, *arguments: str) -> str:
        """`rabbitmqctl`, as the node's own operator."""
        script = program("/usr/lib/rabbitmq/bin/rabbitmqctl", package="rabbitmq-server")
        node = self.environment()["RABBITMQ_NODENAME"]
        environment = self.environment() | {"ERL_EPMD_PORT": str(self.epmd.port)}
        command = [script, "--quiet", "-n", node, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90, check=True).stdout

    def is_ready(self) -> bool:
        try:
            with Connection(self.url, connect_timeout=2) as connection:
                connection.ensure_connection(max_retries=1, interval_start=0, timeout=2)
                connection.channel().close()
        except (OperationalError, OSError):
            return False
        return True

    def start(self) -> Self:
        self.epmd.start()
        try:
            return super().start()
        except BaseException:
            self.epmd.stop()
            raise

    def stop(self) -> None:
        super().stop()
        self.epmd.stop()

    def kill9(self) -> None:
        super().kill9()
        self.epmd.stop()
