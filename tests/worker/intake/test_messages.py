"""Messages by Celery and by the queue `intake`: added once, waiting for their ticket, or kept whole."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from fallbacks.ledger.states import Closed, State
from tasks.run.limits import Limits
from tasks.ticket import Ticket
from tests.fakes.memory_store import MemoryStore
from tests.fakes.scripted_model import ScriptedModel, reply, text
from worker.config.settings import Settings
from worker.models.tier import Tier
from worker.service.celery_factory import sender_app
from worker.wiring import Parts

UNUSED = "redis://127.0.0.1:1/0"
ADDED = {"ticket_id": "T-1", "id": "m1", "body": "It was stolen."}


class QuickParts(Parts):
    """With a model that only talks, so that every run ends with people."""

    @property
    def tiers(self) -> tuple[Tier, ...]:
        return (Tier(ScriptedModel([reply(text("Hm."))]), 0.5),)


def played(story: Callable[[Parts, MemoryStore], Awaitable[None]], home: Path, **settings: Any) -> None:
    async def main() -> None:
        store, chosen = MemoryStore(), Settings(home=home, **settings)
        await story(QuickParts(chosen, sender_app(chosen, UNUSED), UNUSED, lambda _: store), store)

    asyncio.run(main())


async def accept(parts: Parts) -> None:
    await parts.ledger.accept(Ticket(id="T-1", source="shop", subject="", body="Where is my card?"), Limits())


async def by_celery(parts: Parts, found: Any = ADDED, message: str = "c1") -> str | None:
    return await parts.admission.take({"message": found}, "tasks.triage", message)


async def by_intake(parts: Parts, **fields: Any) -> str | None:
    raw = json.dumps({"kind": "message", **ADDED, **fields}).encode()
    return await parts.admission.take_raw(raw, "intake", "i1")


async def count(parts: Parts, ticket_id: str = "T-1") -> int:
    return (await parts.views.ticket(ticket_id)).messages


def test_both_queues_add_the_same_message_once(tmp_path: Path) -> None:
    async def story(parts: Parts, _: MemoryStore) -> None:
        await accept(parts)
        assert await by_celery(parts) == "T-1"
        assert await by_intake(parts) == "T-1", "the ticket still waits for a worker"
        assert await count(parts) == 1
        assert await by_intake(parts, id="m2") == "T-1"
        assert await count(parts) == 2

    played(story, tmp_path)


def test_a_message_without_an_id_is_known_by_what_brought_it(tmp_path: Path) -> None:
    async def story(parts: Parts, _: MemoryStore) -> None:
        await accept(parts)
        nameless = {"ticket_id": "T-1", "body": "It was stolen."}
        for delivery in ("c1", "c1", "c2"):
            await by_celery(parts, nameless, delivery)
        assert await count(parts) == 2

    played(story, tmp_path)


def test_one_before_its_ticket_waits_and_joins_it(tmp_path: Path) -> None:
    async def story(parts: Parts, store: MemoryStore) -> None:
        waiting = await by_celery(parts)
        assert waiting is not None
        assert (await parts.views.ticket(waiting)).state is State.PARKED
        assert await by_intake(parts, source="shop") is None, "the same by another door"
        assert await store.ranked("s:rejected", 0, -1) == []
        await accept(parts)
        assert await by_celery(parts) == "T-1", "a second delivery finds the ticket"
        store.pass_ms(60_000)
        assert ("triage", waiting) in await parts.ledger.sweep(limit=9, max_losses=3)
        assert await parts.executor.triage(waiting) == State.CLOSED
        view = await parts.views.ticket(waiting)
        assert (view.closed, view.detail, await count(parts)) == (Closed.DUPLICATE, "T-1", 1)

    played(story, tmp_path)


def test_one_whose_ticket_never_comes_is_worked_as_a_ticket(tmp_path: Path) -> None:
    async def story(parts: Parts, store: MemoryStore) -> None:
        waiting = await by_intake(parts, source="shop")
        assert waiting is None, "nothing to publish while it waits"
        ((waiting, _),) = await store.ranked("s:parked", 0, -1)
        store.pass_ms(60_000)
        await parts.ledger.sweep(limit=9, max_losses=3)
        assert await parts.executor.triage(waiting) == State.HANDED_OFF
        assert (await parts.views.ticket(waiting)).source == "shop"

    played(story, tmp_path)


def test_what_is_no_message_is_kept_whole(tmp_path: Path) -> None:
    async def story(parts: Parts, store: MemoryStore) -> None:
        await accept(parts)
        assert await by_celery(parts, {"ticket_id": "T-1", "body": ""}) is None
        assert await by_celery(parts, "just text", "c2") is None
        await by_celery(parts)
        assert await by_celery(parts, {**ADDED, "body": "Another text."}, "c3") is None
        kept = [await parts.views.ticket(name) for name, _ in await store.ranked("s:rejected", 0, -1)]
        assert sorted(view.detail.partition(":")[0] for view in kept)[:1] == ["body"]
        assert any("with another body" in view.detail for view in kept)
        assert len(kept) == 3

    played(story, tmp_path)
