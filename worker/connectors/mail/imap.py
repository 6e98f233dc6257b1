"""An IMAP mailbox that is drained into tickets: what is unseen is taken, and marked seen once it is in the ledger."""

import imaplib
import ipaddress
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from worker.connectors.errors import MailboxError
from worker.connectors.mail.source import MAX_MAIL_BYTES

TIMEOUT_SECONDS = 30.0

_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


class ImapMailbox:
    """`imaps://user@host/Folder`, or `imap://` with STARTTLS; without TLS only on this machine.

    Give it a folder of its own: a mail that somebody reads elsewhere first is seen, and is not taken.
    """

    def __init__(self, url: str, password: str, timeout: float = TIMEOUT_SECONDS) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("imap", "imaps") or not parts.hostname or not parts.username or parts.password:
            raise MailboxError("DESKHAND_IMAP_URL must be imaps://user@host/FOLDER, the password apart from it")
        self._tls = parts.scheme == "imaps"
        self._host, self._port = parts.hostname, parts.port or (993 if self._tls else 143)
        self._user, self._password = unquote(parts.username), password
        self._folder = unquote(parts.path.strip("/")) or "INBOX"
        self._timeout = timeout
        self._imap: imaplib.IMAP4 | None = None

    def __enter__(self) -> Self:
        try:
            with _translated(self._host):
                self._imap = self._connected()
                self._imap.login(self._user, self._password)
                _good(self._imap.select(f'"{self._folder}"'), f"folder {self._folder!r}")
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._leave()

    def unseen(self) -> Iterator[tuple[str, bytes]]:
        """(uid, the mail); of one that is too large, as much as shows that it is."""
        with _translated(self._host):
            found = _good(self._server.uid("SEARCH", "UNSEEN"), "search")
            uids = (found[0] or b"").split()
        for uid in uids:
            with _translated(self._host):
                raw = self._fetched(uid.decode("ascii"))
            if raw is not None:
                yield uid.decode("ascii"), raw

    def taken(self, uid: str) -> None:
        """It is in the ledger: mark it seen."""
        with _translated(self._host):
            _good(self._server.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen)"), "store")

    def _leave(self) -> None:
        if self._imap is not None:
            with suppress(imaplib.IMAP4.error, OSError):
                self._imap.logout()
            self._imap = None

    @property
    def _server(self) -> imaplib.IMAP4:
        if self._imap is None:
            raise MailboxError("the mailbox is not open")
        return self._imap

    def _connected(self) -> imaplib.IMAP4:
        context = ssl.create_default_context()
        if self._tls:
            return imaplib.IMAP4_SSL(self._host, self._port, ssl_context=context, timeout=self._timeout)
        plain = imaplib.IMAP4(self._host, self._port, timeout=self._timeout)
        if not _is_loopback(self._host):
            plain.starttls(context)
        return plain

    def _fetched(self, uid: str) -> bytes | None:
        """None for a mail that somebody has removed meanwhile."""
        sized = _good(self._server.uid("FETCH", uid, "(RFC822.SIZE)"), "fetch")
        found = _SIZE.search(b"".join(part for part in sized if isinstance(part, bytes)))
        if found is None:
            return None
        large = int(found[1]) > MAX_MAIL_BYTES
        what = f"(BODY.PEEK[]<0.{MAX_MAIL_BYTES + 1}>)" if large else "(BODY.PEEK[])"
        answer = _good(self._server.uid("FETCH", uid, what), "fetch")
        return next((part[1] for part in answer if isinstance(part, tuple)), None)


def _good(answer: tuple[str, list[Any]], what: str) -> list[Any]:
    status, data = answer
    if status != "OK":
        raise MailboxError(f"the mailbox refused: {what}: {data[0]!r}"[:200])
    return data


@contextmanager
def _translated(host: str) -> Iterator[None]:
    try:
        yield
    except (imaplib.IMAP4.error, OSError) as error:
        raise MailboxError(f"mailbox {host}: {type(error).__name__}: {error}"[:300]) from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
