"""One worker process: an event loop, its parts, a heart, and the doors that Celery's threads knock on."""

import asyncio
import base64
import json
import logging
from collections.abc import Coroutine
from typing import Any
from uuid import uuid4

from pydantic import ValidationError

from fallbacks.errors import IdempotencyConflict
from tasks.ticket import Ticket
from worker.loop_thread import LoopThread
from worker.wiring import Parts

log = logging.getLogger(__name__)


class Machine:
    """Made after fork, once per process. slots / queues: what this process offers."""

    def __init__(self, parts: Parts, slots: int, queues: tuple[str, ...]) -> None:
        self.parts = parts
        self.slots = slots
        self.queues = queues
        self.thread = LoopThread()
        self.thread.run(self._ready())

    async def _ready(self) -> None:
        """Build on the loop what lives on it, then start beating."""
        executor = self.parts.executor
        log.info("models: %s", ", ".join(tier.model.name for tier in executor.tiers))
        self._background = [asyncio.ensure_future(self.parts.heart(self.slots, self.queues).beat_forever())]
        if "handoff" in self.queues:
            self._background.append(asyncio.ensure_future(self.parts.courier.run_forever()))

    def triage(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """Work a message of queue `tickets`: an id of ours, or a whole ticket from any Celery producer."""
        return self.thread.run(self._triage(args, kwargs))

    def hand_off(self, ticket_id: str) -> str:
        """Hand off a ticket that no agent should touch."""
        return self.thread.run(self._passed_on(ticket_id, self.parts.executor.hand_off(ticket_id)))

    def drain(self) -> None:
        """Take no new work; give back what is running at its next step, and cut model calls when time is over."""
        self.parts.executor.draining = True
        self.thread.start(self._cut_after(self.parts.settings.drain_seconds))

    async def _cut_after(self, seconds: float) -> None:
        await self.parts.heart(self.slots, self.queues).renew()
        await asyncio.sleep(seconds)
        for _, task in list(self.parts.executor.runs.values()):
            task.cancel()

    async def _triage(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        if not args and set(kwargs) == {"ticket_id"} and isinstance(kwargs["ticket_id"], str):
            return await self._passed_on(kwargs["ticket_id"], self.parts.executor.triage(kwargs["ticket_id"]))
        ticket_id = await self.take_in({"args": args, "kwargs": kwargs} if args else kwargs.get("ticket", kwargs))
        if ticket_id is None:
            return "rejected"
        return await self._passed_on(ticket_id, self.parts.executor.triage(ticket_id))

    async def _passed_on(self, ticket_id: str, work: Coroutine[Any, Any, str]) -> str:
        """A ticket given back is published at once, so that another worker need not wait for its sweep."""
        outcome = await work
        if outcome == "released":
            await self.parts.publisher.publish([("triage", ticket_id)])
        return outcome

    async def take_in(self, raw: Any, origin: str = "tasks.triage") -> str | None:
        """Accept a ticket somebody put straight on a queue. What cannot be read is kept whole; then None."""
        settings = self.parts.settings
        try:
            ticket = Ticket.model_validate(raw)
            accepted = await self.parts.ledger.accept(
                ticket, settings.limits, max_wait_seconds=settings.max_wait_seconds
            )
        except (ValidationError, IdempotencyConflict) as error:
            body = json.dumps(raw, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
            await self.parts.ledger.reject(f"rej_{uuid4().hex}", base64.b64encode(body).decode(), _why(error), origin)
            return None
        return accepted.id


def _why(error: ValidationError | IdempotencyConflict) -> str:
    if isinstance(error, IdempotencyConflict):
        return str(error)
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'ticket'}: {fault['msg']}" for fault in error.errors())
