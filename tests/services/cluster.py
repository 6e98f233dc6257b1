"""A real cluster on 127.0.0.1: masters, and replicas where they are wanted."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from redis import Redis, RedisError

from tests.services.process import free_port
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for

SLOTS = 16_384


class Node(ValkeyServer):
    """timeout_ms: after so long without an answer the others take it for gone."""

    def __init__(self, folder: Path, timeout_ms: int = 1000, **config: str | int) -> None:
        bus = {"cluster_enabled": "yes", "cluster_port": free_port(), "cluster_node_timeout": timeout_ms}
        super().__init__(folder, cluster_require_full_coverage="no", **bus, **config)
        self.bus = bus["cluster_port"]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def ask(self, *command: str | int) -> Any:
        """One command of the cluster's own."""
        with self.client() as client:
            return client.execute_command("CLUSTER", *command)

    @property
    def id(self) -> str:
        return str(self.ask("MYID"))


class Cluster:
    """So many masters with equal parts of the slots, each with so many replicas."""

    def __init__(self, folder: Path, masters: int = 3, replicas: int = 0, **config: str | int) -> None:
        self.masters = [Node(folder / f"m{n}", **config) for n in range(masters)]
        self.replicas = [Node(folder / f"r{n}", **config) for n in range(masters * replicas)]
        self._started = ExitStack()

    @property
    def nodes(self) -> list[Node]:
        return [*self.masters, *self.replicas]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:3])

    def __enter__(self) -> Self:
        for node in self.nodes:
            self._started.callback(node.stop)
            node.launch()
        for node in self.nodes:
            wait_for(node.is_ready, message="a node answers")
        first, share = self.masters[0], SLOTS // len(self.masters)
        for number, node in enumerate(self.masters):
            last = SLOTS - 1 if node is self.masters[-1] else (number + 1) * share - 1
            node.ask("ADDSLOTSRANGE", number * share, last)
            node.ask("SET-CONFIG-EPOCH", number + 1)
        for node in self.nodes[1:]:
            node.ask("MEET", "127.0.0.1", first.port, first.bus)
        wait_for(lambda: all(_knows(node, len(self.nodes)) for node in self.nodes), message="the nodes know each other")
        for number, node in enumerate(self.replicas):
            node.ask("REPLICATE", self.masters[number % len(self.masters)].id)
        self.wait_whole()
        return self

    def __exit__(self, *_: object) -> None:
        self._started.close()

    def wait_whole(self) -> None:
        """Until every node that runs finds the cluster served, and its replicas have what their masters have."""
        wait_for(lambda: all(_is_whole(node) for node in self.nodes if node.is_ready()), message="the cluster is whole")
        if self.replicas:
            wait_for(self._in_step, message="replicas are in step")

    def _in_step(self) -> bool:
        with ExitStack() as stack:
            clients = [stack.enter_context(node.client()) for node in self.replicas if node.is_ready()]
            return all(_follows(client) for client in clients)

    def flush(self) -> None:
        for node in self.masters:
            with node.client() as client:
                client.flushall()

    def serving(self, slot: int) -> Node:
        """The node that has a slot now."""
        for first, last, (_, port, *_), *_ in next(node for node in self.nodes if node.is_ready()).ask("SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == port)
        raise AssertionError(f"nobody serves slot {slot}")

    def move_slot(self, slot: int, to: Node) -> None:
        """As `redis-cli --cluster reshard` does it, under load."""
        begin_move(self.serving(slot), to, slot)
        end_move(self.serving(slot), to, slot)


def begin_move(source: Node, to: Node, slot: int) -> None:
    """From here on the slot's keys may be in both."""
    to.ask("SETSLOT", slot, "IMPORTING", source.id)
    source.ask("SETSLOT", slot, "MIGRATING", to.id)


def end_move(source: Node, to: Node, slot: int) -> None:
    """Take the keys over, and say so."""
    with source.client() as client:
        while names := source.ask("GETKEYSINSLOT", slot, 100):
            client.execute_command("MIGRATE", "127.0.0.1", to.port, "", 0, 5000, "KEYS", *names)
    for node in (to, source):
        node.ask("SETSLOT", slot, "NODE", to.id)


def _knows(node: Node, count: int) -> bool:
    return _info(node).get("cluster_known_nodes") == str(count)


def _info(node: Node) -> dict[str, str]:
    """Empty where it does not answer."""
    with node.client() as client:
        try:
            found: Any = client.cluster("INFO")
        except (RedisError, OSError):
            return {}
    lines = found.split("\r\n") if isinstance(found, str) else [f"{name}:{value}" for name, value in found.items()]
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _is_whole(node: Node) -> bool:
    found = _info(node)
    return found.get("cluster_state") == "ok" and found.get("cluster_slots_ok") == str(SLOTS)


def _follows(client: Redis) -> bool:
    info: Any = client.info("replication")
    return info["role"] != "slave" or info["master_link_status"] == "up"
