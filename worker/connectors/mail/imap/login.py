"""Signing in to an IMAP server: by a password of any characters, or by an OAuth 2 token."""

from collections.abc import Callable
from dataclasses import dataclass, field

from worker.connectors.errors import MailboxError
from worker.connectors.mail.imap.connection import Connection
from worker.connectors.mail.imap.names import quoted

_OAUTHBEARER, _XOAUTH2 = "AUTH=OAUTHBEARER", "AUTH=XOAUTH2"


@dataclass(frozen=True, slots=True)
class Secret:
    """What proves who signs in. token: yields one that is valid now; where there is none, it is by password."""

    password: str = field(default="", repr=False)
    token: Callable[[], str] | None = None


def sign_in(connection: Connection, user: str, secret: Secret) -> None:
    """Raises `MailboxError` where the server offers no way, and `imaplib.IMAP4.error` where it refuses."""
    offered = connection.offers()
    if secret.token is not None:
        _by_token(connection, user, secret.token(), offered)
    elif "AUTH=PLAIN" in offered:
        sent = f"\0{user}\0{secret.password}".encode()  # RFC 4616
        connection.authenticate("PLAIN", lambda _: sent)
    elif not (user + secret.password).isascii():
        raise MailboxError("user or password are not ASCII, and the server does not offer AUTH=PLAIN")
    else:
        connection.login(quoted(user), secret.password)


def _by_token(connection: Connection, user: str, token: str, offered: frozenset[str]) -> None:
    if not token or not (token.isascii() and token.isprintable()):
        raise MailboxError("the token is empty, or has characters that no token has")
    bearer = f"auth=Bearer {token}\x01\x01"
    if _OAUTHBEARER in offered:
        name = user.replace("=", "=3D").replace(",", "=2C")
        _authenticate(connection, "OAUTHBEARER", f"n,a={name},\x01{bearer}", refused=b"\x01")  # RFC 7628
    elif _XOAUTH2 in offered:
        _authenticate(connection, "XOAUTH2", f"user={user}\x01{bearer}", refused=b"")  # Microsoft's and Google's own
    else:
        raise MailboxError("the server takes no OAuth 2 token: it offers neither OAUTHBEARER nor XOAUTH2")


def _authenticate(connection: Connection, mechanism: str, first: str, *, refused: bytes) -> None:
    """refused: what the client answers to the error that a server sends before its NO."""
    answers = iter([first.encode()])
    connection.authenticate(mechanism, lambda _: next(answers, refused))
