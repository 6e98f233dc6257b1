"""The outbox: outcomes on their way out. At least once, under one id, over hours; a `sequence` gives their order."""

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, assert_never

from fallbacks.delivery.outcomes import WEBHOOK
from fallbacks.errors import WebhookMessageGone
from fallbacks.history.port import History
from fallbacks.ledger.limits.control import OUTCOMES_STOPPED
from fallbacks.ledger.views import Views
from fallbacks.store import keys
from fallbacks.store.port import Store

MAX_BYTES = 20_000
"""Standard Webhooks: receivers may refuse larger payloads."""

DISABLED = OUTCOMES_STOPPED
"""The field of the `control` hash that says why nothing leaves to the webhook."""

_MINUTE, _HOUR = 60.0, 3600.0
WAITS = (5.0, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR)
"""Seconds between the ten tries, over some 75 hours: the schedule Standard Webhooks proposes."""

TRIES = len(WAITS) + 1
JITTER = 0.1
TOGETHER = 16
HIDE_MS = 60_000
"""A taken message that nobody settles is due again after this: its sender died. Longer than any try."""


class Receipt(StrEnum):
    """delivered: 2xx. gone: 410, the receiver wants nothing more. failed: anything else; worth another try."""

    DELIVERED = "delivered"
    GONE = "gone"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Message:
    """An outcome as it leaves. id: the same on every try. body: JSON text, below 20 kB. attempt: from 1.

    to: the receiver's name.
    """

    id: str
    ticket_id: str
    event: str
    body: str
    attempt: int
    to: str = WEBHOOK

    @property
    def webhook_id(self) -> str:
        """What every receiver knows the outcome by, whichever of them it is."""
        return self.id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one try. ended: it was the last, or it arrived. detail: one line for people."""

    message: Message
    receipt: Receipt
    detail: str
    ended: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A message in the store. due_ms: its next try, None when it has ended. outcome: "" while it is on its way."""

    id: str
    ticket_id: str
    event: str
    attempts: int
    sequence: int
    outcome: str
    error: str
    due_ms: int | None


class OutcomeSender(Protocol):
    """Where outcomes go."""

    async def send(self, message: Message) -> tuple[Receipt, str]:
        """Try once; says what became of it and why. Never raises for what a receiver does."""
        ...


class Outbox:
    """Takes due messages from the store and sends them. jitter: 0..1, a random number for each wait.

    others: whether the sender serves receivers besides the webhook, who must not wait for one that is gone.
    """

    def __init__(
        self, store: Store, sender: OutcomeSender, jitter: Callable[[], float] = random.random, *, others: bool = False
    ) -> None:
        self.store = store
        self.sender = sender
        self._jitter = jitter
        self._others = others

    async def send_due(self) -> list[Sent]:
        """Send what is due, side by side: a receiver that hangs holds up nothing else for longer than one try."""
        sent: list[Sent] = []
        while not (closed := DISABLED in await self.store.fields(keys.CONTROL)) or self._others:
            taken = await self.store.run("take_outbox", "", TOGETHER, HIDE_MS)
            work = [self._send(message_id, flat, closed=closed) for message_id, flat in taken if flat]
            sent += [one for one in await asyncio.gather(*work) if one is not None]
            if len(taken) < TOGETHER:
                break
        return sent

    async def _send(self, message_id: str, flat: list[str], *, closed: bool) -> Sent | None:
        row = dict(zip(flat[::2], flat[1::2], strict=True))
        body = payload(row["body"], int(row["sequence"]))
        to = row.get("to", WEBHOOK)
        message = Message(message_id, row["ticket"], row["event"], body, int(row["attempts"]), to)
        if closed and to == WEBHOOK:
            await self.store.run("settle_outbox", message.ticket_id, message.id, "hold", HIDE_MS, "")
            return None
        receipt, detail = await self.sender.send(message)
        return await self._settle(message, receipt, detail)

    async def _settle(self, message: Message, receipt: Receipt, detail: str) -> Sent:
        match receipt:
            case Receipt.DELIVERED:
                outcome, wait = "delivered", 0.0
            case Receipt.GONE:  # it waits, with all that come after it, until an operator enables the receiver again
                await self.store.put(keys.CONTROL, {DISABLED: f"{detail} to {message.id}"})
                outcome, wait = "retry", WAITS[0]
            case Receipt.FAILED:
                last = message.attempt >= TRIES
                outcome = "failed" if last else "retry"
                wait = 0.0 if last else WAITS[message.attempt - 1] * (1 + JITTER * (2 * self._jitter() - 1))
            case _:
                assert_never(receipt)
        args = (message.id, outcome, int(wait * 1000), detail[:300])
        await self.store.run("settle_outbox", message.ticket_id, *args)
        return Sent(message, receipt, detail, outcome != "retry")


