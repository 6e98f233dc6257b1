"""`/healthz` asks nobody; `/readyz` asks the store and the broker."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from fallbacks.errors import StoreUnreachable
from fallbacks.store import keys
from worker.http.desk import Desk, DeskDep

STORE_SECONDS = 3.0

router = APIRouter(tags=["operations"])


class HealthDocument(BaseModel):
    status: str


class ReadyDocument(BaseModel):
    """checks: "ok" or what is wrong, by part. api: "keys", or "open" while no key exists and only loopback listens."""

    status: str
    checks: dict[str, str]
    api: str


@router.get("/healthz", response_model=HealthDocument)
async def healthz() -> HealthDocument:
    """The process answers. A broken dependency must not restart it."""
    return HealthDocument(status="ok")


@router.get("/readyz", response_model=ReadyDocument, responses={503: {"model": ReadyDocument}})
async def readyz(desk: DeskDep) -> JSONResponse:
    """Whether tickets can be accepted and published now."""
    (store, api), broker = await asyncio.gather(_store(desk), desk.parts.publisher.depths())
    checks = {"store": store, "broker": "does not answer" if None in broker.values() else "ok"}
    ready = all(check == "ok" for check in checks.values())
    document = ReadyDocument(status="ready" if ready else "not ready", checks=checks, api=api)
    return JSONResponse(document.model_dump(), 200 if ready else 503)


async def _store(desk: Desk) -> tuple[str, str]:
    try:
        async with asyncio.timeout(STORE_SECONDS):
            exist = await desk.keys.exist()
            await desk.parts.store.tick(keys.READY, 60)
    except (StoreUnreachable, TimeoutError):
        return "takes no writes", "unknown"
    return "ok", "keys" if exist or not desk.on_loopback else "open"
