"""One kind of mail structure, with what a reader would see of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.worker.connectors.mail.mails import LOST
from worker.connectors.mail.machines import Machine
from worker.connectors.mail.reading import Mail


@dataclass(frozen=True, slots=True)
class Kind:
    """letter: of the rule. source: where the rule stands. body: all of it; None where `has` and `lacks` say enough.

    missing: what is said to be unread, where nothing could be read. cut: whether something is said to be left out.
    """

    letter: str
    name: str
    source: str
    raw: bytes = field(repr=False)
    body: str | None = LOST
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    missing: str = ""
    machine: Machine | None = None
    subject: str | None = None
    email: str | None = None
    who: str | None = None
    dated: bool | None = None
    attached: tuple[str, ...] | None = None
    cut: bool = False

    @property
    def outcome(self) -> str:
        """For the table."""
        if self.missing:
            return f"said: {self.missing}"
        if self.machine:
            return f"closed: {self.machine.value}"
        return "read; what is left out is said" if self.cut else "read"

    def faults(self, mail: Mail) -> Iterator[str]:
        """What is not as a reader would see it."""
        ticket = mail.ticket
        if mail.machine is not self.machine:
            yield f"machine: {mail.machine}"
        if self.missing not in (ticket.unreadable or "") or bool(self.missing) != bool(ticket.unreadable):
            yield f"unreadable: {ticket.unreadable}"
        if self.body is not None and not self.missing and ticket.body.strip() != self.body:
            yield f"body: {ticket.body!r}"
        yield from (f"lacks {part!r}: {ticket.body!r}" for part in self.has if part not in ticket.body)
        yield from (f"shows {part!r}: {ticket.body!r}" for part in self.lacks if part in ticket.body)
        who = ticket.requester
        said = {"subject": ticket.subject, "email": who and who.email, "who": who and who.name}
        said |= {"dated": ticket.received_at is not None, "attached": tuple(one.name for one in ticket.attachments)}
        for name, found in said.items():
            if (wanted := getattr(self, name)) is not None and wanted != (found or wanted.__class__()):
                yield f"{name}: {found!r}"
        if self.cut != ("cut" in ticket.metadata):
            yield f"cut: {ticket.metadata.get('cut')}"
