"""The real web application on a real uvicorn, in a thread of the test's process."""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import httpx

from fallbacks.access.api_keys import ApiKeys, Scope
from fallbacks.store.port import Store
from fallbacks.store.redis_store import RedisStore
from tests.services.process import free_port
from tests.services.waiting import PATIENCE_SECONDS, wait_for
from tests.worker.cli.direct_ledger import DirectLedger
from worker.config.settings import Settings
from worker.service.celery_factory import sender_app
from worker.service.web import Web, WebServer
from worker.wiring import Parts


class Served:
    """`with Served(url) as web: web.client().get("/healthz")`. settings: as fields of `Settings`."""

    def __init__(self, redis_url: str, wrap_store: Any = None, **settings: Any) -> None:
        self.ledger = DirectLedger(redis_url)
        self.port = free_port()
        self._home = TemporaryDirectory()
        chosen = {"port": self.port, "redis_url": redis_url, "home": Path(self._home.name), **settings}
        self.settings = Settings(**chosen)
        self._wrap_store = wrap_store or _as_it_is
        self.web = Web(self._parts())
        self.server = WebServer(self.web, "127.0.0.1", self.port, proxies=self.settings.trusted_proxies)
        self._thread = threading.Thread(target=lambda: asyncio.run(self.server.serve()), name="served")
        self._clients: list[httpx.Client] = []

    def _parts(self) -> Parts:
        url = self.settings.redis_url or ""
        return Parts(self.settings, sender_app(self.settings, url), url, self._wrap_store)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, key: str | None = None, **options: Any) -> httpx.Client:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        client = httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False, **options)
        self._clients.append(client)
        return client

    def key(self, *scopes: Scope, name: str = "tester", teams: Sequence[str] = ()) -> str:
        """A new key; without scopes it has all."""
        chosen = scopes or tuple(Scope)
        return self.ledger.do(lambda ledger: ApiKeys(ledger.store).create(name, chosen, teams=teams))[1]

    def __enter__(self) -> Self:
        self._thread.start()
        wait_for(lambda: self.server.started or not self._thread.is_alive(), message="the server starts")
        assert self._thread.is_alive(), "the server ended at its start"
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()
        self.stop()

    def stop(self) -> None:
        """Ask it to stop, as a signal would, and wait until it has; its state folder goes."""
        self.server.should_exit = True
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "the server does not end"
        self._home.cleanup()


def _as_it_is(store: Store) -> Store:
    return store


def store_of(url: str) -> RedisStore:
    return RedisStore(url)
