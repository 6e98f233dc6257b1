"""`deskhand import-mail`: mails as tickets, from files or from a mailbox."""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.context import Session, end_in_order_when_terminated, publish_hint, session
from worker.cli.options import Json
from worker.cli.output import complain, dump, say

if TYPE_CHECKING:
    from worker.connectors.mail.intake import MailIntake


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="import-mail", rich_help_panel="Tickets")(import_mail)


def import_mail(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files .eml, .emlx, .msg or mbox, Maildirs, or folders of them.")
    ] = None,
    imap: Annotated[bool, typer.Option("--imap", help="What is unseen at DESKHAND_IMAP_URL.")] = False,
    every: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=86400,
            help="Look again after so many seconds, and at once where the server says that a mail came; until Ctrl-C.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Make tickets of mails. Sending the same mail again changes nothing; what cannot be read is in the inbox, whole.

    Earlier mails and signatures below the writer's words are left out and said; `deskhand show ID --original` prints
    the whole mail. What machines send is closed at once. Exit status 1 if a mail was rejected, or a file or folder
    held none.
    """
    if bool(paths) == imap:
        raise typer.BadParameter("name files, or use --imap")
    with session() as opened:
        done = Imported(opened, _intake(opened))
        if paths:
            _take_files(paths, done)
        else:
            _drain(opened, every, done)
    if json:
        faults = [{"where": where, "error": why} for where, why in done.rejected]
        dump({"accepted": done.accepted, "added": done.added, "known": done.known, "rejected": faults})
    else:
        added = f"{len(done.added)} added to tickets, " if done.added else ""
        say(f"{len(done.accepted)} accepted, {added}{len(done.known)} known before, {len(done.rejected)} rejected")
    if done.rejected:
        raise typer.Exit(1)


@dataclass(slots=True)
class Imported:
    """Takes mails in, and holds their ids by what became of them. added: tickets of replies. rejected: (where, why)."""

    opened: Session
    intake: "MailIntake"
    accepted: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)

    def take(self, where: str, raw: bytes) -> None:
        """One mail. Raises `StoreUnreachable`."""
        taken = self.opened.run(self.intake.take(raw))
        if taken.why:
            self.refuse(where, taken.why)
        elif taken.new:
            (self.added if taken.joins else self.accepted).append(taken.id)
            if not taken.rests:
                self.opened.run(publish_hint(self.opened.parts, [taken.id]))
        else:
            self.known.append(taken.id)

    def refuse(self, where: str, why: str) -> None:
        """What could not be read, said at once."""
        self.rejected.append((where, why))
        complain(f"{where}: {why}")


def _take_files(paths: list[Path], done: Imported) -> None:
    from worker.connectors.errors import UnreadableFileError
    from worker.connectors.mail.files import mails_of

    for path in paths:
        for where, raw in mails_of(path):
            if isinstance(raw, UnreadableFileError):
                done.refuse(where, str(raw))
            else:
                done.take(where, raw)


def _drain(opened: Session, every: float | None, done: Imported) -> None:
    from worker.cli.tickets.mailbox import drain

    if every is not None:
        end_in_order_when_terminated()
    with suppress(KeyboardInterrupt):
        drain(opened.parts.settings, done, every)


def _intake(opened: Session) -> "MailIntake":
    from worker.connectors.mail.intake import MailIntake
    from worker.connectors.mail.pdf import pdf_text

    parts = opened.parts
    return MailIntake(parts.ledger, parts.threads, parts.admission, parts.settings, parts.customers, pdf_text)
