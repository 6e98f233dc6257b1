"""Where a scenario is played: simulated model, alert receiver, an embedded store and real workers, all its own."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

from fallbacks.ledger.states import SETTLED, HintKind
from fallbacks.ledger.views import Stats
from tasks.ticket import Ticket
from worker import sample
from worker.config.errors import WorkerError
from worker.config.settings import DEFAULT_REMOTE_MODEL, PREFIX, Settings
from worker.drill.alert_sink import AlertReceiver
from worker.service.celery_factory import sender_app
from worker.service.embedded_valkey import EmbeddedValkey
from worker.service.stack import Stack
from worker.simulator.server import Simulator
from worker.wiring import Parts

QUICK: Mapping[str, str] = {
    "model": DEFAULT_REMOTE_MODEL,
    "lease_seconds": "3",
    "sweep_seconds": "0.5",
    "drain_seconds": "1",
    "call_seconds": "5",
    "max_seconds": "60",
    "max_wait_seconds": "60",
    "alert_quiet_seconds": "1",
    "min_confidence": "0",
}
"""A failure that takes minutes in production takes seconds here; the plan is the same. The simulated model is
believed whatever it answers: only the failure under rehearsal may bring a ticket to people."""

LIVE = (PREFIX, "ANTHROPIC_", "OPENAI_", "SENTRY_", "OTEL_")
"""Environment of the live deployment, by prefix: none of it reaches a drill's processes."""

SLOTS = 8
POLL_SECONDS = 0.1


class Stage:
    """`async with Stage(...)` stands from the first line to the last; everything is ended and closed after it.

    settings: fields of `Settings` as text, over the quick ones. patience_seconds: longest wait for any condition.
    """

    def __init__(
        self, name: str, home: Path, settings: Mapping[str, str], latency: str = "none", patience_seconds: float = 60.0
    ) -> None:
        self.name = name
        self.home = home / name
        self.patience_seconds = patience_seconds
        self.simulator = Simulator(latency=latency)
        self.receiver = AlertReceiver()
        self._fields = {**QUICK, **settings, "namespace": f"drill-{name.replace('_', '-')}"}
        self._valkey = EmbeddedValkey(self.home)
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opened:
            await opened.enter_async_context(self.simulator)
            await opened.enter_async_context(self.receiver)
            opened.push_async_callback(asyncio.to_thread, self._valkey.stop)
            url = await asyncio.to_thread(self._valkey.start)
            environment = self._environment(url)
            self.settings = _settings(environment)
            self.stack = Stack(self.settings, SLOTS, self.home / "logs", web=False, environment=environment)
            opened.push_async_callback(asyncio.to_thread, self.stack.stop)
            await asyncio.to_thread(self.stack.__enter__)
            self.parts = Parts(self.settings, sender_app(self.settings, url), url)
            opened.push_async_callback(self._close_parts)
            self._exit = opened.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    async def stats(self) -> Stats:
        """The numbers of the ledger."""
        return await self.parts.views.stats()

    async def workers_up(self) -> None:
        """Until both workers beat. Raises `WorkerError` when one ends instead."""
        await self.until(self._both_beat, check=True)

    async def accept(self, tickets: Sequence[Mapping[str, Any]]) -> list[str]:
        """Put tickets into the ledger and on the queue. Returns their ids."""
        limits, wait = self.settings.limits, self.settings.max_wait_seconds
        read = [Ticket.model_validate(ticket) for ticket in tickets]
        accepted = [await self.parts.ledger.accept(ticket, limits, max_wait_seconds=wait) for ticket in read]
        await self.parts.publisher.publish([(HintKind.TRIAGE, ticket.id) for ticket in accepted])
        return [ticket.id for ticket in accepted]

    async def kill_worker(self) -> None:
        """kill -9 the agent worker and start another, as an orchestrator would."""
        await asyncio.to_thread(self.stack.kill, "worker")
        self.stack.start_worker()

    async def restart_store(self) -> None:
        """kill -9 the Valkey and start it on its append-only file."""
        pid = int((self._valkey.folder / "valkey.pid").read_text("ascii"))
        os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(self._valkey.start)

    async def at_rest(self, ids: Sequence[str]) -> bool:
        """Until every ticket is at rest. False when patience ends first."""

        async def resting() -> bool:
            return {(await self.parts.views.ticket(ticket_id)).state for ticket_id in ids} <= SETTLED

        return await self.until(resting)

    async def alerts_sent(self) -> bool:
        """Until every hand-off was reported to the receiver and the ledger says so. False when patience ends first."""

        async def all_sent() -> bool:
            counters = (await self.stats()).counters
            return counters.get("alerts_told", 0) == counters.get("alerts_raised", 0) == self.receiver.reported

        return await self.until(all_sent)

    async def until(self, condition: Callable[[], Any], *, check: bool = False) -> bool:
        """Poll a coroutine function until it is true. False after `patience_seconds`. check: workers must be alive."""
        ends = monotonic() + self.patience_seconds
        while not await condition():
            if check:
                self.stack.check()
            if monotonic() > ends:
                if check:
                    raise WorkerError(f"{self.name}: no worker came up; see {self.home / 'logs'}")
                return False
            await asyncio.sleep(POLL_SECONDS)
        return True

    async def _both_beat(self) -> bool:
        beats = (await self.stats()).workers
        return {queue for beat in beats for queue in beat["queues"]} >= {"tickets", "handoff"}

    async def _close_parts(self) -> None:
        await self.parts.aclose()
        self.parts.app.close()

    def _environment(self, redis_url: str) -> dict[str, str]:
        """What the workers start with: this process's environment without anything live, and the drill's own."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(LIVE)}
        own = {
            **self._fields,
            "home": str(self.home),
            "redis_url": redis_url,
            "alert_webhook_url": self.receiver.url,
        }
        return {
            **kept,
            "ANTHROPIC_API_KEY": "drill",
            "ANTHROPIC_BASE_URL": self.simulator.url,
            **{f"{PREFIX}{name.upper()}": value for name, value in own.items()},
        }


def tickets(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Sample tickets with ids `drill-1`, `drill-2`, ..."""
    rows: list[dict[str, Any]] = sample.sample_tickets("test", count, seed)
    return [{**row["ticket"], "id": f"drill-{number}"} for number, row in enumerate(rows, 1)]


def _settings(environment: Mapping[str, str]) -> Settings:
    """The settings that the workers will read, without looking at this process's own."""
    fields = {
        name.removeprefix(PREFIX).lower(): value for name, value in environment.items() if name.startswith(PREFIX)
    }
    keys = {name.lower(): environment[name] for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL")}
    return Settings(_env_prefix="DRILL_READS_NO_", **fields, **keys)  # type: ignore[arg-type]
