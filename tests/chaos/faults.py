"""What goes wrong in a campaign, one fault at a time, each undone by itself or by `heal`."""

import random
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator

from tests.chaos.fleet import Fleet, WorkerProcess
from tests.services.http_sink import Answer, HttpSink
from tests.services.valkey import ValkeyServer

QUEUES = "tickets,handoff,intake"
SLOTS = 8
FROZEN_SECONDS = 4.5
"""Longer than a lease: whoever wakes up has lost its tickets."""


class Faults:
    """struck: how often each kind did."""

    def __init__(self, rng: random.Random, fleet: Fleet, server: ValkeyServer, alerts: HttpSink, workers: int) -> None:
        self._rng = rng
        self._fleet = fleet
        self._server = server
        self._alerts = alerts
        self._count = workers
        self._live: list[WorkerProcess] = []
        self.struck: Counter[str] = Counter()
        self._kinds: dict[str, Callable[[], None]] = {
            "kill": self._kill,
            "freeze": self._freeze,
            "broker kill": self._kill_broker,
            "connections cut": self._cut,
            "memory full": self._fill,
            "clock": self._wrong_clock,
            "alerts down": self._alerts_down,
        }

    def begin(self) -> None:
        """Start the workers."""
        self._live = [self._fleet.start(QUEUES, SLOTS) for _ in range(self._count)]

    def schedule(self, rounds: int) -> Iterator[str]:
        """Every kind `rounds` times, kills three times as often, in an order of the seed's."""
        kinds = [kind for kind in self._kinds for _ in range(rounds)] + ["kill"] * (2 * rounds)
        if not shutil.which("faketime"):
            kinds = [kind for kind in kinds if kind != "clock"]
        self._rng.shuffle(kinds)
        yield from kinds

    def strike(self, kind: str) -> None:
        """One fault, and a moment in which work goes on."""
        self._kinds[kind]()
        self.struck[kind] += 1
        self._pause(0.2, 0.8)
        self._keep_up()

    def heal(self) -> None:
        """Everything as it should be, with all workers up."""
        self._alerts.answer = Answer()
        with self._server.client() as client:
            client.config_set("maxmemory", "0")
        self._keep_up()

    def _keep_up(self) -> None:
        """As an orchestrator would: who died is replaced. A ticket may have killed it."""
        for worker in [worker for worker in self._live if not worker.alive()]:
            self._live.remove(worker)
            self.struck["workers lost"] += 1
            self._live.append(self._fleet.start(QUEUES, SLOTS))

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

    def _wrong_clock(self) -> None:
        """A worker two hours off joins for a while, then leaves as the others do."""
        shift = self._rng.choice(("+2h", "-2h"))
        worker = self._fleet.start_cold(
            "faketime", "-m", "-f", shift, queues=QUEUES, slots=SLOTS, FAKETIME_DONT_FAKE_MONOTONIC="1"
        )
        self._fleet.ready(worker)
        self._pause(1.0, 2.0)
        worker.send(signal.SIGTERM)

    def _alerts_down(self) -> None:
        self._alerts.answer = Answer(503)
        self._pause(0.5, 1.0)
        self._alerts.answer = Answer()

    def _pause(self, least: float, most: float) -> None:
        """Not a wait for anything: how long a fault lasts, or work goes on, is part of the campaign."""
        threading.Event().wait(self._rng.uniform(least, most))
