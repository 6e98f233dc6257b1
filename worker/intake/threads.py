"""Which ticket a reply belongs to, and replies that come before what they answer."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.errors import (
    ConversationFull,
    HistoryUnreachable,
    IdempotencyConflict,
    MessageConflict,
    Stale,
    UnknownTicket,
)
from fallbacks.history.port import History
from fallbacks.inbox.conversations import NOTHING, AddedTo, Bounds, Conversations, Kept
from fallbacks.ledger.ledger import Accepted, Claim, Ledger
from fallbacks.ledger.states import Closed, State
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.conversation import Message
from tasks.money import from_usd
from tasks.run import events as ev
from tasks.run.checkpoint import fold
from tasks.ticket import Requester, Short, Ticket, TicketId
from worker.config.settings import Settings
from worker.intake.doors import MAIL

log = logging.getLogger(__name__)

KEPT_MS = 90 * 24 * 3600 * 1000
"""Which live ticket a mail is in; what has left is found in history, however old."""

AS_MESSAGE = "as_message"
"""In the metadata of a ticket that waits for the one it answers: its id as a message."""

BY_OTHER = "by_other"
"""There, too, where another than the requester of that one wrote it."""

NOT_ADDED = (ConversationFull, IdempotencyConflict, MessageConflict, Stale, ValueError)
"""Why a message cannot be taken as one; a pydantic `ValidationError` is a `ValueError`."""


class MessageFor(Message):
    """A message as it comes by a queue. source: of the ticket that it becomes where there is none for it."""

    ticket_id: TicketId
    source: Short = "message"


@dataclass(frozen=True, slots=True)
class Threads:
    """Over the ledger. A mail is known by its own id, whichever ticket it is in."""

    store: Store
    ledger: Ledger
    conversations: Conversations
    settings: Settings

    async def ticket_of(self, ids: Sequence[str]) -> str | None:
        """The first of these that is a ticket, or was added to one; None where there is none."""
        for known in ids:
            if found := str(await self.store.run("thread", "", known, "", 0)):
                return found
            if await self.store.row(known):
                return known
        history = self.conversations.views.history
        if history is None or not ids:
            return None
        mails, tickets = await history.in_thread(ids), await history.known(ids)
        return next((mails.get(one, one) for one in ids if one in mails or one in tickets), None)

    async def keep(self, message_id: str, ticket_id: str) -> None:
        """Remember which ticket a mail is in."""
        await self.store.run("thread", "", message_id, ticket_id, KEPT_MS)

    async def add(self, ticket_id: str, message: Message, door: str, kept: Kept = NOTHING) -> AddedTo:
        """As `Conversations.add`, and what answers this mail will find the ticket.

        Who wrote it is compared with the ticket's requester, where the envelopes say who both are.
        """
        if not message.other and message.author and (known := await self.conversations.views.stored_ticket(ticket_id)):
            message = message.model_copy(update={"other": _are_two(message.author, known.requester)})
        added = await self.conversations.add(ticket_id, message, door=door, kept=kept)
        if door == MAIL:  # whose ids are nobody else's
            await self.keep(message.id or "", ticket_id)
        return added

    async def add_or_wait(self, ticket_id: str, message: Message, *, door: str, source: str) -> tuple[str, bool]:
        """Add a message whose ticket may be on its way still. (The ticket it is in, whether there is work.)

        Where the ticket is not there, the message waits for it as a parked ticket, and at last is worked as one.
        Raises what is in `NOT_ADDED`.
        """
        try:
            added = await self.add(ticket_id, message, door)
        except UnknownTicket:
            ticket = _as_ticket(ticket_id, message, source)
            try:
                if message.automatic:
                    return await self._closed(ticket, door), False
                waiting = await self.wait(ticket, (ticket_id,), door=door)
            except IdempotencyConflict:
                if not await self._waits(ticket.id or "", message):
                    raise
                return ticket.id or "", False
            return waiting.id, waiting.created and waiting.state is State.QUEUED
        return added.ticket_id, added.works

    async def _waits(self, own: str, message: Message) -> bool:
        """Whether this message waits already: it came by another door, or under another source."""
        known = await self.conversations.views.stored_ticket(own)
        return known is not None and as_message(known, message.id or "").digest() == message.digest()

    async def _closed(self, ticket: Ticket, door: str) -> str:
        kind, limits = Closed.AUTOMATIC, self.settings.limits
        return (await self.ledger.accept(ticket, limits, door=door, closed=kind, detail="an answer of a machine")).id

    async def wait(
        self,
        ticket: Ticket,
        answers: Sequence[str],
        *,
        door: str,
        original: str | None = None,
        attached: str | None = None,
    ) -> Accepted:
        """Accept what answers a ticket that is not there. Raises `IdempotencyConflict`."""
        settings, now = self.settings, await self.store.now_ms()
        return await self.ledger.accept(
            ticket,
            settings.limits,
            door=door,
            max_wait_seconds=settings.max_wait_seconds,
            not_before_ms=now + int(settings.reply_waits_seconds * 1000),
            original=original,
            attached=attached,
            answers=answers,
        )

    async def joined(self, claim: Claim) -> str:
        """The ticket that a claimed one has become a message of, with what was added to it while it waited; "" where it
        is a ticket of its own.

        A crash after a message was added is no harm: added again it changes nothing.
        """
        own = claim.lease.ticket_id
        if not claim.answers or any(isinstance(one.event, ev.StepStarted) for one in claim.journal):
            return ""
        try:
            of = await self.ticket_of([answered for answered in claim.answers if answered != own])
            if of is None or of == own:
                return ""
            message = as_message(claim.ticket, str(claim.ticket.metadata.get(AS_MESSAGE, own)))
            await self.add(of, message, claim.door, await self._kept_with(own))
            for added in fold(claim.journal).added:
                kept = await self._kept_with(own, f":{added.message.id}")
                await self.add(of, added.message, claim.door, kept)
        except (HistoryUnreachable, UnknownTicket, *NOT_ADDED) as error:
            log.warning("%s is a ticket of its own: %s", own, error)
            return ""
        return of

    async def _kept_with(self, ticket_id: str, message: str = "") -> Kept:
        kept = await self.store.fields(keys.original(ticket_id))
        return Kept(kept.get(f"zlib{message}"), kept.get(f"attached{message}"))


def _are_two(one: Requester, two: Requester | None) -> bool:
    if two is None:
        return False
    addresses = [(who.email or "").strip().lower() for who in (one, two)]
    if all(addresses):
        return addresses[0] != addresses[1]
    return bool(one.id and two.id and one.id != two.id)


def _as_ticket(ticket_id: str, message: Message, source: str) -> Ticket:
    """What a message is while nothing is there that it could be added to."""
    own = sha256(f"{ticket_id}\n{message.id}".encode()).hexdigest()[:32]
    return Ticket(
        id=f"reply-{own}",
        source=source,
        subject="",
        body=message.body,
        requester=message.author,
        received_at=message.received_at,
        metadata={AS_MESSAGE: message.id, "answers": ticket_id, **({BY_OTHER: True} if message.other else {})},
        attachments=message.attachments,
    )


def as_message(ticket: Ticket, message_id: str) -> Message:
    """A ticket's words as a message of another."""
    return Message(
        id=message_id,
        body=ticket.body if ticket.body.strip() else ticket.subject,
        author=ticket.requester,
        other=AS_MESSAGE in ticket.metadata and BY_OTHER in ticket.metadata,
        received_at=ticket.received_at,
        attachments=ticket.attachments,
    )


def make_threads(
    store: Store, ledger: Ledger, outcomes: OutcomeWriter, settings: Settings, history: History | None
) -> Threads:
    """Within the bounds that are set."""
    most = settings.max_ticket_cost_usd
    bounds = Bounds(
        settings.limits,
        settings.messages_per_hour,
        settings.conversation_chars,
        None if most is None else from_usd(most),
        settings.max_wait_seconds,
        ledger.targets,
    )
    conversations = Conversations(store, ledger.process, outcomes, bounds, history)
    return Threads(store, ledger, conversations, settings)
