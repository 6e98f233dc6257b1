"""Attached files are named, and text is taken out of those that hold text, within bounds."""

from email.message import EmailMessage

import pytest

from tasks.tools.ports import AttachmentText
from tests.worker.connectors.mail.pdfs import LINE, pdf
from worker.connectors.mail.attached import MAX_CHARS, MAX_FILES, Attached, texts_of
from worker.connectors.mail.pdf import pdf_text
from worker.connectors.mail.reading import read_mail


def read(kind: str, name: str, raw: bytes) -> AttachmentText:
    message = EmailMessage()
    message["From"], message["Subject"] = "Ann <ann@customer.example>", "Card"
    message.set_content("My card is lost.")
    main, _, sub = kind.partition("/")
    message.add_attachment(raw, maintype=main, subtype=sub, filename=name)
    mail = read_mail(bytes(message))
    assert [(one.name, one.type, one.size) for one in mail.ticket.attachments] == [(name, kind, len(raw))]
    return texts_of(mail.files, pdf_text).get(1, AttachmentText(""))


@pytest.mark.parametrize(
    ("kind", "name", "raw", "expected"),
    [
        ("text/plain", "log.txt", b"line 1\nline 2", "line 1\nline 2"),
        ("application/octet-stream", "app.log", "Grüße".encode("cp1252"), "Grüße"),
        ("text/csv", "tx.csv", "id;größe\r\n1;2".encode("utf-16"), "id;größe\n1;2"),
        ("application/json", "a.json", b'{"a": 1}', '{"a": 1}'),
        ("text/html", "a.html", b"<p>seen</p><p hidden>not seen</p>", "seen"),
        ("application/octet-stream", "a.ics", b"BEGIN:VEVENT\nSUMMARY:Call\nEND:VEVENT", "Invitation: Call"),
        ("application/pdf", "bill.pdf", pdf(), "My card is lost"),
        ("application/octet-stream", "bill.PDF", pdf(pages=2), "My card is lost\nMy card is lost"),
        ("image/png", "photo.png", b"\x89PNG", ""),
        ("application/zip", "a.zip", b"PK", ""),
    ],
    ids=["txt", "log", "csv", "json", "html", "ics", "pdf", "pdf by name", "photo", "archive"],
)
def test_text_is_taken_out_of_what_holds_text(kind: str, name: str, raw: bytes, expected: str) -> None:
    found = read(kind, name, raw)
    assert (found.text.strip().replace("\r\n", "\n"), found.note) == (expected, "")


def test_a_long_text_is_cut_and_says_so() -> None:
    found = read("text/plain", "long.txt", b"a" * (MAX_CHARS + 1))
    assert (len(found.text), found.note) == (MAX_CHARS, "of 40,001 characters the first 40,000 are here")


def test_what_is_no_text_is_not_read_whatever_its_name() -> None:
    assert read("text/plain", "photo.txt", b"\x89PNG\0\0\0").note == "it is no text, whatever its name"


@pytest.mark.parametrize(
    ("raw", "note"),
    [
        (b"%PDF-1.4 nothing", "the PDF could not be read to its end: PdfStreamError"),
        (pdf(b" "), "the PDF holds no text: its pages are images"),
        (pdf(pages=60), "of 60 pages the first 50 were read"),
    ],
    ids=["damaged", "pictures alone", "many pages"],
)
def test_a_pdf_says_what_was_not_read(raw: bytes, note: str) -> None:
    assert pdf_text(raw, MAX_CHARS).note == note


def test_a_pdf_that_is_built_to_be_slow_is_cut() -> None:
    """A page of 28 kB that unpacks to 10 MB of words."""
    assert pdf_text(pdf(LINE * 200_000), MAX_CHARS, cpu_seconds=1).note.startswith("the PDF took too long")


def test_no_more_files_are_read_than_the_bound() -> None:
    assert len(texts_of([Attached("a.txt", "text/plain", 1, b"a")] * (MAX_FILES + 5), pdf_text)) == MAX_FILES
