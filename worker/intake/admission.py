"""Where tickets that came by message enter the ledger: accepted under their message's identity, or kept as rejected.

A message may be delivered again at any time. What it brings is known by its own id, or by the message's where it
names none, so that a second delivery changes nothing.
"""

import asyncio
import base64
import json
import logging
from collections.abc import Awaitable, Callable, Container
from hashlib import sha256
from typing import Any, TypeVar

from pydantic import ValidationError

from fallbacks.errors import IdempotencyConflict, StoreUnreachable
from fallbacks.ledger.ledger import Ledger
from tasks.conversation import Message
from tasks.ticket import REJECTED_PREFIX, Ticket
from worker.config.settings import Settings
from worker.intake.doors import CELERY, INTAKE, IdOfHookError, refuse_id_of_hook
from worker.intake.raw_ticket import UnreadableError, read_raw
from worker.intake.threads import NOT_ADDED, MessageFor, Threads
from worker.queue.envelope import ANY_TIME, Times

log = logging.getLogger(__name__)

T = TypeVar("T")

WAIT_SECONDS = 1.0

DOORS = {"tasks.triage": CELERY, "intake": INTAKE}
"""By where a message was taken from."""


class Admission:
    """Takes in what messages bring. Raises `StoreUnreachable`: the message must be kept then.

    hooks: names of the helpdesks' hooks, whose ids no message may take.
    """

    def __init__(
        self,
        ledger: Ledger,
        threads: Threads,
        settings: Settings,
        leaving: Callable[[], bool],
        hooks: Container[str] = (),
    ) -> None:
        self._ledger = ledger
        self._threads = threads
        self._settings = settings
        self._leaving = leaving
        self._hooks = hooks

    async def take(self, found: Any, origin: str, message: str, times: Times = ANY_TIME) -> str | None:
        """Accept what a task message brought. Returns the ticket's id, or None where it was kept as rejected.

        message: what only this message has, e.g. its Celery id; deliveries of one message share it.
        """
        as_bytes = json.dumps(found, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
        identity = _digest(message.encode("utf-8", "surrogatepass"), as_bytes)
        if (added := message_in(found)) is not None:
            return (await self._add(added, as_bytes, origin, identity))[0]
        accepted = await self._accept(found, as_bytes, origin, identity, times)
        return accepted[0] if accepted else None

    async def take_raw(self, raw: bytes, origin: str, message: str, *, again: bool = True) -> str | None:
        """Accept a plain JSON ticket. Returns its id where it is new, else None: it was kept, or is known.

        message: as for `take`; "" where the producer gave none, and then the bytes are all it is known by. again:
        whether this may be a second delivery; equal bytes of a first delivery are another ticket.
        """
        identity = _digest(message.encode("utf-8", "surrogatepass"), raw)
        try:
            found = read_raw(raw)
        except UnreadableError as error:
            await self.keep(raw, str(error), origin, identity)
            return None
        if (added := message_in(found)) is not None:
            ticket_id, works = await self._add(added, raw, origin, identity)
            return ticket_id if works else None
        accepted = await self._accept(found, raw, origin, identity)
        if accepted and not accepted[1] and not again and not message and not found.get("id"):
            accepted = await self._accept(found, raw, origin, None)
        return accepted[0] if accepted and accepted[1] else None

    async def keep(self, raw: bytes, error: str, origin: str, identity: str) -> None:
        """Put an unreadable message into the inbox, whole. The same identity again changes nothing."""
        await self._ledger.reject(f"{REJECTED_PREFIX}{identity[:40]}", base64.b64encode(raw).decode(), error, origin)

    async def keep_patiently(self, raw: bytes, error: str, origin: str) -> None:
        """As `keep`, waiting for the store: the message is in our hands. Raises `StoreUnreachable` when leaving."""
        await self._patiently(lambda: self.keep(raw, error, origin, _digest(b"", raw)))

    async def take_patiently(self, raw: bytes, origin: str, message: str, *, again: bool) -> str | None:
        """As `take_raw`, waiting for the store. Raises `StoreUnreachable` when leaving."""
        return await self._patiently(lambda: self.take_raw(raw, origin, message, again=again))

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await work()
            except StoreUnreachable as error:
                if self._leaving():
                    raise
                log.warning("holding a message until the store can be reached: %s", error)
            await asyncio.sleep(WAIT_SECONDS)

    async def _add(self, found: Any, raw: bytes, origin: str, identity: str) -> tuple[str | None, bool]:
        """(id of the ticket it is in, whether there is work), (None, False) where it was kept as rejected."""
        try:
            given = MessageFor.model_validate(found)
            fields = given.model_dump(exclude={"ticket_id", "source"})
            message = Message.model_validate({**fields, "id": given.id or f"msg_{identity[:32]}"})
            refuse_id_of_hook(given.ticket_id, self._hooks)
            return await self._threads.add_or_wait(given.ticket_id, message, door=DOORS[origin], source=given.source)
        except (IdOfHookError, *NOT_ADDED) as error:
            await self.keep(raw, _why(error), origin, identity)
            return None, False

    async def _accept(
        self, found: Any, raw: bytes, origin: str, identity: str | None, times: Times = ANY_TIME
    ) -> tuple[str, bool] | None:
        """(id, whether it is new), or None where it was kept as rejected."""
        settings = self._settings
        try:
            ticket = Ticket.model_validate(found)
            refuse_id_of_hook(ticket.id, self._hooks)
            key = None if ticket.id or identity is None else f"message:{identity}"
            accepted = await self._ledger.accept(
                ticket,
                settings.limits,
                door=DOORS[origin],
                idempotency_key=key,
                max_wait_seconds=settings.max_wait_seconds,
                not_before_ms=times.not_before_ms,
                expires_ms=times.expires_ms,
            )
        except (ValidationError, IdempotencyConflict, IdOfHookError) as error:
            await self.keep(raw, _why(error), origin, identity or _digest(b"", raw))
            return None
        return accepted.id, accepted.created


def _digest(*parts: bytes) -> str:
    return sha256(b"\0".join(sha256(part).digest() for part in parts)).hexdigest()


def message_in(found: Any) -> Any:
    """The message in what came, `{"message": {...}}` or `{"kind": "message", ...}`; None where it is no message."""
    if not isinstance(found, dict):
        return None
    if set(found) == {"message"}:
        return found["message"]
    return {name: value for name, value in found.items() if name != "kind"} if found.get("kind") == "message" else None


def _why(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'ticket'}: {fault['msg']}" for fault in error.errors())
