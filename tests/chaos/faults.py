"""What goes wrong in a campaign, one fault at a time, each undone by itself or by `heal`."""

import contextlib
import random
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from fallbacks.errors import StoreUnreachable
from tests.chaos.fleet import WorkerProcess
from tests.chaos.hostile import hostile_tickets
from tests.chaos.lasting import last
from tests.chaos.load import Load
from tests.chaos.provider import BLIPS
from tests.chaos.scene import KINDS, Scene
from tests.services.http_sink import Answer
from tests.services.stepped_valkey import SteppedValkey
from tests.services.waiting import wait_for

QUEUES = "tickets,handoff,intake"
SLOTS = 8
FROZEN_SECONDS = 4.5
"""Longer than a lease: whoever wakes up has lost its tickets."""

SILENT_SECONDS = 4.0
"""Longer than a lease, shorter than a worker's socket timeout."""

SHIFTS = ("+2h", "-2h")

STEPS = (9, -9, -3600, 7200)
STEPPED_SECONDS = (4.0, 8.0)
"""About as long as it takes each process to look at the clock again."""

ONE_BLIP_SECONDS = (3.0, 4.5)
FEW_CONNECTIONS = 20
"""Of several workers, each of which wants about as many."""

OVERLOAD_SHARE = 0.3
TO_PARK = 40
TO_PARK_SECONDS = 10.0
"""Of so many tickets come now, some are refused within this time."""


