"""A deployment of its own for one scenario: store, model, workers, web, Prometheus, Alertmanager, and who is woken."""

import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
from redis import Redis

from tests.scenarios.watching import Alertmanager, Prometheus, notified
from tests.services.celery_worker import CeleryWorker
from tests.services.http_sink import HttpSink
from tests.services.process import ServerProcess
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from worker import sample
from worker.simulator.server import Simulator, run_in_thread

ROOT = Path(__file__).parents[2]
DAY_MS = 86_400_000
BEFORE_MS = 360_000
"""How long ago the look at the whole is dated that counts as before the fault."""

PATIENCE_SECONDS = 240.0

TICKETS = [dict(each["ticket"]) for each in sample.sample_tickets("test", 400)]  # type: ignore[call-overload]

SETTINGS = {
    "MODEL": "claude-haiku-5-5",
    "MIN_CONFIDENCE": "0.3",
    "LEASE_SECONDS": "3",
    "SWEEP_SECONDS": "0.5",
    "MAX_WAIT_SECONDS": "900",
    "MAX_COST_USD": "1",
    "WEBHOOK_SECRET": "whsec_c2NlbmFyaW9zLXNjZW5hcmlvcy1zY2VuYXJpb3M=",
    "WEBHOOK_ALLOW_PRIVATE": "true",
}


