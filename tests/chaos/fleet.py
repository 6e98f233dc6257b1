"""Real Celery worker processes for the tests, and the books they share."""

import atexit
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from fallbacks.ledger.sums.audit import AuditReport, audit
from fallbacks.ledger.views import TicketView
from tasks.ticket import Ticket
from tests.services.waiting import PATIENCE_SECONDS, wait_for
from worker.config.settings import Settings, load_settings
from worker.service.celery_factory import sender_app
from worker.wiring import Parts
from worker.work.event_loop import LoopThread

ROOT = Path(__file__).parents[2]
QUICK = {
    "DESKHAND_MODEL": "claude-haiku-5-5",
    "ANTHROPIC_API_KEY": "sk-test",
    "DESKHAND_LEASE_SECONDS": "2",
    "DESKHAND_SWEEP_SECONDS": "0.5",
    "DESKHAND_DRAIN_SECONDS": "2",
    "DESKHAND_MIN_CONFIDENCE": "0",
    "DESKHAND_ALERT_QUIET_SECONDS": "1",
}
_OF_SETTINGS = {field.validation_alias or f"DESKHAND_{name.upper()}" for name, field in Settings.model_fields.items()}
FOREIGN = ("DESKHAND_", "ANTHROPIC_", "OPENAI_", "SENTRY_", "OTEL_", "CRASH_")


