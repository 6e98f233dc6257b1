"""A connection to an IMAP server: the standard library's commands over a socket that is read here, so that a wait can
end and what has arrived by then is kept. IMAPClient and imap-tools wait for the socket alone: a line that came with the
one before it, already read, lies there until their wait is over.
"""

import imaplib
import socket
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MAX_LINE_BYTES = 10 * 1024 * 1024
"""The numbers of a million unseen mails are one line."""

_IDLE = b"IDLE"
"""The tag of the command is its name: one at a time, and the library numbers its own."""


class Connection(imaplib.IMAP4):
    """Open from the start. context: TLS at once; without it `secure` may follow. timeout: seconds of each wait.

    max_literal_bytes: of what the server may send in one piece. Raises `imaplib.IMAP4.error`, `OSError`.
    """

    def __init__(
        self, host: str, port: int, *, timeout: float, max_literal_bytes: int, context: ssl.SSLContext | None = None
    ) -> None:
        self._context = context
        self._held = bytearray()
        self._seconds = timeout
        self._max_literal_bytes = max_literal_bytes
        super().__init__(host, port, timeout)

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        self.host, self.port = host, port
        self.sock = socket.create_connection((host, port), timeout)
        if self._context is not None:
            self.sock = self._context.wrap_socket(self.sock, server_hostname=host)

    def secure(self, context: ssl.SSLContext) -> None:
        """TLS from here on (STARTTLS). What came before it may be anybody's, and is not believed."""
        kind, said = self.xatom("STARTTLS")
        if kind != "OK" or self._held:
            raise self.abort(f"no TLS: {said[-1]!r}")
        self.sock = context.wrap_socket(self.sock, server_hostname=self.host)

    def offers(self) -> frozenset[str]:
        """The capabilities of this moment: they change with TLS and with signing in."""
        kind, said = self.capability()
        words = said[-1] if kind == "OK" and said and said[-1] else b""
        return frozenset(words.decode("ascii", "replace").upper().split())

    def idle(self, seconds: float) -> None:
        """Returns once the server has said anything about the folder, or after so many seconds (RFC 2177)."""
        self.send(_IDLE + b" IDLE\r\n")
        news = False
        while not (line := self.readline()).startswith(b"+"):
            if line.startswith(_IDLE + b" "):
                raise self.error(f"IDLE: {line!r}")
            news = True
        if not news and b"\n" not in self._held:
            self._wait(seconds)
        self.send(b"DONE\r\n")
        while not self.readline().startswith(_IDLE + b" "):
            pass

    def read(self, size: int) -> bytes:
        if size > self._max_literal_bytes:
            raise self.abort(f"the server sends {size:,} bytes in one piece")
        while len(self._held) < size:
            self._receive()
        return self._taken(size)

    def readline(self) -> bytes:
        looked = 0
        while (end := self._held.find(b"\n", looked)) < 0:
            looked = len(self._held)
            if looked > MAX_LINE_BYTES:
                raise self.abort(f"the server sends a line of more than {MAX_LINE_BYTES:,} bytes")
            self._receive()
        return self._taken(end + 1)

    def send(self, data: "ReadableBuffer") -> None:
        self.sock.sendall(data)

    def shutdown(self) -> None:
        self.sock.close()

    def _taken(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken

    def _receive(self) -> None:
        if not (chunk := self.sock.recv(65536)):
            raise self.abort("the server closed the connection")
        self._held += chunk

    def _wait(self, seconds: float) -> None:
        self.sock.settimeout(seconds)
        try:
            self._receive()
        except TimeoutError:
            pass
        finally:
            self.sock.settimeout(self._seconds)
