"""The campaign: tickets by every door while workers, broker, model and clocks fail; then the books are read."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.chaos.faults import Faults
from tests.chaos.fleet import Books, Fleet
from tests.chaos.load import KILLER, URGENT, Load
from tests.chaos.receiver import SECRET, Receiver
from tests.chaos.test_crash_matrix import SCRIPT
from tests.chaos.verdict import REST, Verdict, judge
from tests.services.http_sink import HttpSink
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
    {"fault": "prose", "share": 0.02},
    {"fault": "invented_evidence", "share": 0.02},
    {"fault": "slow", "share": 0.05, "seconds": 1.0},
)
RECOVERY_SECONDS = 180.0

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
    """rounds: how often every kind of fault strikes at least."""

    folder: Path
    tickets: int
    workers: int
    seed: int
    rounds: int = 3
    tell: Callable[[str], object] = lambda _: None

    def run(self) -> Result:
        began = monotonic()
        with ExitStack() as stage:
            server = stage.enter_context(ValkeyServer(self.folder / "valkey"))
            simulator = stage.enter_context(run_in_thread(latency="0.05", seed=self.seed))
            alerts, receiver = stage.enter_context(HttpSink()), stage.enter_context(Receiver())
            for trouble in MODEL_TROUBLE:
                simulator.fault(**{"name": trouble["fault"], **{k: v for k, v in trouble.items() if k != "fault"}})
            simulator.fault("script", script=_told_script(), match=URGENT)
            environment = {
                **ENVIRONMENT,
                "ANTHROPIC_BASE_URL": simulator.url,
                "DESKHAND_NOTIFY_URL": f"{receiver.url}/duty",
                "DESKHAND_ALERT_WEBHOOK_URL": f"{alerts.url}/alerts",
            }
            fleet = stage.enter_context(Fleet(self.folder / "fleet", server.url, **environment))
            books = stage.enter_context(Books(fleet))
            redis = stage.enter_context(Redis.from_url(server.url, socket_timeout=3, retry=Retry(NoBackoff(), 0)))
            load = Load(books, redis, self.tickets, self.seed)
            faults = Faults(random.Random(self.seed), fleet, server, alerts, self.workers)
            self.tell(f"seed {self.seed}: {int(self.tickets * BACKLOG_SHARE)} tickets wait for the first worker")
            load.bring(int(self.tickets * BACKLOG_SHARE))
            self._storm(load, faults)
            healed = monotonic()
            faults.heal()
            self.tell("healed; waiting for everything to come to rest")
            self._rest(books, redis)
            recovered = monotonic()
            verdict = judge(books, load, simulator.calls.report(), receiver.acted())
            return Result(verdict, faults.struck, self.tickets, recovered - began, recovered - healed, self.seed)

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

    def _rest(self, books: Books, redis: Redis) -> None:
        """Until nothing is on its way any more, or recovery takes too long: then the verdict says what is stuck."""
        ends = monotonic() + RECOVERY_SECONDS
        keys = ("deskhand:unacked", "deskhand:intake:held")
        while monotonic() < ends:
            on_the_way = sum(int(redis.hlen(key)) for key in keys) + sum(
                int(redis.llen(key)) for key in ("tickets", "handoff", "intake", "deskhand:poison")
            )
            if not on_the_way and set(books.states()) <= set(REST):
                return
            threading.Event().wait(0.2)


def _told_script() -> list[Any]:
    submit = {**SCRIPT[1][0]["input"], "evidence": [URGENT]}
    return [SCRIPT[0], [{**SCRIPT[1][0], "input": submit}]]
