"""What a campaign is played on: its servers, and who meets them by which address."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.fleet import Fleet
from tests.chaos.load import KILLER
from tests.chaos.pair import Pair
from tests.chaos.provider import BLIPS, Provider
from tests.chaos.receiver import SECRET, Receiver
from tests.services.http_sink import HttpSink
from tests.services.process import ServiceMissing
from tests.services.rabbitmq import RabbitMQServer
from tests.services.replicated import Sentinel
from tests.services.small_disk import SmallDisk
from tests.services.stepped_valkey import SteppedValkey
from tests.services.tcp_proxy import TcpProxy
from tests.services.valkey import ValkeyServer
from worker.simulator import run_in_thread

KINDS = (
    "kill",
    "freeze",
    "broker kill",
    "connections cut",
    "memory full",
    "clock",
    "alerts down",
    "disk full",
    "half-open",
    "slow network",
    "rabbitmq restart",
    "failover by name",
    "failover by sentinel",
    "clock step",
    "maxclients",
    "hostile text",
    *BLIPS,
)
"""broker kill: of the server that has the ledger, which is the broker too where no RabbitMQ is. clock: of a worker;
clock step: of the server that has the ledger."""


@dataclass(frozen=True)
class Stage:
    """kinds: that may strike on it. rabbitmq: whether it is the broker. sentinel: whether one names the primary.
    stepped: whether the servers' clocks can be set."""

    kinds: Sequence[str]
    rabbitmq: bool = False
    sentinel: bool = False
    stepped: bool = False


NOT_EVERYWHERE = ("rabbitmq restart", "failover by sentinel", "clock step")


STAGES = {
    "redis": Stage([kind for kind in KINDS if kind not in NOT_EVERYWHERE]),
    "sentinel": Stage(
        ["kill", "freeze", "alerts down", "failover by sentinel", "hostile text", "blip 401", "blip html"],
        sentinel=True,
    ),
    "clock": Stage(
        ["kill", "freeze", "broker kill", "connections cut", "clock step", "failover by name", "blip 401"], stepped=True
    ),
    "amqp": Stage(
        [
            *("kill", "freeze", "broker kill", "connections cut", "half-open", "rabbitmq restart", "failover by name"),
            *("maxclients", "hostile text", "blip 401", "blip error under 200"),
        ],
        rabbitmq=True,
    ),
}
"""redis: one name for store and broker. On every one the store has a replica, and what is acknowledged is on it."""

SENTINEL_DOWN_MS = 3000
"""Longer than a busy machine lets a healthy server wait."""

DISK_TICKETS_PER_MEGABYTE = 12
"""The append-only file of so many tickets, and of its rewriting, takes less."""

MAKES = {
    "anthropic": {"ANTHROPIC_BASE_URL": "{url}"},
    "bedrock": {
        "DESKHAND_MODEL": "bedrock:eu.anthropic.claude-haiku-5-5@{url}",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIDTHROWAWAY",
        "AWS_SECRET_ACCESS_KEY": "sk-test",
    },
    "openai": {"DESKHAND_MODEL": "openai:gpt-5-mini", "OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": "{url}/v1"},
    "systemone": {"DESKHAND_MODEL": "systemone:nimble@{url}", "DESKHAND_PRICES": "{prices}"},
    "vertex": {
        "DESKHAND_MODEL": "vertex:claude-haiku-5-5@{url}",
        "CLOUD_ML_REGION": "europe-west1",
        "ANTHROPIC_VERTEX_PROJECT_ID": "desk-1",
        "DESKHAND_VERTEX_ACCESS_TOKEN": "sk-test",
    },
}
"""What a fleet is given, by the make of its model. url: of the simulator; prices: a file with those of our own."""

ENVIRONMENT = {
    "DESKHAND_TOOLS": "search_knowledge_base,notify_team",
    "DESKHAND_NOTIFY_SECRET": SECRET,
    "DESKHAND_DAILY_BUDGET_USD": "50",
    "DESKHAND_CALL_SECONDS": "5",
    "DESKHAND_LEASE_SECONDS": "3",
    "DESKHAND_REDIS_WAIT": "1",
    "CRASH_TEXT": KILLER,
}


