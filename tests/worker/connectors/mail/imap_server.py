"""A mailbox on 127.0.0.1 that speaks as much IMAP4rev1 as is used here: for faults that no real server has."""

import re
import socketserver
import threading
from typing import Self

USER, PASSWORD = "support@example.com", 'p"ss\\word'


class ImapServer:
    """`mails`: by uid. `seen`: their uids. `refuse`: a command word that is answered NO. `idle`: the answer to IDLE.
    `forgetful`: no mail stays seen.
    """

    def __init__(self, *mails: bytes, greeting: bytes = b"* OK ready\r\n") -> None:
        self.greeting = greeting
        self.password = PASSWORD
        self.capabilities = "IMAP4rev1"
        self.idle = b""
        self.forgetful = False
        self.mails = dict(enumerate(mails, 1))
        self.seen: set[int] = set()
        self.refuse = ""
        self.commands: list[str] = []
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"imap://{USER.replace('@', '%40')}@127.0.0.1:{self._server.server_address[1]}/Support"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, command: str) -> tuple[list[bytes], str]:
        """Untagged responses and the tagged one's text."""
        self.commands.append(command)
        if self.refuse and self.refuse in command:
            return [], "NO not today"
        word, _, rest = command.partition(" ")
        match word.upper():
            case "CAPABILITY":
                return [f"CAPABILITY {self.capabilities}".encode()], "OK done"
            case "LOGIN":
                wanted = '"p\\"ss\\\\word"'
                return [], "OK done" if rest in (f"{USER} {wanted}", f'"{USER}" {wanted}') else "NO wrong password"
            case "SELECT":
                return [b"%d EXISTS" % len(self.mails)], "OK [READ-WRITE]"
            case "UID":
                return self._uid(rest), "OK done"
            case "LOGOUT":
                return [b"BYE"], "OK done"
        return [], "BAD what"

    def _uid(self, rest: str) -> list[bytes]:
        if rest == "SEARCH UNSEEN":
            return [b" ".join([b"SEARCH", *(b"%d" % uid for uid in self.mails if uid not in self.seen)])]
        verb, uid, what = re.match(r"(\w+) (\d+) (.*)", rest).groups()  # type: ignore[union-attr]
        raw = self.mails.get(int(uid))
        if raw is None:
            return []
        if verb == "STORE":
            self.seen |= set() if self.forgetful else {int(uid)}
            return []
        if "RFC822.SIZE" in what:
            return [f"{uid} FETCH (UID {uid} RFC822.SIZE {len(raw)})".encode()]
        if part := re.search(r"<0\.(\d+)>", what):
            raw, name = raw[: int(part[1])], "BODY[]<0>"
        else:
            name = "BODY[]"
        return [f"{uid} FETCH (UID {uid} {name} {{{len(raw)}}}\r\n".encode() + raw + b")"]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, mailbox: ImapServer) -> None:
        self.mailbox = mailbox
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.wfile.write(self.server.mailbox.greeting)
        if b"OK ready" not in self.server.mailbox.greeting:
            return
        idle = ""
        for line in self.rfile:
            tag, _, command = line.decode().rstrip("\r\n").partition(" ")
            if command == "IDLE":
                idle = tag
                self.wfile.write(self.server.mailbox.idle)
                continue
            if tag == "DONE":
                self.wfile.write(f"{idle} OK done\r\n".encode())
                continue
            untagged, text = self.server.mailbox.answer(command)
            self.wfile.write(b"".join(b"* " + one + b"\r\n" for one in untagged) + f"{tag} {text}\r\n".encode())
            if command == "LOGOUT":
                return
