"""The campaign: tickets by every door while workers, broker, model and clocks fail; then the books are read."""

import contextlib
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.chaos.doors import REFUSALS, AmqpDoor, Door, RedisDoor
from tests.chaos.faults import KINDS, Faults, Scene
from tests.chaos.fleet import Fleet, FleetLedger
from tests.chaos.load import KILLER, URGENT, Load
from tests.chaos.receiver import SECRET, Receiver
from tests.chaos.test_crash_matrix import SCRIPT
from tests.chaos.verdict import REST, Verdict, judge
from tests.services.http_sink import HttpSink
from tests.services.process import ServiceMissing
from tests.services.rabbitmq import RabbitMQServer
from tests.services.small_disk import SmallDisk
from tests.services.tcp_proxy import TcpProxy
from tests.services.valkey import ValkeyServer
from worker.simulator import run_in_thread

BACKLOG_SHARE = 0.4
"""Of all tickets, waiting before the first worker starts."""

MODEL_TROUBLE: tuple[dict[str, Any], ...] = (
    {"fault": "529", "share": 0.02},
    {"fault": "429", "share": 0.02, "retry_after": 1},
    {"fault": "500", "share": 0.01},
    {"fault": "cut", "share": 0.01},
    {"fault": "cut_before_reply", "share": 0.01},
    {"fault": "malformed_json", "share": 0.01},
    {"fault": "error200", "share": 0.01},
    {"fault": "repeated_ids", "share": 0.02},
    {"fault": "prose", "share": 0.02},
    {"fault": "invented_evidence", "share": 0.02},
    {"fault": "slow", "share": 0.05, "seconds": 1.0},
)
RECOVERY_SECONDS = 180.0
DISK_TICKETS_PER_MEGABYTE = 12
"""The append-only file of so many tickets, and of its rewriting, takes less."""

ENVIRONMENT = {
    "DESKHAND_TOOLS": "search_knowledge_base,notify_team",
    "DESKHAND_NOTIFY_SECRET": SECRET,
    "DESKHAND_DAILY_BUDGET_USD": "50",
    "DESKHAND_CALL_SECONDS": "5",
    "DESKHAND_LEASE_SECONDS": "3",
    "CRASH_TEXT": KILLER,
}


@dataclass
class Result:
    """recovery_seconds: from the last fault to the last ticket at rest."""

    verdict: Verdict
    faults: Counter[str]
    tickets: int
    seconds: float
    recovery_seconds: float
    seed: int

    @property
    def held(self) -> bool:
        return self.verdict.held

    def told(self) -> str:
        faults = ", ".join(f"{name} {count}" for name, count in sorted(self.faults.items()))
        return "\n".join([
            self.verdict.told(),
            f"{self.tickets} tickets in {self.seconds:.0f} s; faults: {faults}",
            f"time to recover {self.recovery_seconds:.1f} s; seed {self.seed}",
        ])  # fmt: skip


