"""A worker's Celery app that kills its own process at a named point. `CRASH_AT` unset: an ordinary worker.

Points: `before:` or `after:` one of a script of the books (accept, claim, begin_step, end_step, begin_effect,
end_effect, move, ...), `model`, `effect`, `publish` or `ack`; and `during:model`, while the call is in flight.
CRASH_HIT: at the n-th time (1). CRASH_TICKET: count only what concerns this ticket. CRASH_TEXT: die at every model
call for a ticket that holds this text, as a ticket that kills its worker would.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from celery import Celery
from kombu.message import Message
from kombu.transport import redis as stock

from fallbacks.store.port import Store
from tasks.run.messages import ModelReply, ModelRequest
from tasks.run.tool import Tool
from worker.config.settings import load_settings
from worker.models.tier import Tier
from worker.queue import redis_channel as redis_peek_channel
from worker.queue.celery_publisher import Publisher
from worker.queue.names import queue_names
from worker.service.celery_factory import make_app, store_url
from worker.wiring import Parts

IN_FLIGHT_SECONDS = 0.15
"""How long a call has been out when `during:model` strikes."""


class Failpoints:
    def __init__(self) -> None:
        self.at = os.environ.get("CRASH_AT", "")
        self.left = int(os.environ.get("CRASH_HIT", "1"))
        self.ticket = os.environ.get("CRASH_TICKET", "")
        self.text = os.environ.get("CRASH_TEXT", "")

    def hit(self, point: str, ticket_id: str = "") -> None:
        if point != self.at or (self.ticket and ticket_id and ticket_id != self.ticket):
            return
        self.left -= 1
        if self.left == 0:
            die()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class FailingStore:
    """Any store, with a point before and after each script."""

    def __init__(self, store: Store, points: Failpoints) -> None:
        self._store = store
        self._points = points

    async def run(self, script: str, ticket_id: str, *args: str | int) -> Any:
        self._points.hit(f"before:{script}", ticket_id)
        found = await self._store.run(script, ticket_id, *args)
        self._points.hit(f"after:{script}", ticket_id)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class FailingModel:
    def __init__(self, model: Any, points: Failpoints) -> None:
        self._model = model
        self._points = points

    async def call(self, request: ModelRequest) -> ModelReply:
        if self._points.text and self._points.text in request.ticket.text:
            die()
        ticket_id = str(request.ticket.id)
        self._points.hit("before:model", ticket_id)
        call = asyncio.ensure_future(self._model.call(request))
        if self._points.at == "during:model":
            await asyncio.wait([call], timeout=IN_FLIGHT_SECONDS)
            self._points.hit("during:model", ticket_id)
        reply: ModelReply = await call
        self._points.hit("after:model", ticket_id)
        return reply

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


class FailingPublisher(Publisher):
    def __init__(self, app: Celery, queues: dict[str, str], points: Failpoints) -> None:
        super().__init__(app, queues)
        self._points = points

    async def publish(self, work: Sequence[tuple[str, str]], ahead: Collection[str] = ()) -> None:
        if work:
            self._points.hit("before:publish")
        await super().publish(work, ahead)
        if work:
            self._points.hit("after:publish")


class FailingParts(Parts):
    @cached_property
    def points(self) -> Failpoints:
        return Failpoints()

    @cached_property
    def publisher(self) -> Publisher:
        return FailingPublisher(self.app, queue_names(self.settings), self.points)

    @cached_property
    def tiers(self) -> tuple[Tier, ...]:
        return tuple(replace(tier, model=FailingModel(tier.model, self.points)) for tier in super().tiers)

    @cached_property
    def tools(self) -> Mapping[str, Tool]:
        """Without rates: a campaign calls more often than a deployment would."""
        return {name: replace(tool, calls_per_minute=1_000_000) for name, tool in super().tools.items()}

    @cached_property
    def _clients(self) -> dict[str, Any]:
        clients = super()._clients
        if "notifier" in clients:
            clients["notifier"] = FailingNotifier(clients["notifier"], self.points)
        return clients


class FailingNotifier:
    def __init__(self, notifier: Any, points: Failpoints) -> None:
        self._notifier = notifier
        self._points = points

    async def notify(self, *args: Any, **kwargs: Any) -> Any:
        self._points.hit("before:effect")
        found = await self._notifier.notify(*args, **kwargs)
        self._points.hit("after:effect")
        return found


def build() -> Celery:
    """The app of this process's environment."""
    settings = load_settings()
    points = Failpoints()
    _fail_at_ack(points)
    _fail_at_record(points)

    def make_parts(*args: Any) -> Parts:
        parts = FailingParts(*args, wrap_store=lambda store: FailingStore(store, points))
        parts.__dict__["points"] = points
        return parts

    app = make_app(settings, store_url(settings), make_parts)
    if os.environ.get("CRASH_STOCK"):
        app.conf.broker_transport = None  # kombu's own: the canary that must lose
    return app


def _fail_at_record(points: Failpoints) -> None:
    """Between kombu's taking a message and its record in `unacked`; ours was recorded when it was taken."""
    record: Callable[..., None] = stock.QoS.append

    def append(self: stock.QoS, *args: Any, **kwargs: Any) -> None:
        points.hit("before:record")
        record(self, *args, **kwargs)

    stock.QoS.append = append
    peeked: Callable[..., None] = redis_peek_channel.QoS.append

    def peeked_append(self: redis_peek_channel.QoS, *args: Any, **kwargs: Any) -> None:
        points.hit("before:record")
        peeked(self, *args, **kwargs)

    redis_peek_channel.QoS.append = peeked_append  # type: ignore[method-assign]


def _fail_at_ack(points: Failpoints) -> None:
    acknowledge: Callable[..., None] = Message.ack

    def ack(self: Message, *args: Any, **kwargs: Any) -> None:
        points.hit("before:ack")
        acknowledge(self, *args, **kwargs)
        points.hit("after:ack")

    Message.ack = ack  # the one place through which every transport acknowledges