class OutboxAdmin:
    """What operators do with the outbox. history: where outcomes are that left with their ticket; None: nowhere."""

    def __init__(self, store: Store, history: History | None = None) -> None:
        self.store = store
        self.views = Views(store, history)

    async def entries(self, limit: int = 100) -> list[Entry]:
        """Messages on their way, next due first, then those given up, latest first."""
        due = await self.store.ranked(keys.OUTBOX, 0, limit - 1)
        failed = await self.store.ranked(keys.OUTBOX_FAILED, -limit, -1)
        found = [await self._entry(message_id, int(at)) for message_id, at in due]
        found += [await self._entry(message_id, None) for message_id, _ in reversed(failed)]
        return [entry for entry in found if entry is not None]

    async def redeliver(self, message_id: str) -> str:
        """Send one again, under its id, from the first try. Returns its ticket; raises `WebhookMessageGone`."""
        ticket_id = await self.store.run("redeliver", "", message_id)
        if not ticket_id and await self._brought_back(message_id):
            ticket_id = await self.store.run("redeliver", "", message_id)
        if not ticket_id:
            raise WebhookMessageGone(message_id)
        return str(ticket_id)

    async def _brought_back(self, message_id: str) -> bool:
        """Whether its ticket has come back from history for it, to leave again when it has arrived."""
        if self.views.history is None:
            return False
        found = (await self.views.history.in_thread([message_id])).get(message_id)
        return found is not None and await self.views.bring_back(found)

    async def undelivered(self, since_ms: int = 0) -> list[Entry]:
        """What was tried and has not arrived: given up at `since_ms` or later, and all between two tries."""
        given_up = await self.store.ranked(keys.OUTBOX_FAILED, 0, -1)
        found = [await self._entry(message_id, None) for message_id, at in given_up if at >= since_ms]
        found += [await self._entry(id_, int(due)) for id_, due in await self.store.ranked(keys.OUTBOX, 0, -1)]
        return [entry for entry in found if entry is not None and entry.attempts > 0]

    async def enable(self) -> str | None:
        """Let messages leave again. Returns why they did not; None when they did."""
        why = (await self.store.fields(keys.CONTROL)).get(DISABLED)
        await self.store.put(keys.CONTROL, {DISABLED: None})
        return why

    async def _entry(self, message_id: str, due_ms: int | None) -> Entry | None:
        row = await self.store.fields(keys.message(message_id))
        if not row:
            return None
        return Entry(
            id=message_id,
            ticket_id=row["ticket"],
            event=row["event"],
            attempts=int(row["attempts"]),
            sequence=int(row["sequence"]),
            outcome=row.get("outcome", ""),
            error=row.get("error", ""),
            due_ms=due_ms,
        )


def payload(stored: str, sequence: int) -> str:
    """The body that leaves: the stored one with its place among the ticket's messages, cut to fit.

    The longest texts of a decision go first; `truncated` names them, and the API has them whole.
    """
    body: dict[str, Any] = {**json.loads(stored), "sequence": sequence}
    text = _compact(body)
    for name, field in _LONGEST:
        decision = body["data"].get(name)
        if len(text.encode()) < MAX_BYTES or not decision or field not in decision:
            continue
        decision[field] = [] if field == "evidence" else ""
        body["data"].setdefault("truncated", []).append(field if name == "decision" else f"{name}.{field}")
        text = _compact(body)
    return text


_LONGEST = [(name, field) for name in ("earlier", "decision") for field in ("evidence", "rationale", "summary")]
"""Texts of the decisions in a body, in the order in which they are left out."""


def _compact(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
