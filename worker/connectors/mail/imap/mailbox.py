"""An IMAP mailbox that is drained into tickets: what is unseen is taken, and marked seen once it is in the ledger."""

import imaplib
import ipaddress
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from worker.connectors.errors import MailboxError, MailRefusedError
from worker.connectors.mail.imap.connection import Connection
from worker.connectors.mail.imap.login import Secret, sign_in
from worker.connectors.mail.imap.names import from_modified_utf7, quoted, to_modified_utf7
from worker.connectors.mail.source import MAX_MAIL_BYTES

TIMEOUT_SECONDS = 30.0
IDLE_SECONDS = 25 * 60.0
"""A server may end a wait of 30 minutes (RFC 2177)."""

_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_FOLDER = re.compile(rb'\([^)]*\) (?:"(?:[^"\\]|\\.)*"|NIL) (.+)', re.DOTALL)
_SHOWN_FOLDERS = 20


class ImapMailbox:
    """`imaps://user@host/Folder`, or `imap://` with STARTTLS; without TLS only on this machine.

    ca: a file of certificates to trust instead of the system's. Give it a folder of its own: a mail that somebody reads
    elsewhere first is seen, and is not taken. Raises `MailboxError` for whatever goes wrong, one line each.
    """

    def __init__(self, url: str, secret: Secret, ca: Path | None = None, timeout: float = TIMEOUT_SECONDS) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise MailboxError(f"DESKHAND_IMAP_URL: {error}") from None
        self._user, self._folder = unquote(parts.username or ""), unquote(parts.path.strip("/")) or "INBOX"
        if parts.scheme not in ("imap", "imaps") or not host or not self._user or parts.password:
            raise MailboxError("DESKHAND_IMAP_URL must be imaps://user@host/FOLDER, the password apart from it")
        if not (self._user + self._folder).isprintable():
            raise MailboxError("DESKHAND_IMAP_URL: user or folder hold control characters, or are not UTF-8")
        self._tls = parts.scheme == "imaps"
        self._host, self._port = host, port or (993 if self._tls else 143)
        self._secret, self._ca, self._timeout = secret, ca, timeout
        self._connection: Connection | None = None
        self._tried: set[str] = set()

    def __enter__(self) -> Self:
        try:
            with self._translated():
                self._connection = self._connected()
                sign_in(self._connection, self._user, self._secret)
                self._select(self._connection)
        except BaseException:
            self._leave()
            raise
        self._tried.clear()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._leave()

    def unseen(self) -> list[str]:
        """The uids of what is unseen and was not asked for since the mailbox was opened."""
        with self._translated():
            found = _good(self._server.uid("SEARCH", "UNSEEN"), "search")
            uids = b" ".join(part for part in found if part).decode("ascii").split()
        return [uid for uid in uids if uid not in self._tried]

    def mail(self, uid: str) -> bytes | None:
        """Of one that is too large, as much as shows that it is; None for one that somebody has removed meanwhile.

        Raises `MailRefusedError` where the server does not give this one.
        """
        self._tried.add(uid)
        with self._translated():
            sized = self._fetched(uid, "(RFC822.SIZE)")
            found = _SIZE.search(b" ".join(part for part in sized if isinstance(part, bytes)))
            if found is None:
                return None
            large = int(found[1]) > MAX_MAIL_BYTES
            what = f"(BODY.PEEK[]<0.{MAX_MAIL_BYTES + 1}>)" if large else "(BODY.PEEK[])"
            return next((part[1] for part in self._fetched(uid, what) if isinstance(part, tuple)), None)

    def taken(self, uid: str) -> None:
        """It is in the ledger: mark it seen."""
        with self._translated():
            _good(self._server.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen)"), "store")

    def wait(self, seconds: float) -> bool:
        """Until something happens in the folder, for so many seconds at most. False: the server cannot say so."""
        with self._translated():
            if "IDLE" not in self._server.offers():
                return False
            self._server.idle(min(seconds, IDLE_SECONDS))
        return True

    def _leave(self) -> None:
        if self._connection is not None:
            with suppress(imaplib.IMAP4.error, OSError):
                self._connection.logout()
            self._connection.shutdown()
            self._connection = None

    @property
    def _server(self) -> Connection:
        if self._connection is None:
            raise MailboxError("the mailbox is not open")
        return self._connection

    def _connected(self) -> Connection:
        context = _context(self._ca)
        at_once = context if self._tls else None
        connection = Connection(
            self._host, self._port, timeout=self._timeout, max_literal_bytes=MAX_MAIL_BYTES + 1, context=at_once
        )
        if not self._tls and (self._ca is not None or not _is_loopback(self._host)):
            self._connection = connection  # closed, should this fail
            connection.secure(context)
        return connection

    def _select(self, connection: Connection) -> None:
        status, said = connection.select(quoted(to_modified_utf7(self._folder)))
        if status != "OK":
            raise MailboxError(f"no folder {self._folder!r}: {_text(said)}; there are: {_folders(connection)}")

    def _fetched(self, uid: str, what: str) -> list[Any]:
        status, data = self._server.uid("FETCH", uid, what)
        if status != "OK":
            raise MailRefusedError(f"the mailbox refused it: {_text(data)}")
        return data

    @contextmanager
    def _translated(self) -> Iterator[None]:
        where = f"mailbox {self._host}"
        try:
            yield
        except MailRefusedError:
            raise
        except MailboxError as error:
            raise MailboxError(f"{where}: {error}") from error
        except imaplib.IMAP4.readonly as error:
            raise MailboxError(f"{where}: folder {self._folder!r} is read-only, no mail can be marked seen") from error
        except imaplib.IMAP4.error as error:
            raise MailboxError(f"{where}: {_text(error.args)}") from error
        except Exception as error:  # the library raises nearly anything on what a server should not say
            raise MailboxError(_one_line(f"{where}: {type(error).__name__}: {error}")) from error


def _context(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise MailboxError(f"DESKHAND_IMAP_CA: {ca}: {error.strerror or error}") from error


def _good(answer: tuple[str, list[Any]], what: str) -> list[Any]:
    status, data = answer
    if status != "OK":
        raise MailboxError(f"the mailbox refused: {what}: {_text(data)}")
    return data


def _text(said: object) -> str:
    """What a server or the library said, on one line."""
    first = said[0] if isinstance(said, (list, tuple)) and said else said
    return _one_line(first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first))


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]


def _folders(connection: Connection) -> str:
    """Some of the folders' names, as people see them."""
    _, lines = connection.list()
    found = [_FOLDER.fullmatch(line) for line in lines if isinstance(line, bytes)]
    names = [from_modified_utf7(name[1].decode("utf-8", "replace").strip('"')) for name in found if name]
    return ", ".join(names[:_SHOWN_FOLDERS]) or "none"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
