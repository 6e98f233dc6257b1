"""A worker that has to train its model first is among the workers meanwhile, as one that takes no work yet."""

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest

from fallbacks.store import keys
from worker.config.settings import load_settings
from worker.service.celery_factory import sender_app
from worker.wiring import Parts
from worker.work.heartbeat import Heartbeat


async def listed(parts: Parts) -> list[dict[str, Any]]:
    return [json.loads(beat) for beat in (await parts.store.fields(keys.WORKERS)).values()]


async def begun(parts: Parts, heartbeat: Heartbeat, training: asyncio.Event) -> asyncio.Task[None]:
    """It starts, and is listed."""
    start = asyncio.ensure_future(heartbeat.starting(training.wait()))
    async with asyncio.timeout(60):
        while not start.done():
            await asyncio.sleep(0.01)
            if await listed(parts):
                return start
    raise AssertionError("it has started before it was listed")


@pytest.mark.parametrize("trained", [True, False])
def test_it_is_listed_as_starting_until_its_model_is_there(valkey_url: str, trained: bool) -> None:
    async def story() -> None:
        settings = load_settings(model="local", lease_seconds=0.2, sweep_seconds=0.1)
        parts = Parts(settings, sender_app(settings, valkey_url), valkey_url)
        heartbeat, training = parts.heartbeat(4, ("tickets", "handoff")), asyncio.Event()
        start = await begun(parts, heartbeat, training)
        stats = await parts.views.stats()
        assert (stats.workers, stats.slots, stats.starting) == ([], 0, {"tickets", "handoff"})
        if trained:
            training.set()
            await start
            await heartbeat.renew()
            stats = await parts.views.stats()
            assert (len(stats.workers), stats.slots, stats.starting) == (1, 4, frozenset())
        else:
            start.cancel()
            with suppress(asyncio.CancelledError):
                await start
            assert await listed(parts) == []
        await parts.store.aclose()

    asyncio.run(story())
