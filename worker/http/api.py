"""The FastAPI application of `/v1`, health and metrics."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI

from tasks.run.process import Process
from worker.config.versions import VERSION
from worker.http import openapi, problems
from worker.http.inbox import bulk as inbox_bulk
from worker.http.inbox import calls as inbox_calls
from worker.http.inbox import routes as inbox
from worker.http.operations import health, load, metrics
from worker.http.request_ids import RequestIds
from worker.http.tickets import batch, erase, hooks, journal, messages, search, tickets


def make_api(lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]], process: Process) -> FastAPI:
    """Opens nothing: the lifespan puts the desk at `app.state.desk` and takes it down."""
    app = FastAPI(
        title="Deskhand",
        version=VERSION,
        lifespan=lifespan,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # Swagger's and ReDoc's pages load scripts from a CDN
        redoc_url=None,
        redirect_slashes=False,
    )
    app.add_middleware(RequestIds)
    problems.install(app)
    app.include_router(tickets.accepting)
    for module in (batch, tickets, messages, journal, inbox, inbox_calls, hooks, erase, load, health, metrics):
        app.include_router(module.router)
    app.include_router(tickets.process_router(process))
    app.include_router(search.process_router(process))
    app.include_router(inbox.process_router(process))
    app.include_router(inbox_bulk.bulk_router(process))
    openapi.install(app, VERSION, process)
    return app
