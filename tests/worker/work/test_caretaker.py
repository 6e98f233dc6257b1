"""While no worker lives, a web process sweeps, gives to people what is late, and alerts; of two processes one does."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from fallbacks.delivery.http_alerts import WebhookAlerts
from fallbacks.store import keys
from tasks.ticket import Ticket
from tests.services.http_sink import HttpSink
from worker.config.settings import load_settings
from worker.service.celery_factory import sender_app
from worker.wiring import Parts

QUICK = {"lease_seconds": 0.2, "sweep_seconds": 0.1, "max_wait_seconds": 0.1, "alert_quiet_seconds": 0.1}


@asynccontextmanager
async def web(url: str, sink: HttpSink) -> AsyncIterator[Parts]:
    """As a web process has them; the caretaker is driven by the test."""
    settings = load_settings(model="local", alert_webhook_url=sink.url, **QUICK)
    parts = Parts(settings, sender_app(settings, url), url)
    try:
        yield parts
    finally:
        for alerts in parts.alert_sinks:
            assert isinstance(alerts, WebhookAlerts)
            await alerts._client.aclose()
        await parts.store.aclose()


async def accept(parts: Parts, ticket_id: str = "t1") -> None:
    ticket = Ticket(id=ticket_id, source="shop", subject="", body="My card has not arrived")
    await parts.ledger.accept(ticket, parts.settings.limits, max_wait_seconds=parts.settings.max_wait_seconds)


async def until(condition: Callable[[], Awaitable[Any]], *everybody: Parts) -> None:
    """Rounds of all of them at once, until it holds."""
    async with asyncio.timeout(60):
        while not await condition():
            await asyncio.gather(*(parts.caretaker.round() for parts in everybody))
            await asyncio.sleep(0.05)


async def store_time_passes(parts: Parts, ms: int) -> None:
    end = await parts.store.now_ms() + ms
    async with asyncio.timeout(60):
        while await parts.store.now_ms() < end:
            pass


def alerts(sink: HttpSink) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in sink.received]


def test_the_longest_wait_holds_and_people_hear_that_nobody_works(valkey_url: str, http_sink: HttpSink) -> None:
    async def story() -> None:
        async with AsyncExitStack() as opened:
            one, two = [await opened.enter_async_context(web(valkey_url, http_sink)) for _ in range(2)]
            await accept(one)

            async def told() -> bool:
                return {alert["reason"] for alert in alerts(http_sink)} >= {"deadline_passed"}

            await until(told, one, two)
            assert (await one.views.ticket("t1")).state == "handed_off"
            await accept(one, "t2")
            one.caretaker.seen_at -= 60

            async def alarmed() -> bool:
                return "no_worker" in {alert["reason"] for alert in alerts(http_sink)}

            await until(alarmed, one)
            journal = [json.loads(event)["type"] for event in await one.store.journal("t1")]
            assert journal.count("handed_off") == journal.count("claimed") == 1
            assert [alert["reason"] for alert in alerts(http_sink)].count("no_worker") == 1
            (alarm,) = [alert for alert in alerts(http_sink) if alert["reason"] == "no_worker"]
            assert "no worker lives, and 1 ticket waits" in alarm["text"]

    asyncio.run(story())


def test_where_a_worker_hands_off_a_web_process_leaves_it_to_that(valkey_url: str, http_sink: HttpSink) -> None:
    async def story() -> None:
        async with web(valkey_url, http_sink) as parts:
            beat = {"at": 2**53, "beat": 1, "slots": 1, "busy": 0, "queues": ["handoff"], "draining": False}
            await parts.store.put(keys.WORKERS, {"w1": json.dumps(beat)})
            await accept(parts)
            for _ in range(3):
                await store_time_passes(parts, 200)  # the longest wait, and the caretaker's turn
                await parts.caretaker.round()
            assert (await parts.views.ticket("t1")).state == "queued"
            await parts.store.put(keys.WORKERS, {"w1": json.dumps(beat | {"starting": True})})

            async def handed_off() -> bool:
                return (await parts.views.ticket("t1")).state == "handed_off"

            await until(handed_off, parts)

    asyncio.run(story())