class Faults:
    """struck: how often each kind did. kinds: which may; those that cannot be had here are left out."""

    def __init__(self, rng: random.Random, scene: Scene, load: Load, workers: int, kinds: Sequence[str] = KINDS) -> None:  # fmt: skip # noqa: E501
        self._rng = rng
        self._fleet = scene.fleet
        self._scene = scene
        self._load = load
        self._count = workers
        self._live: list[WorkerProcess] = []
        self._odd: WorkerProcess | None = None
        self._shift = rng.choice(SHIFTS)
        self.struck: Counter[str] = Counter()
        self._kinds = {kind: strike for kind, strike in self._possible().items() if kind in kinds}

    def _possible(self) -> dict[str, Callable[[], str | None]]:
        found: dict[str, Callable[[], str | None]] = {
            "kill": self._kill,
            "freeze": self._freeze,
            "broker kill": self._kill_broker,
            "connections cut": self._cut,
            "memory full": self._fill,
            "alerts down": self._alerts_down,
            "half-open": self._go_silent,
            "slow network": self._slow_down,
            "failover by sentinel" if self._scene.pair.sentinel else "failover by name": self._fail_over,
            "maxclients": self._few_connections,
            "hostile text": self._be_hostile,
            **{name: partial(self._blip, name) for name in BLIPS},
        }
        if shutil.which("faketime"):
            found["clock"] = self._wrong_clock
        if self._scene.disks:
            found["disk full"] = self._fill_disk
        if isinstance(self._scene.server, SteppedValkey):
            found["clock step"] = self._step_clock
        if self._scene.rabbitmq is not None:
            found["rabbitmq restart"] = self._restart_rabbitmq
        return {kind: found[kind] for kind in KINDS if kind in found}

    def begin(self) -> None:
        """Start the workers, and one beside them whose clock is two hours off, all the campaign through."""
        self._live = [self._fleet.start(QUEUES, SLOTS) for _ in range(self._count)]
        if "clock" in self._kinds:
            self._odd = self._start_odd()
        self._fleet.ready(*self._live)

    def schedule(self, rounds: int) -> Iterator[str]:
        """Every kind `rounds` times, kills three times as often, each blip once, in an order of the seed's."""
        times = {kind: 1 if kind in BLIPS else rounds * (3 if kind == "kill" else 1) for kind in self._kinds}
        kinds = [kind for kind, count in times.items() for _ in range(count)]
        self._rng.shuffle(kinds)
        yield from kinds

    def strike(self, kind: str) -> str:
        """One fault, and a moment in which work goes on. Returns what is to be said of it, if anything."""
        found = self._kinds[kind]()
        self.struck[kind] += 1
        self._pause(0.2, 0.8)
        self.keep_up()
        return found or ""

    def heal(self) -> None:
        """Everything as it should be, with all workers up."""
        self._scene.alerts.answer = Answer()
        self._scene.provider.heal()
        with self._scene.server.client() as client:
            client.config_set("maxmemory", "0")
        for server in (self._scene.pair.primary, self._scene.pair.replica):
            if isinstance(server, SteppedValkey):
                server.step(0)
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
        self._scene.server.kill9()
        self._pause(0.1, 1.0)
        self._scene.server.start()

    def _cut(self) -> None:
        with self._scene.server.client() as client:
            for kind in ("normal", "pubsub"):
                client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    def _fill(self) -> None:
        with self._scene.server.client() as client:
            client.config_set("maxmemory", "1mb")
            self._pause(1.0, 2.0)
            client.config_set("maxmemory", "0")

    def _fill_disk(self) -> None:
        """The server refuses every write until there is space, and what it had taken before reaches the disk then."""
        disk = self._scene.disks[self._scene.server.port]
        disk.fill()
        try:
            self._wait_append("err", "writes refused for want of space")
            self._pause(1.0, 2.0)
        finally:
            disk.free()
        self._wait_append("ok", "writes taken again")
        self._rewrite_append_only_file()

    def _rewrite_append_only_file(self) -> None:
        """As the runbook says: it may have a gap where a write was cut short, with which no server starts."""
        under_way = ("aof_rewrite_in_progress", "aof_rewrite_scheduled")
        with self._scene.server.client() as client:
            client.bgrewriteaof()
            wait_for(
                lambda: not any(map(client.info("persistence").get, under_way)),
                message="the append-only file to be rewritten",
                interval=0.1,
            )

    def _wait_append(self, status: str, what: str) -> None:
        with self._scene.server.client() as client:
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

    def _restart_rabbitmq(self) -> str:
        """With tickets parked and running, whose hints it holds or is to take."""
        rabbitmq = self._scene.rabbitmq
        assert rabbitmq is not None
        how = self._rng.choice((rabbitmq.kill9, rabbitmq.stop))
        moving = self._park_some()
        how()
        self._pause(0.0, 8.0)
        rabbitmq.start()
        return f"{how.__name__}, {moving}"

    def _fail_over(self) -> str:
        moving = self._park_some()
        return f"{self._scene.pair.fail_over(self._rng)}, {moving}"

    def _park_some(self) -> str:
        """Let the provider refuse some calls, until tickets are parked while others run. Returns how many."""
        provider = self._scene.provider
        self._load.order(TO_PARK)
        provider.overload(OVERLOAD_SHARE)
        found: dict[str, int] = {}

        def both() -> bool:
            with contextlib.suppress(StoreUnreachable):
                found.update({"running": 0, "parked": 0} | self._load.ledger.states())
            return found.get("running", 0) > 0 and found.get("parked", 0) > 0

        with contextlib.suppress(AssertionError):
            wait_for(both, TO_PARK_SECONDS)
        provider.heal()
        return f"{found.get('running', 0)} running and {found.get('parked', 0)} parked"

    def _few_connections(self) -> str:
        """Everyone loses the connection, and not everyone gets another."""
        with self._scene.server.client() as client:
            most = client.config_get("maxclients")["maxclients"]
            client.config_set("maxclients", FEW_CONNECTIONS)
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            self._pause(3.0, 6.0)
            refused = client.info("stats")["rejected_connections"]
            client.config_set("maxclients", most)
        return f"{refused} connections refused so far"

    def _step_clock(self) -> str:
        """Of the primary; its replica's stays, and may be the primary's next."""
        server = self._scene.server
        assert isinstance(server, SteppedValkey)
        ahead = self._rng.choice(STEPS)
        server.step(ahead)
        self._pause(*STEPPED_SECONDS)
        if back := self._rng.random() < 0.5:
            server.step(0)
        return f"{ahead:+d} s beside this machine's{', and back' if back else ''}"

    def _be_hostile(self) -> str:
        lot = hostile_tickets(self._rng, self.struck["hostile text"])
        self._load.order(lot)
        self._pause(2.0, 4.0)
        return f"{len(lot)} tickets"

    def _blip(self, name: str) -> str:
        provider = self._scene.provider
        before = provider.simulator.calls.total_requests
        provider.blip(name)
        self._pause(*ONE_BLIP_SECONDS)
        met = provider.simulator.calls.total_requests - before
        provider.heal()
        return f"{met} calls met it"

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
        self._scene.alerts.answer = Answer(503)
        self._pause(0.5, 1.0)
        self._scene.alerts.answer = Answer()

    def _pause(self, least: float, most: float) -> None:
        last(self._rng.uniform(least, most))
