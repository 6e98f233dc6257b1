"""Mails into the ledger: accepted as tickets, closed at once where a machine sent them, or kept whole as rejected."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from fallbacks.errors import ConversationFull, IdempotencyConflict, MessageConflict, Stale, UnknownTicket
from fallbacks.inbox.conversations import Kept
from fallbacks.ledger.addresses import address_digest
from fallbacks.ledger.attachments import packed_texts
from fallbacks.ledger.ledger import Accepted, Ledger
from fallbacks.ledger.states import Closed, State
from fallbacks.store import keys
from tasks.conversation import Message
from tasks.errors import ToolError
from tasks.ticket import REJECTED_PREFIX, Ticket, read_stored
from tasks.tools.ports import AttachmentText, CustomerDirectory
from worker.config.settings import Settings
from worker.connectors.errors import UnreadableMailError
from worker.connectors.mail.attached import PdfReader, texts_of
from worker.connectors.mail.original import packed
from worker.connectors.mail.reading import Mail, another_under_its_id, mail_id, read_mail, same_mail, same_words
from worker.connectors.mail.source import MAX_MAIL_BYTES
from worker.intake.admission import Admission
from worker.intake.doors import MAIL
from worker.intake.threads import Threads, as_message

ORIGIN = "email"
KEPT_OF_LARGE = 256 * 1024
"""Of a mail beyond the bound the inbox keeps its beginning; the rest stays where it came from."""

THREAD_MAILS_PER_HOUR = 30
"""More mails from one sender in one thread are two machines that answer each other."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a mail. id: its ticket's. new: not known before. why: it was kept as rejected; "" if accepted.

    closed: it ended at once, since a machine sent it. rests: there is nothing to publish: it ended, or waits for the
    mail that it answers, or changes nothing. joins: it is a message of that ticket.
    """

    id: str
    new: bool
    why: str = ""
    closed: bool = False
    rests: bool = False
    joins: bool = False


class MailIntake:
    """Takes mails in. The same mail twice changes nothing. Raises `StoreUnreachable`: keep the mail then."""

    def __init__(
        self,
        ledger: Ledger,
        threads: Threads,
        admission: Admission,
        settings: Settings,
        customers: CustomerDirectory,
        read_pdf: PdfReader,
    ) -> None:
        self._ledger = ledger
        self._threads = threads
        self._views = threads.conversations.views
        self._admission = admission
        self._settings = settings
        self._customers = customers
        self._read_pdf = read_pdf

    async def take(self, raw: bytes) -> Taken:
        """One mail. Publish its hint if it is new and not closed."""
        try:
            mail = await self._with_customer(read_mail(raw, trusted=self._settings.mail_authserv))
        except UnreadableMailError as error:
            return await self._keep(raw, str(error))
        if (joined := await self._joined(mail, raw)) is not None:
            return joined
        why = mail.machine.value if mail.machine else await self._loop(mail.ticket)
        try:
            accepted = await self._accept(mail, mail.ticket, why, raw, mail.answers)
        except IdempotencyConflict:
            if await self._came_before(mail):
                return Taken(mail.ticket.id or "", new=False)
            return await self._another(mail, why, raw)
        return Taken(accepted.id, accepted.created, closed=bool(why), rests=bool(why) or accepted.state is State.PARKED)

    async def _joined(self, mail: Mail, raw: bytes) -> Taken | None:
        """The mail as a message of the ticket that it answers; None where it is a ticket of its own."""
        own, threads = mail.ticket.id or "", self._threads
        if not mail.answers:
            return None
        row = await self._views.row(own)
        if row and "answers" not in row:  # a ticket that waited for nothing
            return None
        of = await threads.ticket_of(mail.answers)
        if of is None or of == own:
            return None
        message = as_message(mail.ticket, own).model_copy(update={"automatic": mail.machine is not None})
        try:
            added = await threads.add(of, message, MAIL, await self._kept(mail, own, raw))
        except MessageConflict:
            return Taken(of, new=False) if await self._is_known(of, message) else None
        except (ConversationFull, Stale, UnknownTicket, ValueError):
            return None
        return Taken(of, added.created, rests=not added.works, joins=True)

    async def _kept(self, mail: Mail, own: str, raw: bytes) -> Kept:
        texts = await self._texts(mail, own)
        lost = address_digest(mail.bounced) if mail.bounced else None
        return Kept(packed(raw), packed_texts(texts) if texts else None, lost)

    async def _is_known(self, ticket_id: str, message: Message) -> bool:
        """Whether the message of this id is the same mail, which came another way."""
        added = (await self._views.checkpoint(ticket_id)).added
        return any(one.message.id == message.id and same_words(one.message.body, message.body) for one in added)

    async def _came_before(self, mail: Mail) -> bool:
        """Whether this very mail did: who sends tickets by another door may give them the id of a mail to come."""
        row = await self._views.row(mail.ticket.id or "")
        if "body" not in row or row.get("door", MAIL) != MAIL:
            return False
        return same_mail(read_stored(row["body"]), mail.ticket)

    async def _another(self, mail: Mail, why: str, raw: bytes) -> Taken:
        try:
            accepted = await self._accept(mail, another_under_its_id(mail), why, raw)
        except IdempotencyConflict as error:
            return await self._keep(raw, str(error))
        return Taken(accepted.id, accepted.created, closed=bool(why), rests=bool(why))

    async def _accept(self, mail: Mail, ticket: Ticket, why: str, raw: bytes, answers: Sequence[str] = ()) -> Accepted:
        settings = self._settings
        texts = await self._texts(mail, ticket.id or "")
        kept = packed_texts(texts) if texts else None
        if answers and not why and settings.reply_waits_seconds:
            return await self._threads.wait(ticket, answers, door=MAIL, original=packed(raw), attached=kept)
        return await self._ledger.accept(
            ticket,
            settings.limits,
            door=MAIL,
            max_wait_seconds=settings.max_wait_seconds,
            closed=Closed.AUTOMATIC if why else None,
            detail=why,
            original=packed(raw),
            attached=kept,
            bounced=mail.bounced or None,
        )

    async def _with_customer(self, mail: Mail) -> Mail:
        """The mail with its requester's id, where the sender is authenticated and the directory knows the address."""
        who = mail.ticket.requester
        if not mail.sender or who is None or who.email != mail.sender or mail.machine is not None:
            return mail
        try:
            customer = await self._customers.find(mail.sender)
        except ToolError as error:
            said = {**mail.ticket.metadata, "customer_not_looked_up": str(error)[:200]}
            return replace(mail, ticket=mail.ticket.model_copy(update={"metadata": said}))
        if customer is None:
            return mail
        known = who.model_copy(update={"id": customer.id})
        return replace(mail, ticket=mail.ticket.model_copy(update={"requester": known}))

    async def _texts(self, mail: Mail, own: str) -> dict[int, AttachmentText]:
        """What is attached, as text. Of a mail that is known they are kept already. own: its id."""
        if not any(one.raw for one in mail.files) or await self._views.row(own):
            return {}
        return await asyncio.to_thread(texts_of, mail.files, self._read_pdf)

    async def _loop(self, ticket: Ticket) -> str:
        """Why this mail is one of a loop's, or ""."""
        sender = (ticket.requester.email or "") if ticket.requester else ""
        if not sender or "in_reply_to" not in ticket.metadata:
            return ""
        thread = sha256(f"{sender}\n{ticket.metadata.get('thread', '')}".encode()).hexdigest()[:32]
        count = await self._ledger.store.tick(keys.mail_thread(thread), 3600)
        return (
            f"a loop: {count} mails of one sender in one thread within an hour" if count > THREAD_MAILS_PER_HOUR else ""
        )

    async def _keep(self, raw: bytes, why: str) -> Taken:
        identity = mail_id(raw)
        kept = raw if len(raw) <= MAX_MAIL_BYTES else raw[:KEPT_OF_LARGE]
        note = "" if kept is raw else f" (kept: the first {len(kept)} bytes)"
        await self._admission.keep(kept, why + note, ORIGIN, identity)
        return Taken(f"{REJECTED_PREFIX}{identity[:40]}", new=False, why=why)
