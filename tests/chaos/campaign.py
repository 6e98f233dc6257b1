"""The campaign: tickets by every door while workers, store, broker, provider and clocks fail; then the audit."""

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from fallbacks.errors import StoreUnreachable
from tests.chaos.doors import REFUSALS, AmqpDoor, Door, RedisDoor
from tests.chaos.faults import Faults
from tests.chaos.fleet import FleetLedger
from tests.chaos.lasting import last
from tests.chaos.load import Load
from tests.chaos.provider import BLIPS
from tests.chaos.scene import STAGES, Builder, Scene
from tests.chaos.verdict import REST, Verdict, judge
from tests.services.waiting import wait_for

BACKLOG_SHARE = 0.2
"""Of all tickets, waiting before the first worker starts."""

RECOVERY_SECONDS = 300.0
"""The longest wait of a ticket that has met a blip several times, and of its probe."""

BUSY_SECONDS = 10.0
"""For a ticket to be at work before a fault strikes; then it strikes all the same."""

WELL_SECONDS = 60.0
"""For the breaker to close after the last blip, so that the next one is met by more than a probe."""


@dataclass
class Result:
    """loads: tickets that ran and that were parked as faults struck, by kind. recovery_seconds: from the last fault to
    the last ticket at rest."""

    verdict: Verdict
    faults: Counter[str]
    loads: dict[str, Counter[str]]
    tickets: int
    seconds: float
    recovery_seconds: float
    seed: int

    @property
    def held(self) -> bool:
        return self.verdict.held

    def summary(self) -> str:
        faults = ", ".join(f"{name} {count}" for name, count in sorted(self.faults.items()))
        return "\n".join([
            self.verdict.summary(),
            f"{self.tickets} tickets in {self.seconds:.0f} s; faults: {faults}",
            f"time to recover {self.recovery_seconds:.1f} s; seed {self.seed}",
        ])  # fmt: skip


@dataclass
class Campaign:
    """rounds: how often every kind of fault strikes (a blip: once). kinds: None for all of the stage."""

    folder: Path
    tickets: int
    workers: int
    seed: int
    rounds: int = 3
    stage: str = "redis"
    kinds: Sequence[str] | None = None
    report: Callable[[str], object] = lambda _: None
    make: str = "anthropic"
    loads: dict[str, Counter[str]] = field(default_factory=dict)

    def run(self) -> Result:
        began = monotonic()
        stage = STAGES[self.stage]
        kinds = stage.kinds if self.kinds is None else self.kinds
        with ExitStack() as stack:
            scene = Builder(stack, self.folder, stage, kinds, self.tickets, self.seed, self.report, self.make).build()
            ledger = stack.enter_context(FleetLedger(scene.fleet))
            door = _door(scene)
            load = Load(ledger, door, self.tickets, self.seed)
            faults = Faults(random.Random(self.seed), scene, load, self.workers, kinds)
            backlog = int(self.tickets * BACKLOG_SHARE)
            self.report(f"seed {self.seed}, stage {self.stage}: {backlog} tickets wait for the first worker")
            load.bring(backlog)
            self._storm(ledger, load, faults)
            healed = monotonic()
            faults.heal()
            self.report(f"{healed - began:6.1f} s  healed; waiting for everything to come to rest")
            self._rest(ledger, door, load, faults)
            recovered = monotonic()
            verdict = judge(ledger, load, scene)
            seconds = recovered - began, recovered - healed
            return Result(verdict, faults.struck, self.loads, len(load.accepted), *seconds, self.seed)

    def _storm(self, ledger: FleetLedger, load: Load, faults: Faults) -> None:
        """Faults one after the other, and with each of them its share of the tickets."""
        began = monotonic()
        faults.begin()
        schedule = list(faults.schedule(self.rounds))
        with load.brought():
            for number, kind in enumerate(schedule):
                load.order(len(load.waiting) // (len(schedule) - number))
                states = self._busy(ledger, kind)
                found = faults.strike(kind)
                self.report(f"{monotonic() - began:6.1f} s  {kind} ({states}){': ' if found else ''}{found}")

    def _busy(self, ledger: FleetLedger, kind: str) -> str:
        """Wait until something runs, and before a blip several. Returns what is on its way, in words."""
        states: dict[str, int] = {}
        least, seconds = (2 * self.workers, WELL_SECONDS) if kind in BLIPS else (1, BUSY_SECONDS)

        def running() -> bool:
            with contextlib.suppress(StoreUnreachable):
                states.update(dict.fromkeys(("queued", "running", "parked"), 0) | ledger.states())
            return states.get("running", 0) >= least

        with contextlib.suppress(AssertionError):
            wait_for(running, seconds, interval=0.1)
        moving = {name: states.get(name, 0) for name in ("queued", "running", "parked")}
        self.loads.setdefault(kind, Counter()).update(moving)
        return ", ".join(f"{count} {name}" for name, count in moving.items())

    def _rest(self, ledger: FleetLedger, door: Door, load: Load, faults: Faults) -> None:
        """Until nothing is on its way any more, or recovery takes too long: then the verdict says what is stuck."""
        ends = monotonic() + RECOVERY_SECONDS
        expected = len(load.accepted) + len(load.bad)
        while monotonic() < ends:
            with contextlib.suppress(StoreUnreachable, *REFUSALS):
                states = ledger.states()
                if not door.waiting() and set(states) <= set(REST) and sum(states.values()) >= expected:
                    return
            faults.keep_up()  # a ticket that kills its worker may be among the last
            last(0.2)


def _door(scene: Scene) -> Door:
    return AmqpDoor(scene.rabbitmq.url) if scene.rabbitmq else RedisDoor(lambda: scene.server.url)
