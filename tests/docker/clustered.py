"""The store of docker/compose.cluster.yaml as processes, by its scripts: three masters, their replicas, a spare."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from tests.docker.composed import ScriptedServer, compose
from tests.services.process import free_port
from tests.services.waiting import wait_for

OVER = "compose.cluster.yaml"
BUS_ABOVE = 10_000
"""Of a node's bus, above its port: Redis' own rule."""

FORM_SECONDS = 120.0


class ClusterServer(ScriptedServer):
    """A node."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(folder, name, OVER)
        self.port = free_port(BUS_ABOVE)

    def ask(self, *command: str) -> str:
        """One command of the cluster's own, as lines."""
        with Redis(port=self.port, decode_responses=True, socket_timeout=5) as redis:
            redis.response_callbacks.clear()
            return str(redis.execute_command(*command))

    @property
    def serves(self) -> bool:
        """Whether it is a master with slots, by its own word."""
        (own,) = [line for line in self.ask("CLUSTER", "NODES").splitlines() if "myself" in line]
        return "master" in own and len(own.split()) > 8


@dataclass
class ClusteredStore:
    """Seven servers, of which three serve."""

    servers: list[ClusterServer]

    @property
    def hosts(self) -> dict[str, str]:
        """Where the services of the compose file are."""
        return {f"{one.name}:6379": one.address for one in self.servers}

    @property
    def url(self) -> str:
        return f"redis+cluster://{','.join(one.address for one in self.servers)}"

    @property
    def nodes(self) -> str:
        return " ".join(one.address for one in self.servers)

    @property
    def serving(self) -> list[str]:
        """Names of those that serve, asked of each that runs."""
        return [one.name for one in self.servers if one.healthy() and one.serves]

    def form(self) -> str:
        """Play the one-shot of the compose file. Its last words."""
        service = compose(OVER)["services"]["cluster"]
        former = ScriptedServer(self.servers[0].folder, "cluster", OVER)
        former.variables = {"NODES": self.nodes, "PATIENCE": str(int(FORM_SECONDS))}
        command = former.command()[: len(service["command"])]
        ended = subprocess.run(command, env=former.environment(), capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout


@contextmanager
def clustered_store(folder: Path) -> Iterator[ClusteredStore]:
    """Started, and formed."""
    names = [name for name in compose(OVER)["services"] if name.startswith("node-")]
    store = ClusteredStore([ClusterServer(folder / name, name) for name in names])
    for server in store.servers:
        server.variables = {"NODES": store.nodes}
    with ExitStack() as stack:
        for server in store.servers:
            stack.callback(server.stop)
            server.launch()
        for server in store.servers:
            wait_for(server.is_ready, message=f"{server.name} answers")
        store.form()
        yield store
