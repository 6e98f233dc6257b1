"""One worker process: an event loop, its parts, a heartbeat, and the doors that Celery's threads knock on."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from fallbacks.delivery.alerts import AlertDesk, Escalation
from fallbacks.errors import FallbacksError, StoreUnreachable
from fallbacks.ledger.states import HintKind
from fallbacks.store.redis_opening import open_store
from worker.queue.envelope import ANY_TIME, Times
from worker.service.garbage import spare_the_collector
from worker.service.renewal import Renewal
from worker.service.retraining import Retraining
from worker.wiring import Parts
from worker.work.event_loop import LoopThread
from worker.work.liveness import keep_fresh
from worker.work.message_outcome import MessageOutcome, Unworked
from worker.work.watchdog import Watchdog

log = logging.getLogger(__name__)

LEAVE_SECONDS = 5.0
"""What a stopping process waits for a store that does not answer."""


class WorkerProcess:
    """Made after fork, once per process. slots / queues: what this process offers. finish: asks Celery to stop.

    fail: stops it as one that cannot go on, for the reason given.
    """

    def __init__(
        self,
        parts: Parts,
        slots: int,
        queues: tuple[str, ...],
        finish: Callable[[], None],
        fail: Callable[[str], None],
    ) -> None:
        self.parts = parts
        self.slots = slots
        self.queues = queues
        self.finish = finish
        self.fail = fail
        self.thread = LoopThread()
        try:
            self.thread.run(self._ready())
        except BaseException:
            self.thread.close()
            raise
        Watchdog(self.thread.loop, lambda: parts.live.held, parts.settings.lease_seconds / 6, alarm(parts)).start()
        spare_the_collector()

    async def _ready(self) -> None:
        """Build on the loop what lives on it, then start beating."""
        self.parts.agents = "tickets" in self.queues
        self._heartbeat = self.parts.heartbeat(self.slots, self.queues)
        if self.parts.agents and self.parts.brought is None:  # a package's own model may belong to the loop
            await self._heartbeat.starting(asyncio.to_thread(lambda: self.parts.tiers))
        log.info("models: %s", ", ".join(tier.model.name for tier in self.parts.executor.tiers) or "none needed")
        self._heartbeat.finish = self.finish
        self._heartbeat.outage.end = self.fail
        await self._heartbeat.try_to_beat()
        self._beating = asyncio.ensure_future(self._heartbeat.beat_forever())
        self._cutting: asyncio.Task[None] | None = None
        liveness = keep_fresh(self.parts.settings.home, self.queues, self._heartbeat.consumes)
        self._background = [asyncio.ensure_future(liveness)]
        self._background += [
            asyncio.ensure_future(loop.run_forever()) for loop in self.parts.message_loops(self.queues)
        ]
        if self.parts.agents:
            self._background.append(asyncio.ensure_future(self._read_ahead()))
            self._background.append(asyncio.ensure_future(Renewal(self.parts).run_forever()))
            self._background.append(asyncio.ensure_future(self._retraining().run_forever()))
        if "handoff" in self.queues:
            self._background.append(asyncio.ensure_future(self.parts.delivery_loop.run_forever()))

    async def _read_ahead(self) -> None:
        """People's decisions, which the first tickets would wait for: those that are similar, and what was earned."""
        try:
            await self.parts.past_tickets.catch_up()
            await self.parts.standings.standings()
        except FallbacksError as error:
            log.warning("people's decisions are read when the first ticket asks for them: %s", error)

    def _retraining(self) -> Retraining:
        settings = self.parts.settings
        return Retraining(self.parts.store, self.parts.alert_desk, settings.retrain_hours, self.parts.redis_url)

    async def triage(self, args: tuple[Any, ...], kwargs: dict[str, Any], message: str, times: Times = ANY_TIME) -> str:
        """Work a message of queue `tickets`: an id of ours, or a whole ticket from any Celery producer.

        message: the id its producer gave it.
        """
        if not args and set(kwargs) == {"ticket_id"} and isinstance(kwargs["ticket_id"], str):
            return await self._worked(kwargs["ticket_id"])
        ticket_id = await self.parts.admission.take(_brought(args, kwargs), "tasks.triage", message, times)
        if ticket_id is None:
            return "rejected"
        return await self._worked(ticket_id)

    async def hand_off(self, args: tuple[Any, ...], kwargs: dict[str, Any], message: str, times: Times) -> str:
        """Hand off a ticket that no agent should touch, by its id. Anything else was meant for `triage`."""
        match args, kwargs:
            case ((), {"ticket_id": str(ticket_id)}) | ((str(ticket_id),), {}) if len(kwargs) < 2:
                return await self._passed_on(ticket_id, self.parts.executor.hand_off(ticket_id))
            case _:
                return await self.triage(args, kwargs, message, times)

    def keep(self, raw: bytes, error: str, origin: str) -> None:
        """Put an unreadable message into the inbox, whole. Waits for the store; raises `StoreUnreachable` on drain."""
        self.thread.run(self.parts.admission.keep_patiently(raw, error, origin))

    def take_raw(self, raw: bytes, message: str, again: bool) -> None:
        """Accept a plain JSON ticket and publish its hint. Waits for the store; raises `StoreUnreachable` on drain."""
        ticket_id = self.thread.run(self.parts.admission.take_patiently(raw, "intake", message, again=again))
        if ticket_id is not None:
            self.thread.start(self.parts.publisher.publish([(HintKind.TRIAGE, ticket_id)]))

    def drain(self) -> None:
        """Take no new work; give back what is running at its next step, and cut model calls when time is over."""
        self.parts.live.draining = True
        self.thread.start(self._cut_after(self.parts.settings.drain_seconds))

    async def _cut_after(self, seconds: float) -> None:
        self._cutting = asyncio.current_task()
        await self._heartbeat.renew()
        await asyncio.sleep(seconds)
        self.parts.live.cut_all()

    def close(self) -> None:
        """Leave the list of workers, and end the loop. Celery has waited for its tasks before."""
        with suppress(StoreUnreachable, TimeoutError):
            self.thread.run(self._leave(), LEAVE_SECONDS)
        self.thread.close()

    async def _leave(self) -> None:
        """No heartbeat comes after it, which would list this process for an hour."""
        ending = [task for task in (self._beating, self._cutting) if task is not None]
        for task in ending:
            task.cancel()
        await asyncio.wait(ending)
        await self._heartbeat.leave()

    async def _worked(self, hinted: str) -> MessageOutcome:
        return await self._passed_on(hinted, self.parts.executor.triage(hinted, hint=True))

    async def _passed_on(self, hinted: str, work: Coroutine[Any, Any, MessageOutcome]) -> MessageOutcome:
        """What is given back has a hint at once, so that no worker waits for its sweep. Any id is one."""
        outcome = await work
        if outcome is Unworked.RELEASED:
            await self.parts.publisher.publish([(HintKind.TRIAGE, hinted)])
        return outcome


def alarm(parts: Parts) -> Callable[[str], None]:
    """Alerts people to what blocks the loop of this process, past it: on another, with a connection of its own."""

    def raised(what: str) -> None:
        try:
            asyncio.run(_loop_blocked(parts, what))
        except Exception as error:  # the log has it, too, and the thread goes on watching
            log.error("the alert of a blocked event loop was not raised: %s", error)  # noqa: TRY400 - one line

    return raised


async def _loop_blocked(parts: Parts, what: str) -> None:
    """what: "" when it is over."""
    store = open_store(parts.redis_url, f"{parts.settings.namespace}:")
    desk = AlertDesk(store, (), parts.settings.alert_quiet_seconds)
    try:
        if what:
            await desk.alarm(Escalation.LOOP_BLOCKED, f"worker {parts.live.owner} stands still, held up by {what}")
        else:
            await desk.calm(Escalation.LOOP_BLOCKED)
    finally:
        await store.aclose()


def _brought(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The ticket, by name or as the one positional argument; anything else as it came, to be kept as rejected."""
    match args:
        case ():
            return kwargs.get("ticket", kwargs)
        case (dict() as only,) if not kwargs:
            return only.get("ticket", only)
        case _:
            return {"args": args, "kwargs": kwargs}
