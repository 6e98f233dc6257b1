"""`deskhand import-mail`: mails as tickets, from files or from a mailbox."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.context import Session, publish_hint, session
from worker.cli.options import Json
from worker.cli.output import complain, dump, say

if TYPE_CHECKING:
    from worker.connectors.mail.imap import ImapMailbox
    from worker.connectors.mail.intake import MailIntake


@dataclass(slots=True)
class Imported:
    """Ids by what became of the mails. rejected: (where, why)."""

    accepted: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="import-mail", rich_help_panel="Tickets")(import_mail)


def import_mail(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files .eml, .emlx, .msg or mbox, Maildirs, or folders of them.")
    ] = None,
    imap: Annotated[bool, typer.Option("--imap", help="What is unseen at DESKHAND_IMAP_URL.")] = False,
    every: Annotated[float | None, typer.Option(min=1, help="Look again after so many seconds, until Ctrl-C.")] = None,
    json: Json = False,
) -> None:
    """Make tickets of mails. Sending the same mail again changes nothing; what cannot be read is in the inbox, whole.

    Earlier mails and signatures below the writer's words are left out and said; `deskhand show ID --original` prints
    the whole mail. What machines send is closed at once. Exit status 1 if a mail was rejected.
    """
    if bool(paths) == imap:
        raise typer.BadParameter("name files, or use --imap")
    done = Imported()
    with session() as opened:
        if paths:
            _take_all(opened, _files(paths), done)
        else:
            _drain(opened, every, done)
    if json:
        faults = [{"where": where, "error": why} for where, why in done.rejected]
        dump({"accepted": done.accepted, "known": done.known, "rejected": faults})
    else:
        say(f"{len(done.accepted)} accepted, {len(done.known)} known before, {len(done.rejected)} rejected")
    if done.rejected:
        raise typer.Exit(1)


def _files(paths: list[Path]) -> Iterator[tuple[str, bytes]]:
    from worker.connectors.mail.files import mails_of

    for path in paths:
        yield from mails_of(path)


def _take_all(opened: Session, mails: Iterator[tuple[str, bytes]], done: Imported) -> None:
    intake = _intake(opened)
    for where, raw in mails:
        _take(opened, intake, where, raw, done)


def _take(opened: Session, intake: "MailIntake", where: str, raw: bytes, done: Imported) -> None:
    taken = opened.run(intake.take(raw))
    if taken.why:
        done.rejected.append((where, taken.why))
        complain(f"{where}: {taken.why}")
    elif taken.new:
        done.accepted.append(taken.id)
        if not taken.closed:
            opened.run(publish_hint(opened.parts, [taken.id]))
    else:
        done.known.append(taken.id)


def _drain(opened: Session, every: float | None, done: Imported) -> None:
    import time

    from fallbacks.errors import StoreUnreachable
    from worker.connectors.errors import MailboxError
    from worker.connectors.mail.imap import ImapMailbox

    settings = opened.parts.settings
    if settings.imap_url is None or settings.imap_password is None:
        raise MailboxError("set DESKHAND_IMAP_URL=imaps://user@host/FOLDER and DESKHAND_IMAP_PASSWORD")
    mailbox = ImapMailbox(settings.imap_url, settings.imap_password.get_secret_value())
    if every is None:
        _look(opened, mailbox, done)
        return
    with suppress(KeyboardInterrupt):
        while True:
            try:
                _look(opened, mailbox, done)
            except (MailboxError, StoreUnreachable) as error:  # what was not taken is still unseen
                complain(f"{error}; looking again in {every:g} s")
            time.sleep(every)


def _look(opened: Session, mailbox: "ImapMailbox", done: Imported) -> None:
    """Into the ledger first, seen second: a crash between the two is a known mail the next time."""
    intake = _intake(opened)
    with mailbox:
        for uid, raw in mailbox.unseen():
            _take(opened, intake, f"mail {uid}", raw, done)
            mailbox.taken(uid)


def _intake(opened: Session) -> "MailIntake":
    from worker.connectors.mail.intake import MailIntake

    parts = opened.parts
    return MailIntake(parts.ledger, parts.admission, parts.settings)
