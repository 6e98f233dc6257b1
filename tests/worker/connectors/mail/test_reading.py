"""A mail as a ticket: what is new in it, who it says to come from, what it belongs to; and hostile mail."""

import contextlib
import random
import time
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.ticket import MAX_BODY_CHARS, Priority, Ticket
from tests.depth import cases
from worker.connectors.errors import UnreadableMailError
from worker.connectors.mail.html.visible import MAX_HTML_CHARS, html_text
from worker.connectors.mail.reading import read_mail as read
from worker.connectors.mail.source import MAX_MAIL_BYTES

HEAD = b"From: a@example.com\nSubject: x\nMessage-ID: <1@example.com>\n"


def mail(text: str = "My card has not arrived.", **fields: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Zoë Ünal <Zoe@Example.com>"
    message["To"] = "support@example.com"
    message["Subject"] = "Card → not here"
    message["Message-ID"] = "<m1@example.com>"
    message["Date"] = "Mon, 02 Nov 2026 10:00:00 +0100"
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def read_mail(raw: bytes) -> Ticket:
    return read(raw).ticket


def test_a_mail_is_a_ticket() -> None:
    ticket = read_mail(bytes(mail(In_Reply_To="<m0@example.com>", References="<root@example.com> <m0@example.com>")))
    assert (ticket.source, ticket.channel, ticket.subject) == ("email", "email", "Card → not here")
    assert ticket.body == "My card has not arrived."
    assert ticket.requester
    assert (ticket.requester.email, ticket.requester.name, ticket.requester.id) == ("zoe@example.com", "Zoë Ünal", None)
    assert ticket.received_at
    assert ticket.received_at.isoformat() == "2026-11-02T09:00:00+00:00"
    assert ticket.metadata == {
        "message_id": "<m1@example.com>",
        "in_reply_to": "<m0@example.com>",
        "thread": "<root@example.com>",
        "to": "support@example.com",
    }


def test_the_same_mail_is_the_same_ticket_and_another_mail_is_another() -> None:
    raw = bytes(mail())
    assert read_mail(raw) == read_mail(b"Received: from elsewhere\r\n" + raw)
    assert read_mail(raw).id != read_mail(raw.replace(b"<m1@", b"<m2@")).id
    nameless = raw.replace(b"Message-ID: <m1@example.com>\n", b"")
    assert read_mail(nameless).id == read_mail(nameless.replace(b"\n", b"\r\n")).id != read_mail(nameless + b"!").id


def test_attachments_are_named_and_of_them_a_mail_is_read() -> None:
    message = mail()
    message.add_attachment(b"%PDF secret", maintype="application", subtype="pdf", filename="Beleg für Zoë.pdf")
    message.add_attachment("plain but attached", filename="log.txt")
    message.add_attachment(mail("inner text"))
    ticket = read_mail(bytes(message))
    assert ticket.body.startswith("My card has not arrived.\n\n---------- Forwarded message ----------\nFrom: Zoë")
    assert ticket.body.endswith("\n\ninner text")
    names = [one.shown for one in ticket.attachments]
    assert names[:2] == ["Beleg für Zoë.pdf (application/pdf, 11 bytes)", "log.txt (text/plain, 19 bytes)"]
    assert len(names) == 3


def test_plain_text_is_preferred_and_html_is_read_where_there_is_none() -> None:
    message = mail("plain words")
    message.add_alternative("<p>html words</p>", subtype="html")
    assert read_mail(bytes(message)).body == "plain words"
    only = mail()
    only.set_content(
        "<html><head><title>no</title><style>p {}</style></head><body><!-- <p>hidden</p> --><p>My card<br>is &amp; was"
        " late&nbsp;!</p><script>alert(1)</script><div class='gmail_quote'>On Monday we wrote:"
        "<blockquote>old</blockquote></div></body></html>",
        subtype="html",
    )
    assert read_mail(bytes(only)).body == "My card\nis & was late !"


@pytest.mark.parametrize(
    ("charset", "raw"),
    [
        ("iso-8859-1", "Über".encode("latin-1")),
        ("utf-8", "Über".encode("cp1252")),
        ("x-unknown", "Über".encode()),
        ("rot13", "Über".encode()),
        ("idna", "Über".encode()),
        ("utf-16", "Über".encode("utf-16")),
    ],
)
def test_any_charset_gives_text(charset: str, raw: bytes) -> None:
    head = HEAD + f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n".encode()
    assert read_mail(head + raw).body == "Über"


def test_urgency_is_read_from_the_usual_fields() -> None:
    assert read_mail(bytes(mail(X_Priority="1 (Highest)"))).priority is Priority.HIGH
    assert read_mail(bytes(mail(Importance="low"))).priority is Priority.LOW
    assert read_mail(bytes(mail(X_Priority="3"))).priority is None


def test_a_long_mail_is_cut_and_says_so() -> None:
    body = read_mail(HEAD + b"\n" + b"word " * 40_000).body
    assert len(body) == MAX_BODY_CHARS
    assert body.endswith("[cut: the mail goes on]")


NESTED = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"".join(
    b"--b%s\nContent-Type: multipart/mixed; boundary=b%d\n\n" % (b"" if depth == 0 else b"%d" % (depth - 1), depth)
    for depth in range(45)
)  # fmt: skip

HOSTILE = {
    "empty": b"",
    "no header": b"hello",
    "null bytes": b"\0" * 1000,
    "a picture": bytes(range(256)) * 100,
    "too large": HEAD + b"\n" + b"x" * MAX_MAIL_BYTES,
    "only newlines": HEAD + b"\n" * 2_000_000,
    "endless header": b"Subject: " + b"x" * 500_000 + b"\n\nx",
    "many parts": HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nhello\n" * 90_000,
    "many boundaries": NESTED + b"Content-Type: multipart/mixed; boundary=c\n" * 10,
    "nested": NESTED + b"--x\n" * 250_000,
    "bad encoded words": b"From: " + b"=?utf-8?q?a?= " * 9000 + b"\nSubject: =?punycode?b?!!!?= =?x?q?\xff?=\n\nx",
    "bad address": b"From: " + b"((((<@," * 9000 + b"\n\nx",
    "bad date": b"Date: Mon, 32 Foo 99999999999 99:99 +9999999\nSubject: q\n\nx",
    "bad parameters": HEAD + b"Content-Type: text/plain; " + b"a*0*=x''%ff;" * 5000 + b"\n\nx",
    "bad base64": HEAD + b"Content-Transfer-Encoding: base64\n\n\xff\xfe!!!",
    "bad quoted printable": HEAD + b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=" * 3_000_000,
    "bad uuencode": HEAD + b"Content-Transfer-Encoding: x-uuencode\n\nbegin 666 x\n" + b"M" * 3_000_000,
    "surrogates": b"Subject: \xed\xa0\x80\nFrom: \xed\xb0\x80 <a>\n\n\xed\xa0\x80",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_is_a_ticket_or_unreadable_and_soon(name: str) -> None:
    began = time.process_time()
    with contextlib.suppress(UnreadableMailError):
        assert read_mail(HOSTILE[name]).canonical().encode()
    assert time.process_time() - began < 20  # quadratic parsing takes minutes


@pytest.mark.parametrize("piece", ["<!", "<a ", "<", "&", "<div>", "<a b='", "<a b='>", "<script>", "<?", "</", "<!--", "&#", "<![CDATA["])  # fmt: skip
def test_hostile_html_is_read_soon(piece: str) -> None:
    began = time.process_time()
    html_text(piece * (MAX_HTML_CHARS // len(piece)))
    assert time.process_time() - began < 20


@settings(max_examples=cases(100, 2000))
@given(st.binary(max_size=300), st.integers(0, 1 << 30))
def test_no_mail_raises_anything_else(noise: bytes, seed: int) -> None:
    """A real mail with bytes replaced, dropped and repeated."""
    rng = random.Random(seed)
    message = mail("some words")
    message.add_attachment(b"data", maintype="image", subtype="png", filename="ü.png")
    raw = bytearray(bytes(message))
    for _ in range(rng.randrange(8)):
        at = rng.randrange(len(raw))
        raw[at : at + rng.randrange(20)] = noise[: rng.randrange(40)]
    with contextlib.suppress(UnreadableMailError):
        read_mail(bytes(raw))
