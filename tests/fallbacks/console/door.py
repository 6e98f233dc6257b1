"""The console behind a real port, on a real ledger, with agents' work put into them through the ledger."""

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import uvicorn
from argon2 import PasswordHasher

from fallbacks.access.identity import IdentityProvider
from fallbacks.access.roles import Role
from fallbacks.access.users import Users
from fallbacks.autonomy.calls import CallJudge
from fallbacks.autonomy.standing import AutonomyJudge, Terms
from fallbacks.console import ConsoleDeps, make_console
from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.history.sqlite.history import SqliteHistory
from fallbacks.inbox.conversations import Bounds, Conversations
from fallbacks.inbox.inbox import Inbox
from fallbacks.ledger.ledger import Ledger
from fallbacks.operations.tools import card
from fallbacks.search.both import TicketSearch
from fallbacks.search.live import LiveTickets
from fallbacks.search.sqlite_live_index import SqliteLiveIndex
from fallbacks.store.redis_store import RedisStore
from tasks.run.limits import Limits
from tasks.tools import discover
from tasks.triage.process import Triage
from tests.services.process import free_port
from tests.services.waiting import PATIENCE_SECONDS, wait_for
from worker.sample.refunds.offer import create_refund

T = TypeVar("T")

PASSWORD = "correct horse battery"
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"""Tests sign in often; the real cost has a test of its own."""


@dataclass
class Door:
    """One console. Its loop runs in a thread: tests hand it their work on the ledger with `run`."""

    valkey_url: str
    process: Triage
    budget: int | None = 5_000_000_000
    port: int = field(default_factory=free_port)
    published: list[tuple[str, str]] = field(default_factory=list)
    identity: IdentityProvider | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)
    teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __enter__(self) -> "Door":
        self.loop = asyncio.new_event_loop()
        self._ready, self._faults = threading.Event(), list[BaseException]()
        self._thread = threading.Thread(target=self._serve, name="console", daemon=True)
        self._thread.start()
        wait_for(lambda: (self._ready.is_set() and self._server.started) or self._faults, message="the console is up")
        assert not self._faults, self._faults
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "the console did not stop"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ours(self) -> dict[str, str]:
        """Headers of a form of its own pages."""
        return {"Sec-Fetch-Site": "same-origin", "Origin": self.url}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the console's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(2 * PATIENCE_SECONDS)

    def add_user(self, name: str, role: Role = Role.REVIEWER) -> None:
        self.run(Users(self.store, QUICK).create(name, PASSWORD, role))

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self._serving())
        except BaseException as error:
            self._faults.append(error)
        finally:
            self.loop.close()

    async def _serving(self) -> None:
        self.store = RedisStore(self.valkey_url)
        self.ledger = Ledger(self.store, self.process)
        self.inbox = Inbox(self.store, self.process, OutcomeWriter(wanted=True))
        self.talk = Conversations(self.store, self.process, OutcomeWriter(wanted=True), Bounds(Limits()))
        with TemporaryDirectory() as folder:
            await self._served(SqliteHistory(Path(folder) / "history.sqlite", self.process))

    async def _served(self, history: SqliteHistory) -> None:
        self.history = history
        self.search = TicketSearch(LiveTickets(self.store, self.process, SqliteLiveIndex()), history)
        app = make_console(self._deps())
        config = uvicorn.Config(
            app, port=self.port, log_level="warning", lifespan="off", ws="none", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._ready.set()
        await self._server.serve()
        self.search.live.close()
        await history.aclose()
        await self.store.aclose()

    def _deps(self) -> ConsoleDeps:
        return ConsoleDeps(
            inbox=self.inbox,
            views=self.inbox.views,
            store=self.store,
            process=self.process,
            publish=self._publish,
            limits=Limits(),
            daily_budget_nanodollars=self.budget,
            secure_cookies=False,
            search=self.search,
            standings=AutonomyJudge(self.store, self.process, Terms()),
            tools=tuple(card(each, allowed=True, brought_by="deskhand") for each in (*discover(), create_refund)),
            calls=CallJudge(self.store, self.process.name, Terms()),
            identity=self.identity,
            roles=self.roles,
            teams=self.teams,
        )

    async def _publish(self, work: list[tuple[str, str]]) -> None:
        self.published += work
