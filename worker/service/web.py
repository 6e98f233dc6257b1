"""The web process: `/v1`, health, metrics and the console behind one port, and the server that runs them."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fallbacks.access.identity import IdentityProvider
from fallbacks.console.app import make_console
from fallbacks.console.deps import ConsoleDeps
from fallbacks.inbox.reach import read_groups
from worker.config.settings import Settings
from worker.http.api import make_api
from worker.http.desk import Desk, open_desk
from worker.http.stalls import CuttingProtocol, patient
from worker.ops.redis_facts import facts_if_answering
from worker.service.celery_factory import sender_app, store_url
from worker.service.garbage import spare_the_collector
from worker.tools.cards import allowed_cards
from worker.wiring import Parts
from worker.work.event_loop import new_event_loop

log = logging.getLogger(__name__)

GRACE_SECONDS = 10
"""How long a stopping server lets requests finish."""

API_PATHS = ("/v1", "/healthz", "/readyz", "/metrics")


class Web:
    """The whole application: the API answers its own paths, with its own 404 and 405, and the console the rest."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.desk: Desk | None = None
        self._api = make_api(self._lifespan, parts.process)
        self._console: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        api = scope["type"] == "lifespan" or any(path == own or path.startswith(f"{own}/") for own in API_PATHS)
        receive = patient(receive) if scope["type"] == "http" else receive
        if api or self._console is None:
            await self._api(scope, receive, send)
        else:
            await self._console(scope, self._until_closing(receive) if scope["method"] == "GET" else receive, send)

    def close(self) -> None:
        """The process is to stop: let streams and long-polls go."""
        if self.desk is not None:
            self.desk.close()

    def _until_closing(self, receive: Receive) -> Receive:
        """To the console's streams, a stopping process looks like a browser that has left."""

        async def received() -> Message:
            if self.desk is not None and self.desk.closing.is_set():
                return {"type": "http.disconnect"}
            return await receive()

        return received

    @asynccontextmanager
    async def _lifespan(self, api: FastAPI) -> AsyncIterator[None]:
        async with open_desk(self._parts) as desk:  # what they open from here on belongs to the running loop
            self.desk = api.state.desk = desk
            self._console = make_console(_console_deps(desk))
            await _say_who_may_call(desk)
            yield


class WebServer(uvicorn.Server):
    """uvicorn, which first asks the application to stop: uvicorn alone waits for streams that never end.

    proxies: addresses and networks whose X-Forwarded-For says who calls.
    """

    def __init__(
        self, web: Web, host: str, port: int, *, proxies: Sequence[str] = (), access_log: bool = False
    ) -> None:
        self._web = web
        config = uvicorn.Config(
            web,
            host=host,
            port=port,
            access_log=access_log,
            log_config=None,  # the root logger is ours
            timeout_graceful_shutdown=GRACE_SECONDS,
            server_header=False,
            proxy_headers=bool(proxies),  # uvicorn alone believes whoever calls from this machine
            forwarded_allow_ips=list(proxies),
            ws="none",
            http=CuttingProtocol,
        )
        super().__init__(config)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop in good order."""
        self._web.close()
        await super().shutdown(sockets)


def make_parts(settings: Settings) -> Parts:
    """Parts of a process that publishes and runs no tasks."""
    redis_url = store_url(settings)
    return Parts(settings, sender_app(settings, redis_url), redis_url)


def serve(settings: Settings, *, access_log: bool = False) -> bool:
    """Run until a signal. Returns whether it ever started. Raises `SettingsError` where there is no store."""
    parts = make_parts(settings)
    parts.agents = False  # it reads no ticket, and need not learn what is ordinary in them
    server = WebServer(
        Web(parts), settings.host, settings.port, proxies=settings.trusted_proxies, access_log=access_log
    )
    spare_the_collector()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(server.serve())
    return server.started


def _console_deps(desk: Desk) -> ConsoleDeps:
    parts, settings = desk.parts, desk.settings
    return ConsoleDeps(
        inbox=parts.inbox,
        views=parts.views,
        store=parts.store,
        process=parts.process,
        publish=desk.hints.publish,
        limits=settings.limits,
        daily_budget_nanodollars=settings.day_cap_nanodollars,
        secure_cookies=(settings.public_url or "").startswith("https://"),
        search=parts.search,
        standings=parts.standings,
        max_wait_seconds=settings.max_wait_seconds,
        cards=parts.cards,
        terms=parts.terms,
        store_info=partial(_store_info, parts.redis_url),
        tools=allowed_cards(settings),
        calls=parts.calls,
        identity=_identity(settings),
        roles=settings.oidc_roles,
        teams={group: read_groups(parts.process, teams) for group, teams in settings.oidc_teams.items()},
        sources=settings.source_terms,
    )


def _identity(settings: Settings) -> IdentityProvider | None:
    if settings.oidc_issuer is None:
        return None
    from worker.http.oidc_provider import OidcProvider  # an extra, for whoever sets it

    return OidcProvider(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value(),
        back=f"{(settings.public_url or '').rstrip('/')}/sign-in/identity/back",
        name=settings.oidc_name,
        name_claim=settings.oidc_name_claim,
        groups_claim=settings.oidc_groups_claim,
    )


async def _store_info(url: str) -> Mapping[str, Any] | None:
    facts = await asyncio.to_thread(facts_if_answering, url)
    return facts.info if facts else None


async def _say_who_may_call(desk: Desk) -> None:
    if desk.on_loopback and not await desk.keys.exist():
        log.warning("/v1 is open to every program of this machine: no API key exists (see `deskhand keys create`)")
    else:
        log.info("/v1 asks for API keys")