class WebProcess(ServerProcess):
    """`deskhand serve`."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        super().__init__(folder)
        self.environ = {**environ, "DESKHAND_PORT": str(self.port)}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "worker.cli", "serve"]

    def environment(self) -> dict[str, str]:
        return {**self.environ}

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


@dataclass(slots=True)
class Stage:
    """Everything that runs. upstream: takes outcomes. woken: takes notifications; those of `night` are this one's.

    given: settings beside the usual ones.
    """

    folder: Path
    store: ValkeyServer
    model: Simulator
    upstream: HttpSink
    woken: HttpSink
    web: WebProcess
    prometheus: Prometheus
    night: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    workers: dict[str, CeleryWorker] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, str]:
        return settings_of(self.upstream, self.given)

    def environ(self, **more: str) -> dict[str, str]:
        return environ_of(self.folder, self.store.url, self.model.url, {**self.settings, **more})

    def work(self, name: str, concurrency: int = 32, version: str = "v1", **more: str) -> CeleryWorker:
        """Start a worker; `handoff` by its name hands off, any other works tickets."""
        queues = ("handoff",) if name.startswith("handoff") else ("tickets",)
        environ = {"ANTHROPIC_API_KEY": "none", "ANTHROPIC_BASE_URL": more.pop("model", self.model.url)}
        environ["OTEL_RESOURCE_ATTRIBUTES"] = f"service.version={version}"
        settings = {**self.settings, **more}
        worker = CeleryWorker(self.folder / name, self.store.url, settings, environ, queues, concurrency)
        self.workers[name] = worker.start()
        return worker

    def deskhand(self, *arguments: str, given: str = "") -> Any:
        """What a command prints with --json."""
        command = [sys.executable, "-m", "worker.cli", *arguments, "--json"]
        ran = subprocess.run(
            command, env=self.environ(), cwd=ROOT, input=given, capture_output=True, text=True, check=False
        )
        if ran.returncode > 1 or not ran.stdout:
            raise RuntimeError(f"{arguments}: {ran.stderr or ran.stdout}")
        return json.loads(ran.stdout.splitlines()[-1])

    def counts(self) -> dict[str, int]:
        """Tickets by state."""
        with self.store.client() as redis:
            names = ("queued", "running", "parked", "suggested", "handed_off", "decided", "cancelled")
            return {name: int(redis.zcard(f"deskhand:s:{name}")) for name in names}

    def until(self, condition: Any, what: str) -> None:
        wait_for(condition, PATIENCE_SECONDS, what, interval=0.2)

    def woken_by(self, *alerts: str) -> str:
        """The first of these alerts that has come, "" for none yet."""
        return next((name for name in notified(self.woken, self.night) if name in alerts), "")

    @contextmanager
    def traffic(self, a_second: float = 3.0, **fields: Any) -> Iterator[None]:
        """Tickets that keep coming over HTTP."""
        ended = threading.Event()

        def send() -> None:
            dice = random.Random(7)
            with httpx.Client(base_url=self.web.url, timeout=30) as client:
                while not ended.wait(1 / a_second):
                    who = {"requester": {"id": f"customer-{dice.randrange(30)}"}}
                    found = {name: value for name, value in dice.choice(TICKETS).items() if name != "id"}
                    client.post("/v1/tickets", json={**found, **who, **fields})

        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def a_day_passes(self, seconds: float = 20.0) -> None:
        """Traffic as on any day. Its end is dated to before the fault, its beginning to a day ago."""
        began = monotonic()
        with self.traffic(6):
            self.until(lambda: monotonic() - began > seconds, "the day")
        self.until(lambda: self.counts()["suggested"] > 30 and not self.counts()["queued"], "the day's tickets")
        self.deskhand("status")
        with self.store.client() as redis:
            self._date_the_trend(redis)

    def _date_the_trend(self, redis: "Redis") -> None:
        now = int(redis.time()[0]) * 1000
        counters = {name: int(value) for name, value in redis.hgetall("deskhand:n").items()}
        meters = {name: int(value) for name, value in redis.hgetall("deskhand:m").items() if "|le=" not in name}
        look = {"states": self.counts(), "inbox": {}, "counters": counters, "meters": meters}
        nothing = {"states": {}, "inbox": {}, "counters": {}, "meters": {}}
        redis.delete("deskhand:trend")
        redis.rpush("deskhand:trend", json.dumps({"at": now - BEFORE_MS, **look}))
        redis.rpush("deskhand:trend", json.dumps({"at": now - DAY_MS, **nothing}))
        redis.set("deskhand:trend_turn", 2, ex=3600)


def environ_of(folder: Path, store: str, model: str, settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process of the stage."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DESKHAND_")}
    set_ = {f"DESKHAND_{name}": value for name, value in settings.items()}
    ours = {"DESKHAND_REDIS_URL": store, "DESKHAND_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
    return {**inherited, **set_, **ours, "ANTHROPIC_API_KEY": "none", "ANTHROPIC_BASE_URL": model}


def settings_of(upstream: HttpSink, given: Mapping[str, str]) -> dict[str, str]:
    """What every process of the stage is set to."""
    return {**SETTINGS, "WEBHOOK_URL": f"{upstream.url}/outcomes", **given}


@dataclass(frozen=True, slots=True)
class Watch:
    """Who watches, and who is woken."""

    prometheus: Prometheus
    woken: HttpSink


@contextmanager
def watched(folder: Path) -> Iterator[Watch]:
    """Prometheus and Alertmanager, with nothing to look at yet."""
    with HttpSink() as woken, Alertmanager(folder / "alertmanager", woken) as manager:
        where = manager.url.removeprefix("http://")
        with Prometheus(folder / "prometheus", (), where) as prometheus:
            yield Watch(prometheus, woken)


@contextmanager
def deployed(
    folder: Path,
    watch: Watch,
    night: str = "",
    latency: str = "0.1",
    store: ValkeyServer | None = None,
    given: Mapping[str, str] | None = None,
    scrape: str = "1s",
) -> Iterator[Stage]:
    """A deployment without workers of tickets, watched, and ended in good order. night: the label of its alerts.

    scrape: how often, and how long it may take.
    """
    with ExitStack() as stack:
        store = stack.enter_context(store or ValkeyServer(folder / "store", maxmemory="200mb"))
        model = stack.enter_context(run_in_thread(latency=latency, reads_context=True))
        upstream, settings = stack.enter_context(HttpSink()), given or {}
        environ = environ_of(folder, store.url, model.url, settings_of(upstream, settings))
        web = stack.enter_context(WebProcess(folder / "web", environ))
        stage = Stage(folder, store, model, upstream, watch.woken, web, watch.prometheus, night, settings)
        stack.callback(lambda: [worker.stop() for worker in stage.workers.values()])
        stage.work("handoff", 4)
        labels = {"night": night, "__scrape_interval__": scrape, "__scrape_timeout__": scrape}
        watch.prometheus.watch([{"targets": [web.url.removeprefix("http://")], "labels": labels}])
        yield stage


@contextmanager
def staged(folder: Path, latency: str = "0.1") -> Iterator[Stage]:
    """All of it for one night."""
    with watched(folder) as watch, deployed(folder, watch, latency=latency) as stage:
        yield stage
