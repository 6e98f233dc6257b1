"""The mailbox, against Debian's Dovecot: TLS, users, passwords and folders of any letters, tokens, waiting for mail."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.services.dovecot import FOLDER, PASSWORD, USER, DovecotServer, make_certificates, running_dovecot
from tests.services.process import ServiceMissing
from tests.services.waiting import wait_for
from tests.worker.connectors.mail.imap_server import ImapServer
from worker.connectors.errors import MailboxError
from worker.connectors.mail.imap.login import Secret
from worker.connectors.mail.imap.mailbox import ImapMailbox
from worker.connectors.mail.imap.names import from_modified_utf7, to_modified_utf7

MAIL = b"From: ann@shop.example\r\nSubject: Card\r\n\r\nMy card is lost.\r\n"
BY_PASSWORD = Secret(PASSWORD)


@contextmanager
def dovecot(**options: str) -> Iterator[DovecotServer]:
    try:
        with running_dovecot(**options) as server:
            yield server
    except ServiceMissing as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def server() -> Iterator[DovecotServer]:
    with dovecot() as server:
        yield server


def url(server: DovecotServer, scheme: str = "imaps", host: str = "localhost", folder: str = FOLDER) -> str:
    port = server.tls_port if scheme == "imaps" else server.port
    return f"{scheme}://{quote(USER)}@{host}:{port}/{quote(folder)}"


def fault(url: str, secret: Secret = BY_PASSWORD, ca: Path | None = None) -> str:
    """The one line in which opening fails."""
    with pytest.raises(MailboxError) as raised, ImapMailbox(url, secret, ca):
        pass
    said = str(raised.value)
    assert said
    assert "\n" not in said
    return said


@pytest.mark.parametrize("scheme", ["imaps", "imap"], ids=["TLS at once", "STARTTLS"])
def test_a_user_a_password_and_a_folder_of_any_letters_over_tls(server: DovecotServer, scheme: str) -> None:
    server.append(MAIL)
    with ImapMailbox(url(server, scheme), BY_PASSWORD, server.ca) as mailbox:
        (uid,) = mailbox.unseen()
        assert mailbox.mail(uid) == MAIL
        assert server.unseen() == 1, "reading is not taking"
        mailbox.taken(uid)
        assert mailbox.unseen() == []
    assert server.unseen() == 0


@pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
def test_an_oauth_2_token_signs_in(mechanism: str) -> None:
    with dovecot(mechanisms=f"plain {mechanism}") as server:
        server.append(MAIL)
        with ImapMailbox(url(server), Secret(token=server.token), server.ca) as mailbox:
            assert len(mailbox.unseen()) == 1
        expired = Secret(token=lambda: server.token(seconds=-60))
        assert "Authentication failed" in fault(url(server), expired, server.ca)


def test_a_token_no_server_could_take_is_not_sent(server: DovecotServer) -> None:
    assert "the token is empty" in fault(url(server), Secret(token=lambda: ""), server.ca)
    assert "no token has" in fault(url(server), Secret(token=lambda: "a\r\nb"), server.ca)


def test_a_certificate_of_an_unknown_authority_is_refused(server: DovecotServer) -> None:
    assert "certificate verify failed" in fault(url(server))


def test_a_certificate_is_checked_after_starttls_too(server: DovecotServer, tmp_path: Path) -> None:
    make_certificates(tmp_path)
    assert "certificate verify failed" in fault(url(server, "imap"), ca=tmp_path / "ca.pem")


def test_a_certificate_of_another_name_is_refused(server: DovecotServer) -> None:
    assert "not valid for '127.0.0.1'" in fault(url(server, host="127.0.0.1"), ca=server.ca)
    assert "not valid for '127.0.0.1'" in fault(url(server, "imap", host="127.0.0.1"), ca=server.ca)


def test_certificates_that_cannot_be_read_are_named(server: DovecotServer, tmp_path: Path) -> None:
    missing, broken = tmp_path / "missing.pem", tmp_path / "broken.pem"
    broken.write_text("no certificate")
    assert f"DESKHAND_IMAP_CA: {missing}: No such file or directory" in fault(url(server), ca=missing)
    assert f"DESKHAND_IMAP_CA: {broken}: " in fault(url(server), ca=broken)


def test_a_wrong_password_is_one_line_without_it(server: DovecotServer) -> None:
    said = fault(url(server), Secret("no such wörd"), server.ca)
    assert "Authentication failed" in said
    assert "wörd" not in said


def test_a_folder_that_is_not_there_is_answered_with_those_that_are(server: DovecotServer) -> None:
    said = fault(url(server, folder="Anfrage"), ca=server.ca)
    assert "no folder 'Anfrage'" in said
    assert FOLDER in said
    assert "INBOX" in said


def test_a_wait_ends_when_a_mail_comes(server: DovecotServer) -> None:
    with ImapMailbox(url(server), BY_PASSWORD, server.ca) as mailbox:
        known = mailbox.unseen()
        news: list[bool] = []
        waiting = threading.Thread(target=lambda: news.append(mailbox.wait(600)))
        waiting.start()
        server.append(MAIL)
        wait_for(lambda: news == [True], message="the wait of 600 s to end")
        waiting.join()
        (uid,) = set(mailbox.unseen()) - set(known)
        assert mailbox.mail(uid) == MAIL
        mailbox.taken(uid)


def test_a_wait_ends_without_a_mail_and_the_mailbox_goes_on(server: DovecotServer) -> None:
    with ImapMailbox(url(server), BY_PASSWORD, server.ca) as mailbox:
        assert mailbox.wait(0.05)
        assert mailbox.wait(0.05)
        assert mailbox.unseen() == []


def test_a_mail_that_is_announced_with_the_begin_of_the_wait_is_not_missed() -> None:
    with ImapServer(MAIL) as server:
        server.capabilities = "IMAP4rev1 IDLE"
        server.idle = b"+ idling\r\n* 2 EXISTS\r\n"
        with ImapMailbox(server.url, Secret(server.password)) as mailbox:
            assert mailbox.wait(3600)


def test_a_server_that_cannot_wait_says_so() -> None:
    with ImapServer(MAIL) as server, ImapMailbox(server.url, Secret(server.password)) as mailbox:
        assert not mailbox.wait(3600)


def test_a_password_that_the_server_has_no_way_to_take_is_one_line() -> None:
    with ImapServer(MAIL) as server:
        assert "does not offer AUTH=PLAIN" in fault(server.url, Secret("pässword"))
        assert "neither OAUTHBEARER nor XOAUTH2" in fault(server.url, Secret(token=lambda: "t"))


@pytest.mark.parametrize(
    "greeting",
    [
        b"",
        b"\0\1\2\r\n",
        b"* BYE go away\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"* OK {99999999999}\r\n",
        b"\xff" * 90,
    ],
)
def test_what_is_no_mailbox_is_one_line(greeting: bytes) -> None:
    with ImapServer(greeting=greeting) as server:
        assert "mailbox 127.0.0.1: " in fault(server.url)


@pytest.mark.parametrize(
    "wrong",
    [
        "imaps://host/INBOX",
        "imaps://u:secret@host/INBOX",
        "pop://u@host",
        "imaps://u@host:none/",
        "imaps://u@[::1/",
        "imaps://u@host/a%0D%0Ab",
        "imaps://u@host/%ff%00",
    ],
)
def test_an_address_that_is_none_is_one_line(wrong: str) -> None:
    said = fault(wrong)
    assert "DESKHAND_IMAP_URL" in said
    assert "secret" not in said


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 70 + ".example", "ä" * 70])
def test_a_host_that_is_none_is_one_line(host: str) -> None:
    assert f"mailbox {host}: " in fault(f"imaps://u@{host}/INBOX")


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("INBOX", "INBOX"),
        ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),  # RFC 3501, 5.1.3
        ("Anfragen gelöst", "Anfragen gel&APY-st"),
        ("a & b", "a &- b"),
        ("😀", "&2D3eAA-"),
    ],
)
def test_a_folder_s_name_travels_in_modified_utf_7(name: str, encoded: str) -> None:
    assert to_modified_utf7(name) == encoded
    assert from_modified_utf7(encoded) == name


def test_a_name_that_is_not_rightly_encoded_is_shown_as_it_is() -> None:
    assert from_modified_utf7("&a-") == "&a-"
