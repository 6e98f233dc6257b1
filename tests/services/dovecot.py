"""Debian's real Dovecot as a mailbox: own files, on loopback, TLS by a certificate of its own authority."""

import base64
import grp
import hashlib
import hmac
import imaplib
import json
import os
import pwd
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.services.process import ServerProcess, free_port, program

USER, PASSWORD = "ünterstützung@shop.example", 'pä ss\\"wörd'
FOLDER = "Anfragen & gelöst"
_TOKEN_KEY = b"the key of the tests"


class DovecotServer(ServerProcess):
    """One mailbox of one user. `port` speaks plain IMAP and STARTTLS, `tls_port` TLS.

    mechanisms: of signing in. Its certificate is for localhost.
    """

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        *,
        mechanisms: str,
    ) -> None:
        super().__init__(folder, port)
        self.tls_port = free_port()
        self.ca = folder / "ca.pem"
        self._mechanisms = mechanisms
        self._owner = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())

    @property
    def url(self) -> str:
        return f"imaps://localhost:{self.tls_port}"

    def command(self) -> list[str]:
        dovecot = program("dovecot", "/usr/sbin/dovecot", package="dovecot-imapd")
        if not self.ca.exists():
            make_certificates(self.folder)
        mail = self.folder / "mail"
        mail.mkdir(exist_ok=True)
        os.chown(mail, self._owner.pw_uid, self._owner.pw_gid)
        keys = self.folder / "keys/default/HS256"
        keys.mkdir(parents=True, exist_ok=True)
        (keys / "default").write_bytes(base64.b64encode(_TOKEN_KEY))
        (self.folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n", encoding="utf-8")
        (self.folder / "oauth2.conf").write_text(
            f"introspection_mode = local\nusername_attribute = email\n"
            f"local_validation_key_dict = fs:posix:prefix={self.folder}/keys/\n"
        )
        (self.folder / "dovecot.conf").write_text(self._configuration(), encoding="utf-8")
        return [dovecot, "-F", "-c", str(self.folder / "dovecot.conf")]

    def _configuration(self) -> str:
        folder, me, owner = self.folder, pwd.getpwuid(os.getuid()), self._owner
        return f"""
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
protocols = imap
listen = 127.0.0.1
default_internal_user = {me.pw_name}
default_internal_group = {grp.getgrgid(me.pw_gid).gr_name}
default_login_user = {owner.pw_name}
mail_location = maildir:{folder}/mail
mail_uid = {owner.pw_uid}
mail_gid = {owner.pw_gid}
namespace inbox {{
  inbox = yes
  separator = /
}}
ssl = yes
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.key
disable_plaintext_auth = yes
auth_mechanisms = {self._mechanisms}
auth_username_chars =
auth_failure_delay = 0
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = static
  args = uid={owner.pw_uid} gid={owner.pw_gid} home={folder}/mail
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {self.port}
  }}
  inet_listener imaps {{
    port = {self.tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""

    def is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.tls_port), timeout=1):
                return True
        except OSError:
            return False

    def append(self, raw: bytes, folder: str = "") -> None:
        """Deliver a mail, over a connection of its own."""
        with self._signed_in() as imap:
            _good(imap.append(folder or _encoded(FOLDER), "", imaplib.Time2Internaldate(time.time()), raw))

    def make_folder(self) -> None:
        with self._signed_in() as imap:
            _good(imap.create(_encoded(FOLDER)))

    def unseen(self) -> int:
        """How many mails of the folder are unseen."""
        with self._signed_in() as imap:
            _good(imap.select(_encoded(FOLDER), readonly=True))
            return len(_good(imap.search(None, "UNSEEN"))[0].split())

    def token(self, user: str = USER, seconds: int = 3600) -> str:
        """An access token as an identity provider would sign it: a JWT, valid for so many seconds."""
        now = int(time.time())
        claims = {"email": user, "sub": user, "iat": now - 7200, "exp": now + seconds}
        signed = f"{_url64(json.dumps({'alg': 'HS256', 'typ': 'JWT'}))}.{_url64(json.dumps(claims))}"
        return f"{signed}.{_url64(hmac.digest(_TOKEN_KEY, signed.encode(), hashlib.sha256))}"

    def _signed_in(self) -> imaplib.IMAP4_SSL:
        context = ssl.create_default_context(cafile=self.ca)
        context.check_hostname = False
        imap = imaplib.IMAP4_SSL("127.0.0.1", self.tls_port, ssl_context=context, timeout=60)
        imap.authenticate("PLAIN", lambda _: f"\0{USER}\0{PASSWORD}".encode())
        return imap


@contextmanager
def running_dovecot(mechanisms: str = "plain login xoauth2 oauthbearer") -> Iterator[DovecotServer]:
    """A server with the empty folder FOLDER. Raises `ServiceMissing` on entering where there is none."""
    with TemporaryDirectory() as name:  # pytest's are closed to other users, and the server's parts run as such
        Path(name).chmod(0o755)
        with DovecotServer(Path(name), mechanisms=mechanisms) as server:
            server.make_folder()
            yield server


def make_certificates(folder: Path) -> None:
    """An authority, and a certificate of it for the server."""
    openssl = program("openssl", package="openssl")
    (folder / "names").write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    for command in (
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=Tests",
        "req -new -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 -extfile names",
    ):
        subprocess.run([openssl, *command.split()], cwd=folder, check=True, capture_output=True)


def _encoded(name: str) -> str:
    """By hand, so that nothing of ours is tested with itself."""
    return '"' + {FOLDER: "Anfragen &- gel&APY-st"}[name] + '"'


def _good(answer: tuple[str, list]) -> list:  # type: ignore[type-arg]
    assert answer[0] == "OK", answer
    return answer[1]


def _url64(text: str | bytes) -> str:
    raw = text.encode() if isinstance(text, str) else text
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