@dataclass
class Scene:
    """proxy: between the workers and the primary. disks: under the append-only files, by their server's port."""

    fleet: Fleet
    pair: Pair
    proxy: TcpProxy
    alerts: HttpSink
    receiver: Receiver
    provider: Provider
    rabbitmq: RabbitMQServer | None = None
    disks: dict[int, SmallDisk] = field(default_factory=dict)

    @property
    def server(self) -> ValkeyServer:
        """The primary."""
        return self.pair.primary


@dataclass
class Builder:
    """Starts everything; it ends with `stack`. kinds: those to come. tickets: as many as its disks must hold."""

    stack: ExitStack
    folder: Path
    stage: Stage
    kinds: Sequence[str]
    tickets: int
    seed: int
    report: Callable[[str], object]
    make: str = "anthropic"

    def build(self) -> Scene:
        """A fleet whose workers see the primary through a proxy, or by Sentinel; whoever sends has a way of its own."""
        disks: dict[int, SmallDisk] = {}
        servers = [self._server(f"valkey-{number}", disks) for number in range(2)]
        proxy, senders = (self.stack.enter_context(TcpProxy(servers[0].port)) for _ in range(2))
        pair = Pair(*servers, names=(proxy, senders))
        pair.connect()
        seen, sent = (f"redis://127.0.0.1:{name.port}/0" for name in (proxy, senders))
        if self.stage.sentinel:
            pair.sentinel = Sentinel(self.folder / "sentinel", servers[0], SENTINEL_DOWN_MS)
            seen = sent = self.stack.enter_context(pair.sentinel).url
        rabbitmq = RabbitMQServer(self.folder / "rabbitmq") if self.stage.rabbitmq else None
        broker = self.stack.enter_context(rabbitmq).url if rabbitmq else None
        fleet = self.stack.enter_context(Fleet(self.folder / "fleet", sent, broker, **ENVIRONMENT))
        fleet.workers_only = {"DESKHAND_REDIS_URL": seen, "DESKHAND_BROKER_URL": broker or seen}
        alerts = self.stack.enter_context(HttpSink())
        receiver = self.stack.enter_context(Receiver())
        simulator = self.stack.enter_context(run_in_thread(latency="0.3", seed=self.seed))
        fleet.environment |= {
            **self._made(simulator.url),
            "DESKHAND_NOTIFY_URL": f"{receiver.url}/duty",
            "DESKHAND_ALERT_WEBHOOK_URL": f"{alerts.url}/alerts",
        }
        return Scene(fleet, pair, proxy, alerts, receiver, Provider(simulator), rabbitmq, disks)

    def _made(self, url: str) -> dict[str, str]:
        prices = self.folder / "prices.yaml"
        prices.write_text("systemone:nimble: {input: 0.05, output: 0.1}\n")
        return {name: value.format(url=url, prices=prices) for name, value in MAKES[self.make].items()}

    def _server(self, name: str, disks: dict[int, SmallDisk]) -> ValkeyServer:
        disk = self._disk(name) if "disk full" in self.kinds else None
        place: dict[str, str | int] = {} if disk is None else {"dir": f'"{disk.path}"'}
        kind = SteppedValkey if self.stage.stepped else ValkeyServer
        server = self.stack.enter_context(kind(self.folder / name, repl_diskless_sync_delay=0, **place))
        if disk is not None:
            disks[server.port] = disk
        return server

    def _disk(self, name: str) -> SmallDisk | None:
        megabytes = max(16, self.tickets // DISK_TICKETS_PER_MEGABYTE)
        try:
            return self.stack.enter_context(SmallDisk(self.folder / f"{name}-disk", megabytes))
        except ServiceMissing as missing:
            self.report(f"left out: disk full. {missing}")
            return None
