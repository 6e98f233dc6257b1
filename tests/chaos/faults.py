"""What goes wrong in a campaign, one fault at a time, each undone by itself or by `heal`."""

import random
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.chaos.fleet import Fleet, WorkerProcess
from tests.services.http_sink import Answer, HttpSink
from tests.services.rabbitmq import RabbitMQServer
from tests.services.small_disk import SmallDisk
from tests.services.tcp_proxy import TcpProxy
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for

QUEUES = "tickets,handoff,intake"
SLOTS = 8
FROZEN_SECONDS = 4.5
"""Longer than a lease: whoever wakes up has lost its tickets."""

SILENT_SECONDS = 4.0
"""Longer than a lease, shorter than a worker's socket timeout."""


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
)
"""broker kill: of the server that has the books, which is the broker too where no RabbitMQ is."""

SHIFTS = ("+2h", "-2h")


@dataclass(frozen=True)
class Scene:
    """What faults strike. proxy: between the workers and the server. disk: under its append-only file."""

    fleet: Fleet
    server: ValkeyServer
    proxy: TcpProxy
    alerts: HttpSink
    disk: SmallDisk | None = None
    rabbitmq: RabbitMQServer | None = None


class Faults:
    """struck: how often each kind did. kinds: which may; those that cannot be had here are left out."""

    def __init__(self, rng: random.Random, scene: Scene, workers: int, kinds: Sequence[str] = KINDS) -> None:
        self._rng = rng
        self._fleet = scene.fleet
        self._scene = scene
        self._server = scene.server
        self._alerts = scene.alerts
        self._count = workers
        self._live: list[WorkerProcess] = []
        self._odd: WorkerProcess | None = None
        self._shift = rng.choice(SHIFTS)
        self.struck: Counter[str] = Counter()
        possible: dict[str, Callable[[], None]] = {
            "kill": self._kill,
            "freeze": self._freeze,
            "broker kill": self._kill_broker,
            "connections cut": self._cut,
            "memory full": self._fill,
            "alerts down": self._alerts_down,
            "half-open": self._go_silent,
            "slow network": self._slow_down,
        }
        if shutil.which("faketime"):
            possible["clock"] = self._wrong_clock
        if scene.disk is not None:
            possible["disk full"] = self._fill_disk
        if scene.rabbitmq is not None:
            possible["rabbitmq restart"] = self._restart_rabbitmq
        self._kinds = {kind: possible[kind] for kind in KINDS if kind in kinds and kind in possible}

    def begin(self) -> None:
        """Start the workers, and one beside them whose clock is two hours off, all the campaign through."""
        self._live = [self._fleet.start(QUEUES, SLOTS) for _ in range(self._count)]
        if "clock" in self._kinds:
            self._odd = self._start_odd()
        self._fleet.ready(*self._live)

    def schedule(self, rounds: int) -> Iterator[str]:
        """Every kind `rounds` times, kills three times as often, in an order of the seed's."""
        kinds = [kind for kind in self._kinds for _ in range(rounds * (3 if kind == "kill" else 1))]
        self._rng.shuffle(kinds)
        yield from kinds

    def strike(self, kind: str) -> None:
        """One fault, and a moment in which work goes on."""
        self._kinds[kind]()
        self.struck[kind] += 1
        self._pause(0.2, 0.8)
        self.keep_up()

    def heal(self) -> None:
        """Everything as it should be, with all workers up."""
        self._alerts.answer = Answer()
        with self._server.client() as client:
            client.config_set("maxmemory", "0")
        self._scene.proxy.delay_seconds, self._scene.proxy.deaf = 0.0, False
        self.keep_up()

    def keep_up(self) -> None:
        """As an orchestrator would: who died is replaced. A ticket may have killed it."""
        for worker in [worker for worker in self._live if not worker.alive()]:
            self._live.remove(worker)
            self.struck["workers lost"] += 1
            self._live.append(self._fleet.start(QUEUES, SLOTS))
        if self._odd is not None and not self._odd.alive():
            self.struck["workers of a wrong clock lost"] += 1
            self._odd = self._start_odd()

    def _kill(self) -> None:
        self._rng.choice(self._live).send(signal.SIGKILL)

    def _freeze(self) -> None:
        worker = self._rng.choice(self._live)
        worker.send(signal.SIGSTOP)
        self._pause(FROZEN_SECONDS, FROZEN_SECONDS)
        worker.send(signal.SIGCONT)

    def _kill_broker(self) -> None:
        self._server.kill9()
        self._pause(0.1, 1.0)
        self._server.start()

    def _cut(self) -> None:
        with self._server.client() as client:
            for kind in ("normal", "pubsub"):
                client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    def _fill(self) -> None:
        with self._server.client() as client:
            client.config_set("maxmemory", "1mb")
            self._pause(1.0, 2.0)
            client.config_set("maxmemory", "0")

    def _fill_disk(self) -> None:
        """The server refuses every write until there is space, and what it had taken before reaches the disk then."""
        disk = self._scene.disk
        assert disk is not None
        disk.fill()
        try:
            self._wait_append("err", "writes refused for want of space")
            self._pause(1.0, 2.0)
        finally:
            disk.free()
        self._wait_append("ok", "writes taken again")

    def _wait_append(self, status: str, what: str) -> None:
        with self._server.client() as client:
            wait_for(lambda: client.info("persistence")["aof_last_write_status"] == status, message=what)

    def _go_silent(self) -> None:
        """Every connection of a worker goes half-open for good, and new ones are not answered for a while."""
        proxy = self._scene.proxy
        proxy.deaf = True
        proxy.stall()
        self._pause(SILENT_SECONDS, SILENT_SECONDS)
        proxy.deaf = False
        proxy.stall()  # what was opened meanwhile stays silent, too

    def _slow_down(self) -> None:
        proxy = self._scene.proxy
        proxy.delay_seconds = self._rng.uniform(0.05, 0.3)
        self._pause(1.0, 2.0)
        proxy.delay_seconds = 0.0
        if self._rng.random() < 0.5:
            proxy.cut()

    def _restart_rabbitmq(self) -> None:
        rabbitmq = self._scene.rabbitmq
        assert rabbitmq is not None
        if self._rng.random() < 0.5:
            rabbitmq.kill9()
        else:
            rabbitmq.stop()
        rabbitmq.start()

    def _wrong_clock(self) -> None:
        """The worker two hours off leaves in good order, and one that is off the other way takes its place."""
        if self._odd is not None:
            self._fleet.ready(self._odd)
            self._pause(0.5, 1.5)
            self._odd.send(signal.SIGTERM)
        self._shift = SHIFTS[1 - SHIFTS.index(self._shift)]
        self._odd = self._start_odd()

    def _start_odd(self) -> WorkerProcess:
        return self._fleet.start_cold(
            "faketime", "-m", "-f", self._shift, queues=QUEUES, slots=SLOTS, FAKETIME_DONT_FAKE_MONOTONIC="1"
        )

    def _alerts_down(self) -> None:
        self._alerts.answer = Answer(503)
        self._pause(0.5, 1.0)
        self._alerts.answer = Answer()

    def _pause(self, least: float, most: float) -> None:
        """Not a wait for anything: how long a fault lasts, or work goes on, is part of the campaign."""
        threading.Event().wait(self._rng.uniform(least, most))