class WorkerProcess:
    """One worker. Its log is in the fleet's folder."""

    def __init__(self, pid: int, name: str, log: Path, process: subprocess.Popen[bytes] | None = None) -> None:
        self.pid, self.name, self.log, self._process = pid, name, log, process

    def alive(self) -> bool:
        if self._process is not None:
            return self._process.poll() is None
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def send(self, number: int) -> None:
        if self.alive():
            os.kill(self.pid, number)

    def kill9(self) -> None:
        self.send(signal.SIGKILL)
        wait_for(lambda: not self.alive(), message=f"the end of {self.name}")

    def stop(self, timeout: float = PATIENCE_SECONDS) -> None:
        """SIGTERM, and wait for the end."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        wait_for(lambda: not self.alive(), timeout, f"{self.name} to drain, see {self.log}")

    def reap(self) -> None:
        """Take note of the end of a process of ours; a forked one leaves none to take."""
        if self._process is not None:
            self._process.wait(PATIENCE_SECONDS)

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


class Fleet:
    """`with Fleet(folder, redis_url) as fleet:` starts workers by `fleet.start()` and ends them all on leaving."""

    def __init__(self, folder: Path, redis_url: str, broker_url: str | None = None, **environment: str) -> None:
        self.folder = folder
        self.workers_only: dict[str, str] = {}
        """Environment of the workers that the books' reader does not share."""
        self.redis_url = redis_url
        folder.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        self.environment = {
            **kept,
            **QUICK,
            "DESKHAND_REDIS_URL": redis_url,
            "DESKHAND_BROKER_URL": broker_url or redis_url,
            "DESKHAND_HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            **environment,
        }
        self.workers: list[WorkerProcess] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.send(signal.SIGKILL)
        for worker in self.workers:
            worker.reap()

    def start(self, queues: str = "tickets,handoff", slots: int = 4, **environment: str) -> WorkerProcess:
        """A worker, ready when `ready` says so."""
        name = f"worker-{len(self.workers)}"
        log = self.folder / f"{name}.log"
        order = {
            "env": {**self.environment, **self.workers_only, **environment},
            "argv": self._argv(name, queues, slots),
            "log": str(log),
        }
        worker = WorkerProcess(_zygote.fork(order), name, log)
        self.workers.append(worker)
        return worker

    def start_cold(self, *before: str, queues: str = "tickets,handoff", slots: int = 4, **environment: str) -> WorkerProcess:  # fmt: skip # noqa: E501
        """A worker in an interpreter of its own, under a command such as faketime."""
        name = f"worker-{len(self.workers)}"
        log = self.folder / f"{name}.log"
        call = "import sys; from tests.chaos.failing_app import build; build().worker_main(sys.argv[1:])"
        env = {**self.environment, **self.workers_only, **environment}
        with log.open("ab") as out:
            process = subprocess.Popen(
                [*before, sys.executable, "-c", call, *self._argv(name, queues, slots)],
                env=env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip
        worker = WorkerProcess(process.pid, name, log, process)
        self.workers.append(worker)
        return worker

    def ready(self, *workers: WorkerProcess, timeout: float = PATIENCE_SECONDS) -> None:
        for worker in workers:
            wait_for(lambda w=worker: " ready." in w.said() or not w.alive(), timeout, f"{worker.name}: {worker.log}")  # type: ignore[misc]

    def settings(self) -> Settings:
        values = {
            name.removeprefix("DESKHAND_").lower() if name.startswith("DESKHAND_") else name: value
            for name, value in self.environment.items()
            if name in _OF_SETTINGS
        }
        return load_settings(**values)

    def _argv(self, name: str, queues: str, slots: int) -> list[str]:
        lean = ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
        return ["worker", "-P", "threads", "-c", str(slots), "-Q", queues, "-n", f"{name}@test", "-O", "fair", *lean]


class _Zygote:
    """The warm process that workers are forked from: one for the whole test run, ended with it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def fork(self, order: dict[str, Any]) -> int:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.zygote"], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
                text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            atexit.register(self.end)
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.communicate(timeout=PATIENCE_SECONDS)  # closes its input, which is its end


_zygote = _Zygote()


class FleetLedger:
    """The fleet's books and queues as a sender and reader sees them, without asyncio."""

    def __init__(self, fleet: Fleet) -> None:
        self.settings = fleet.settings()
        self.loop = LoopThread()
        self.parts = Parts(self.settings, sender_app(self.settings, fleet.redis_url), fleet.redis_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.run(self.parts.aclose())

    def accept(self, *tickets: dict[str, Any], publish: bool = True) -> list[str]:
        """Put tickets into the books and on the queue."""

        async def work() -> list[str]:
            limits, wait = self.settings.limits, self.settings.max_wait_seconds
            read = [Ticket.model_validate(found) for found in tickets]
            ids = [(await self.parts.ledger.accept(one, limits, max_wait_seconds=wait)).id for one in read]
            if publish:
                await self.parts.publisher.publish([("triage", ticket_id) for ticket_id in ids])
            return ids

        return self.loop.run(work())

    def states(self) -> dict[str, int]:
        stats = self.loop.run(self.parts.views.stats())
        return {state: count for state, count in stats.states.items() if count}

    def view(self, ticket_id: str) -> TicketView:
        return self.loop.run(self.parts.views.ticket(ticket_id))

    def journal(self, ticket_id: str) -> list[dict[str, Any]]:
        return [json.loads(event) for event in self.loop.run(self.parts.views.journal(ticket_id))]

    def ids(self, state: str) -> list[str]:
        """Wherever they are; one in both is one."""

        async def look() -> list[str]:
            live = [member for member, _ in await self.parts.store.ranked(f"s:{state}", 0, -1)]
            _, rows = await self.parts.history.query("SELECT id FROM tickets WHERE state = :state", {"state": state})
            elsewhere = [one for (one,) in rows if not await self.parts.store.row(one)]
            return [*live, *elsewhere]

        return self.loop.run(look())

    def audit(self) -> AuditReport:
        return self.loop.run(audit(self.parts.store, self.parts.history))

    def wait_rest(self, count: int, timeout: float = PATIENCE_SECONDS, states: Sequence[str] = ("suggested", "handed_off", "decided", "rejected", "cancelled")) -> None:  # fmt: skip # noqa: E501
        """Until this many tickets are at rest and none is on its way."""

        def resting() -> bool:
            now = self.states()
            return sum(now.get(state, 0) for state in states) >= count and sum(now.values()) == sum(
                now.get(state, 0) for state in states
            )

        try:
            wait_for(resting, timeout, f"{count} tickets at rest", 0.1)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.states()}") from None


def ticket(number: int, text: str = "My card has not arrived yet, it was ordered two weeks ago.") -> dict[str, Any]:
    return {"id": f"t{number}", "source": "chaos", "subject": f"Question {number}", "body": text}
