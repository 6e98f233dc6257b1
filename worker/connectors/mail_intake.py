"""Mails into the ledger: accepted as tickets, or kept whole as rejected."""

from dataclasses import dataclass

from fallbacks.errors import IdempotencyConflict
from fallbacks.ledger.ledger import Ledger
from tasks.ticket import REJECTED_PREFIX
from worker.config.settings import Settings
from worker.connectors.errors import UnreadableMailError
from worker.connectors.mail import MAX_MAIL_BYTES, mail_id, read_mail
from worker.intake.admission import Admission

ORIGIN = "email"
KEPT_OF_LARGE = 256 * 1024
"""Of a mail beyond the bound the inbox keeps its beginning; the rest stays where it came from."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a mail. id: its ticket's. new: not known before. why: it was kept as rejected; "" if accepted."""

    id: str
    new: bool
    why: str = ""


class MailIntake:
    """Takes mails in. The same mail twice changes nothing. Raises `StoreUnreachable`: keep the mail then."""

    def __init__(self, ledger: Ledger, admission: Admission, settings: Settings) -> None:
        self._ledger = ledger
        self._admission = admission
        self._settings = settings

    async def take(self, raw: bytes) -> Taken:
        """One mail. Publish its hint if it is new."""
        settings = self._settings
        try:
            ticket = read_mail(raw)
            accepted = await self._ledger.accept(ticket, settings.limits, max_wait_seconds=settings.max_wait_seconds)
        except (UnreadableMailError, IdempotencyConflict) as error:
            return await self._keep(raw, str(error))
        return Taken(accepted.id, accepted.created)

    async def _keep(self, raw: bytes, why: str) -> Taken:
        identity = mail_id(raw)
        kept = raw if len(raw) <= MAX_MAIL_BYTES else raw[:KEPT_OF_LARGE]
        note = "" if kept is raw else f" (kept: the first {len(kept)} bytes)"
        await self._admission.keep(kept, why + note, ORIGIN, identity)
        return Taken(f"{REJECTED_PREFIX}{identity[:40]}", new=False, why=why)
