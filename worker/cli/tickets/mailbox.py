"""The mailbox that `deskhand import-mail --imap` drains, once or for as long as it runs."""

import shlex
import subprocess
import time
from collections.abc import Callable
from typing import Protocol

from fallbacks.errors import StoreUnreachable
from worker.cli.output import complain
from worker.config.settings import Settings
from worker.connectors.errors import MailboxError, MailRefusedError
from worker.connectors.mail.imap.login import Secret
from worker.connectors.mail.imap.mailbox import ImapMailbox

FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 300.0
TOKEN_SECONDS = 60.0
"""What the program that yields a token may take."""


class Taking(Protocol):
    """Into the ledger with a mail, or what is kept of one that cannot be had."""

    def take(self, where: str, raw: bytes) -> None: ...

    def refuse(self, where: str, why: str) -> None: ...


def drain(settings: Settings, taking: Taking, every: float | None) -> None:
    """Take what is unseen. every: go on until Ctrl-C, look again after so many seconds, and at once where the server
    says that a mail came. Without it a fault raises `MailboxError` or `StoreUnreachable`; with it each is one line.
    """
    mailbox = _mailbox(settings)
    if every is None:
        with mailbox:
            _look(mailbox, taking)
        return
    failures = 0
    while True:
        try:
            with mailbox:
                _look(mailbox, taking)
                failures = 0
                while mailbox.wait(every):
                    _look(mailbox, taking)
            seconds = every
        except (MailboxError, StoreUnreachable) as error:  # what was not taken is still unseen
            seconds = pause(failures, every)
            failures += 1
            complain(f"{error}; looking again in {seconds:g} s")
        time.sleep(seconds)


def pause(failures: int, every: float) -> float:
    """Seconds before the next try, after so many failures in a row before this one."""
    doubled: float = min(FIRST_PAUSE_SECONDS, every) * 2 ** min(failures, 16)
    return min(doubled, max(LONGEST_PAUSE_SECONDS, every))


def _look(mailbox: ImapMailbox, taking: Taking) -> None:
    """Until nothing is left, what comes meanwhile too. Into the ledger first, seen second: a crash between the two is a
    known mail the next time.
    """
    while uids := mailbox.unseen():
        for uid in uids:
            try:
                raw = mailbox.mail(uid)
            except MailRefusedError as error:
                taking.refuse(f"mail {uid}", str(error))
                continue
            if raw is not None:
                taking.take(f"mail {uid}", raw)
                mailbox.taken(uid)


def _mailbox(settings: Settings) -> ImapMailbox:
    secret = _secret(settings)
    if settings.imap_url is None or secret is None:
        raise MailboxError(
            "set DESKHAND_IMAP_URL=imaps://user@host/FOLDER, and DESKHAND_IMAP_PASSWORD, DESKHAND_IMAP_TOKEN or "
            "DESKHAND_IMAP_TOKEN_COMMAND"
        )
    return ImapMailbox(settings.imap_url, secret, settings.imap_ca)


def _secret(settings: Settings) -> Secret | None:
    if settings.imap_password is not None:
        return Secret(settings.imap_password.get_secret_value())
    if settings.imap_token is not None:
        token = settings.imap_token.get_secret_value().strip()
        return Secret(token=lambda: token)
    return Secret(token=_asked(settings.imap_token_command)) if settings.imap_token_command else None


def _asked(command: str) -> Callable[[], str]:
    def ask() -> str:
        try:
            ended = subprocess.run(  # noqa: S603 - the operator's own program
                shlex.split(command), capture_output=True, timeout=TOKEN_SECONDS, check=True
            )
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode("utf-8", "replace").strip().splitlines()
            raise MailboxError(
                f"DESKHAND_IMAP_TOKEN_COMMAND ended with {error.returncode}: {said[-1] if said else 'no word'}"
            ) from None
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise MailboxError(f"DESKHAND_IMAP_TOKEN_COMMAND: {error}") from None
        return ended.stdout.decode("utf-8", "replace").strip()

    return ask
