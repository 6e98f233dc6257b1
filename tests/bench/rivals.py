"""What is compared, on the same tickets, model server and store: ours, and plain Celery with the SDK, by pools."""

import asyncio
import importlib.util
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

from celery import Celery
from redis import Redis

from fallbacks.store.redis_store import RedisStore
from tasks.run.limits import Limits
from tasks.ticket import Ticket
from tests.bench.meter import cpu_seconds, pss_bytes
from tests.services.celery_worker import REPOSITORY, CeleryWorker
from tests.services.process import ServerProcess
from worker.config.settings import Settings
from worker.service.celery_factory import sender_app
from worker.wiring import Parts

UNBOUND = Limits(max_seconds=600, max_cost_nanodollars=None)


class Rival(ABC):
    """Worker processes and how to give them tickets. slots: of all of them."""

    name: str

    def __init__(self, workers: Sequence[ServerProcess], redis_url: str) -> None:
        self.workers = workers
        self.redis = Redis.from_url(redis_url)

    @contextmanager
    def started(self) -> Iterator[None]:
        """Its workers are up."""
        with ExitStack() as stack:
            stack.callback(self.close)
            for worker in self.workers:
                stack.enter_context(worker)
            yield

    def close(self) -> None:
        """Its own connections."""
        self.redis.close()

    def cpu_seconds(self) -> float:
        """User and system time of all workers since they started."""
        return sum(cpu_seconds(worker.pid) for worker in self.workers)

    def pss_bytes(self) -> int:
        """Memory of all workers; what they share counts once."""
        return sum(pss_bytes(worker.pid) for worker in self.workers)

    @abstractmethod
    def send(self, tickets: list[dict[str, Any]]) -> None:
        """Put tickets on its queue."""

    @abstractmethod
    def done(self) -> int:
        """How many tickets they have finished since they started."""

    @abstractmethod
    def running(self) -> int:
        """How many tickets they work now."""


class Deskhand(Rival):
    """Ours, with everything on: ledger, reservations, journal, leases, sweeps."""

    name = "deskhand"
    pool: str | None = None
    settings: Mapping[str, str] = {}
    """More than the defaults."""

    def __init__(self, folder: Path, redis_url: str, model_url: str, slots: int, processes: int) -> None:
        values = {"MODEL": "claude-haiku-5-5", "MAX_SECONDS": "600", "CALL_SECONDS": "120", "MAX_COST_USD": "none"}
        values |= self.settings
        environ = {"ANTHROPIC_API_KEY": "bench", "ANTHROPIC_BASE_URL": model_url}
        workers = [
            CeleryWorker(folder / f"{n}", redis_url, values, environ, concurrency=slots // processes, pool=self.pool)
            for n in range(processes)
        ]
        super().__init__(workers, redis_url)
        settings = Settings(home=folder, redis_url=redis_url, model="local")
        self.parts = Parts(settings, sender_app(settings, redis_url), redis_url)
        self.runner = asyncio.Runner()

    def send(self, tickets: list[dict[str, Any]]) -> None:
        self.runner.run(self._send([Ticket.model_validate(ticket) for ticket in tickets]))

    def close(self) -> None:
        self.runner.run(cast("RedisStore", self.parts.store).aclose())
        self.runner.close()
        super().close()

    async def _send(self, tickets: list[Ticket]) -> None:
        for start in range(0, len(tickets), 100):
            batch = tickets[start : start + 100]
            accepted = await asyncio.gather(*(self.parts.ledger.accept(ticket, UNBOUND) for ticket in batch))
            await self.parts.publisher.publish([("triage", one.id) for one in accepted])

    def done(self) -> int:
        if failed := self.redis.zrange("deskhand:s:handed_off", 0, 2):
            raise RuntimeError(f"every ticket of the benchmark should end in a suggestion, not {failed}")
        return int(self.redis.zcard("deskhand:s:suggested"))

    def running(self) -> int:
        return int(self.redis.zcard("deskhand:s:running"))


class DeskhandThreads(Deskhand):
    """Ours in Celery's pool of threads."""

    name = "deskhand -P threads"
    pool = "threads"


class DeskhandTwoTools(Deskhand):
    """Ours with the two tools and the one sentence of instructions that plain Celery's worker has."""

    name = "deskhand, 2 tools"
    settings: Mapping[str, str] = {
        "TOOLS": "search_knowledge_base,find_similar_tickets",
        "PROMPT": str(Path(__file__).parent / "two_tools.txt"),
    }


class Naive(Rival):
    """Plain Celery threads and the official SDK; nothing survives a crash."""

    name = "naive celery"
    pool = "threads"

    def __init__(self, folder: Path, redis_url: str, model_url: str, slots: int, processes: int) -> None:
        environ = {"BENCH_REDIS_URL": redis_url, "ANTHROPIC_API_KEY": "bench", "ANTHROPIC_BASE_URL": model_url}
        workers = [_NaiveWorker(folder / f"{n}", environ, self.pool, slots // processes) for n in range(processes)]
        super().__init__(workers, redis_url)
        self.sender = Celery("sender", broker=redis_url, set_as_current=False)

    def send(self, tickets: list[dict[str, Any]]) -> None:
        with self.sender.producer_or_acquire() as producer:
            for ticket in tickets:
                self.sender.send_task("naive.triage", kwargs={"ticket": ticket}, producer=producer, queue="naive")

    def done(self) -> int:
        return int(self.redis.get("naive:done") or 0)

    def close(self) -> None:
        self.sender.close()
        super().close()

    def running(self) -> int:
        return int(self.redis.hlen("unacked"))  # acknowledged late, one message a slot


class NaivePrefork(Naive):
    """A process a slot."""

    name = "naive, prefork"
    pool = "prefork"


class NaiveSolo(Naive):
    """One ticket at a time."""

    name = "naive, solo"
    pool = "solo"


class NaiveGevent(Naive):
    """Greenlets; gevent is not among our dependencies (`pip install gevent`)."""

    name = "naive, gevent"
    pool = "gevent"


def pools() -> tuple[type[Naive], ...]:
    """Plain Celery in each of its pools that can run here."""
    found = (Naive, NaivePrefork, NaiveSolo)
    return (*found, NaiveGevent) if importlib.util.find_spec("gevent") else found


class _NaiveWorker(ServerProcess):
    def __init__(self, folder: Path, environ: Mapping[str, str], pool: str, concurrency: int) -> None:
        super().__init__(folder)
        self.environ = environ
        self.pool = pool
        self.concurrency = concurrency

    @property
    def url(self) -> str:
        return self.environ["BENCH_REDIS_URL"]

    def command(self) -> list[str]:
        name = f"naive-{self.folder.name}@%h"
        flags = [
            "-n",
            name,
            "-P",
            self.pool,
            "-c",
            str(self.concurrency),
            "-O",
            "fair",
            "--without-gossip",
            "--without-mingle",
        ]
        return [sys.executable, "-m", "celery", "-A", "tests.bench.naive_app", "worker", *flags, "--loglevel", "INFO"]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(REPOSITORY), **self.environ}

    def is_ready(self) -> bool:
        return b" ready." in self.log.read_bytes() if self.log.exists() else False