@dataclass
class Campaign:
    """rounds: how often every kind of fault strikes at least. broker: `redis` or `amqp`; the books are in a Valkey."""

    folder: Path
    tickets: int
    workers: int
    seed: int
    rounds: int = 3
    broker: str = "redis"
    kinds: Sequence[str] = KINDS
    tell: Callable[[str], object] = lambda _: None

    def run(self) -> Result:
        began = monotonic()
        with ExitStack() as stage:
            scene = self._scene(stage)
            simulator = stage.enter_context(run_in_thread(latency="0.05", seed=self.seed))
            receiver = stage.enter_context(Receiver())
            for trouble in MODEL_TROUBLE:
                simulator.fault(**{"name": trouble["fault"], **{k: v for k, v in trouble.items() if k != "fault"}})
            simulator.fault("script", script=_told_script(), match=URGENT)
            scene.fleet.environment |= {
                "ANTHROPIC_BASE_URL": simulator.url,
                "DESKHAND_NOTIFY_URL": f"{receiver.url}/duty",
                "DESKHAND_ALERT_WEBHOOK_URL": f"{scene.alerts.url}/alerts",
            }
            ledger = stage.enter_context(FleetLedger(scene.fleet))
            door = self._door(stage, scene)
            load = Load(ledger, door, self.tickets, self.seed)
            faults = Faults(random.Random(self.seed), scene, self.workers, self.kinds)
            self.tell(f"seed {self.seed}: {int(self.tickets * BACKLOG_SHARE)} tickets wait for the first worker")
            load.bring(int(self.tickets * BACKLOG_SHARE))
            self._storm(load, faults)
            healed = monotonic()
            faults.heal()
            self.tell("healed; waiting for everything to come to rest")
            self._rest(ledger, door, load, faults)
            recovered = monotonic()
            verdict = judge(ledger, load, simulator.calls.report(), receiver.acted())
            return Result(verdict, faults.struck, self.tickets, recovered - began, recovered - healed, self.seed)

    def _scene(self, stage: ExitStack) -> Scene:
        """Servers, and a fleet whose workers see the Valkey through the proxy. Everything ends with the stage."""
        disk = self._disk(stage) if "disk full" in self.kinds else None
        place: dict[str, str | int] = {} if disk is None else {"dir": f'"{disk.path}"'}
        server = stage.enter_context(ValkeyServer(self.folder / "valkey", **place))
        proxy = stage.enter_context(TcpProxy(server.port))
        rabbitmq = stage.enter_context(RabbitMQServer(self.folder / "rabbitmq")) if self.broker == "amqp" else None
        alerts = stage.enter_context(HttpSink())
        broker_url = rabbitmq.url if rabbitmq else server.url
        fleet = stage.enter_context(Fleet(self.folder / "fleet", server.url, broker_url, **ENVIRONMENT))
        seen = f"redis://127.0.0.1:{proxy.port}/0"
        fleet.workers_only = {"DESKHAND_REDIS_URL": seen, "DESKHAND_BROKER_URL": rabbitmq.url if rabbitmq else seen}
        return Scene(fleet, server, proxy, alerts, disk, rabbitmq)

    def _disk(self, stage: ExitStack) -> SmallDisk | None:
        megabytes = max(16, self.tickets // DISK_TICKETS_PER_MEGABYTE)
        try:
            return stage.enter_context(SmallDisk(self.folder / "disk", megabytes))
        except ServiceMissing as missing:
            self.tell(f"left out: disk full. {missing}")
            return None

    def _door(self, stage: ExitStack, scene: Scene) -> Door:
        if scene.rabbitmq is not None:
            return AmqpDoor(scene.rabbitmq.url)
        redis = Redis.from_url(scene.server.url, socket_timeout=3, retry=Retry(NoBackoff(), 0))
        return RedisDoor(stage.enter_context(redis))

    def _storm(self, load: Load, faults: Faults) -> None:
        """Faults one after the other while the rest of the tickets comes in."""
        failures: list[BaseException] = []

        def bring() -> None:
            try:
                while load.waiting:
                    load.bring(10)
            except BaseException as failure:  # told by the main thread
                failures.append(failure)

        faults.begin()
        bringing = threading.Thread(target=bring, name="load", daemon=True)
        bringing.start()
        for kind in faults.schedule(self.rounds):
            self.tell(f"{kind}")
            faults.strike(kind)
        while bringing.is_alive():
            for kind in faults.schedule(1):
                if bringing.is_alive():
                    faults.strike(kind)
        bringing.join()
        if failures:
            raise failures[0]

    def _rest(self, ledger: FleetLedger, door: Door, load: Load, faults: Faults) -> None:
        """Until nothing is on its way any more, or recovery takes too long: then the verdict says what is stuck."""
        ends = monotonic() + RECOVERY_SECONDS
        expected = len(load.accepted) + len(load.bad)
        while monotonic() < ends:
            with contextlib.suppress(*REFUSALS):
                states = ledger.states()
                if not door.waiting() and set(states) <= set(REST) and sum(states.values()) >= expected:
                    return
            faults.keep_up()  # a ticket that kills its worker may be among the last
            threading.Event().wait(0.2)


def _told_script() -> list[Any]:
    submit = {**SCRIPT[1][0]["input"], "evidence": [URGENT]}
    return [SCRIPT[0], [{**SCRIPT[1][0], "input": submit}]]
