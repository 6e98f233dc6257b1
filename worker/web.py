"""The web process: `/v1`, health, metrics and the console in one application, and the server that runs it."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from worker.celery_factory import books_url, sender_app
from worker.http.api import make_api
from worker.http.desk import Desk, open_desk
from worker.settings import Settings
from worker.wiring import Parts

log = logging.getLogger(__name__)

GRACE_SECONDS = 10
"""How long a stopping server lets requests finish."""


def make_web(make_parts: Callable[[], Parts]) -> FastAPI:
    """The whole application. Parts are made inside the running loop."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_desk(make_parts()) as desk:
            app.state.desk = desk
            await _say_who_may_call(desk)
            yield

    return make_api(lifespan)


def make_parts(settings: Settings) -> Parts:
    """Parts of a process that publishes and runs no tasks."""
    redis_url = books_url(settings)
    return Parts(settings, sender_app(settings, redis_url), redis_url)


class WebServer(uvicorn.Server):
    """uvicorn, telling the application first that it is to stop: streams and long-polls end, then the rest."""

    def __init__(self, app: FastAPI, host: str, port: int, *, access_log: bool = False) -> None:
        self._app = app
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            access_log=access_log,
            log_config=None,  # the root logger is ours
            timeout_graceful_shutdown=GRACE_SECONDS,
            server_header=False,
            ws="none",
        )
        super().__init__(config)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop in good order."""
        desk: Desk | None = getattr(self._app.state, "desk", None)
        if desk is not None:
            desk.close()
        await super().shutdown(sockets)


def serve(settings: Settings, *, access_log: bool = False) -> bool:
    """Run until a signal. Returns whether it ever started."""
    app = make_web(lambda: make_parts(settings))
    server = WebServer(app, settings.host, settings.port, access_log=access_log)
    asyncio.run(server.serve())
    return server.started


async def _say_who_may_call(desk: Desk) -> None:
    if desk.on_loopback and not await desk.keys.exist():
        log.warning("/v1 is open to every program of this machine: no API key exists (see `deskhand keys create`)")
    else:
        log.info("/v1 asks for API keys")
