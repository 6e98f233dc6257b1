"""The mail behind a ticket is one click away, and is plain text whatever it holds."""

import base64
import zlib

from fallbacks.ledger.attachments import packed_texts
from fallbacks.ledger.states import Closed
from tasks.run.limits import Limits
from tasks.ticket import Attachment, Requester, Ticket
from tasks.tools.ports import AttachmentText
from tests.fallbacks.console.browserless import signed_in
from tests.fallbacks.console.door import Door

RAW = b"Subject: Card\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>\xff"
FILES = (Attachment(name="<b>bill</b>.pdf", type="application/pdf", size=1234567), Attachment(name="photo.jpg"))


def accepted(door: Door) -> None:
    ticket = Ticket(id="m:1", source="email", subject="Card", body="My card is lost.", attachments=FILES)
    texts = packed_texts({1: AttachmentText("<i>12 pounds</i>", "of 9 pages the first 2 were read")})
    original = base64.b64encode(zlib.compress(RAW)).decode()
    door.run(door.ledger.accept(ticket, Limits(), door="mail", original=original, attached=texts))
    door.run(door.ledger.accept(Ticket(id="h1", source="shop", subject="Card", body="Lost."), Limits(), door="http"))


def test_a_mail_is_shown_as_text_and_given_as_a_file(door: Door) -> None:
    accepted(door)
    with signed_in(door, "rita") as rita:
        page = rita.get("/tickets/m:1").text
        assert 'href="/tickets/m%3A1/original"' in page
        shown = rita.get("/tickets/m:1/original")
        assert shown.text == RAW.decode("utf-8", "backslashreplace")
        assert shown.headers["content-type"] == "text/plain; charset=utf-8"
        assert shown.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
        assert shown.headers["x-content-type-options"] == "nosniff"
        file = rita.get("/tickets/m:1/original?download=1")
        assert file.content == RAW
        assert file.headers["content-disposition"] == 'attachment; filename="m_1.eml"'
        assert file.headers["content-type"] == "application/octet-stream"


def test_attachments_are_named_on_the_page_and_their_texts_are_plain(door: Door) -> None:
    accepted(door)
    with signed_in(door, "rita") as rita:
        page = rita.get("/tickets/m:1").text
        assert "&lt;b&gt;bill&lt;/b&gt;.pdf (application/pdf, 1,234 kB)" in page
        assert page.count("/attachments/") == 1
        text = rita.get("/tickets/m:1/attachments/1")
        assert text.text == "[of 9 pages the first 2 were read]\n\n<i>12 pounds</i>"
        assert text.headers["content-type"] == "text/plain; charset=utf-8"
        for number in ("2", "0", "-1", "\u0661", "9" * 5000):
            assert rita.get(f"/tickets/m:1/attachments/{number}").status_code == 404


def test_that_a_mail_came_back_is_shown_with_its_requester(door: Door) -> None:
    ann = Requester(email="Ann@customer.example")
    tickets = [Ticket(id=name, source="email", subject=name, body="x", requester=ann) for name in ("asked", "bounce")]
    door.run(door.ledger.accept(tickets[0], Limits()))
    door.run(door.ledger.accept(tickets[1], Limits(), closed=Closed.AUTOMATIC, bounced="ann@customer.example"))
    with signed_in(door, "rita") as rita:
        assert "a mail to this address came back" in rita.get("/tickets/asked").text
        assert "a mail to this address came back" not in rita.get("/tickets/bounce").text


def test_what_did_not_come_as_a_mail_has_no_original(door: Door) -> None:
    accepted(door)
    with signed_in(door, "rita") as rita:
        assert "/original" not in rita.get("/tickets/h1").text
        assert rita.get("/tickets/h1/original").status_code == 404
        assert rita.get("/tickets/nobody/original").status_code == 404
        rita.post("/sign-out")
        assert rita.get("/tickets/m:1/original").status_code == 303
