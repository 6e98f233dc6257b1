"""Debian's real RabbitMQ as a node of its own: own data, ports and epmd, on loopback, as the current user."""

import hashlib
import json
import os
import socket
import subprocess
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from amqp import Connection as AmqpConnection
from kombu import Connection
from kombu.exceptions import OperationalError

from tests.services.process import ServerProcess, free_port, program
from tests.services.waiting import PATIENCE_SECONDS, wait_for


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
    """One node with classic and quorum queues, user guest. Its start takes seconds: share one where possible.

    vhosts: virtual hosts beside "/"; who has one to itself meets nobody else's queues, exchanges or worker names.
    """

    def __init__(self, folder: Path, port: int | None = None, vhosts: Iterable[str] = ()) -> None:
        super().__init__(folder, port)
        self.epmd = Epmd(folder / "epmd")
        self.vhosts = ("/", *vhosts)
        self._distribution_port = free_port()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def command(self) -> list[str]:
        # the wrapper on PATH would change to the user rabbitmq and the system's own folders
        script = program("/usr/lib/rabbitmq/bin/rabbitmq-server", package="rabbitmq-server")
        definitions = self.folder / "definitions.json"
        definitions.write_text(json.dumps(_definitions(self.vhosts)))
        (self.folder / "rabbitmq.conf").write_text(
            "vm_memory_high_watermark.relative = 0.6\ndisk_free_limit.absolute = 50MB\n"
            f"load_definitions = {definitions}\n"
        )
        (self.folder / "enabled_plugins").write_text("[].\n")
        return [script]

    def environment(self) -> dict[str, str]:
        return _without_rabbitmq(os.environ) | self.settings()

    def settings(self) -> dict[str, str]:
        """What the node and its command line tool share."""
        folder = str(self.folder)
        return {
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

    def is_ready(self) -> bool:
        return _answers(self.url)

    def launch(self) -> Self:
        self.epmd.start()
        try:
            return super().launch()
        except BaseException:
            self.epmd.stop()
            raise

    def shared(self, vhost: str) -> "SharedRabbitMQ":
        return SharedRabbitMQ(self.port, vhost, self.pid, self.epmd.pid, self.settings())

    def stop(self) -> None:
        super().stop()
        self.epmd.stop()

    def kill9(self) -> None:
        super().kill9()
        self.epmd.stop()


@dataclass(frozen=True)
class SharedRabbitMQ:
    """A node that another process may have started, as the owner of one of its virtual hosts sees it."""

    port: int
    vhost: str
    pid: int
    epmd_pid: int
    settings: dict[str, str]

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{self.vhost}"

    def ready(self) -> Self:
        wait_for(lambda: _answers(self.url), message=f"RabbitMQ ready on port {self.port}")
        return self

    def ctl(self, *arguments: str) -> str:
        """`rabbitmqctl`, as the node's own operator, in this virtual host."""
        script = program("/usr/lib/rabbitmq/bin/rabbitmqctl", package="rabbitmq-server")
        command = [script, "--quiet", "-n", self.settings["RABBITMQ_NODENAME"], "--vhost", self.vhost, *arguments]
        environment = _without_rabbitmq(os.environ) | self.settings
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True
        ).stdout


def amqp(url: str) -> AmqpConnection:
    """Of the library below kombu, for messages that kombu would not send."""
    at = urlsplit(url)
    return AmqpConnection(f"{at.hostname}:{at.port}", virtual_host=at.path[1:])


def _without_rabbitmq(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if not name.startswith("RABBITMQ_")}


def _answers(url: str) -> bool:
    try:
        with Connection(url, connect_timeout=20) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=20)
            connection.channel().close()
    except (OperationalError, OSError):
        return False
    return True


def _definitions(vhosts: Iterable[str]) -> dict[str, Any]:
    """Users and virtual hosts as the node imports them at its start; it makes no user of its own then."""
    salt = b"salt"
    password = b64encode(salt + hashlib.sha256(salt + b"guest").digest()).decode()
    every = {"configure": ".*", "write": ".*", "read": ".*"}
    return {
        "users": [{"name": "guest", "password_hash": password, "tags": ["administrator"]}],
        "vhosts": [{"name": vhost} for vhost in vhosts],
        "permissions": [{"user": "guest", "vhost": vhost, **every} for vhost in vhosts],
    }
