"""A, C, D, E, I: structures, letters and header fields that programs get wrong."""

import base64

from tests.worker.connectors.mail.kind import Kind
from tests.worker.connectors.mail.mails import LOST, b64, html, mail, many, nested, part, qp
from worker.connectors.mail.machines import Machine

LONG = "My card is lost, please send me a new one to the address that you know"
JPEG = part(b64(b"\xff\xd8\xff"), "image/jpeg; name=IMG_1.jpeg", "base64", "inline; filename=IMG_1.jpeg")
RFC = "RFC 2045, 5.1"
QUOTE = {"In_Reply_To": "<0@shop.example>", "Subject": "Re: Card"}


def bounded(head: str, mark: str = "B") -> bytes:
    """A multipart whose boundary is given as `head`, and whose delimiters say `mark`."""
    body = b"--%b\r\nContent-Transfer-Encoding: base64\r\n\r\n%b\r\n--%b--\r\n"
    return mail(body % (mark.encode(), b64(LOST), mark.encode()), f"multipart/mixed; {head}")


STRUCTURES = (
    *(
        Kind("A", f"a boundary {name}", RFC, bounded(head, mark))
        for name, head, mark in (
            ("with a comment", "boundary=B (see above)", "B"),
            ("in single quotes", "boundary='B'", "B"),
            ("that is not the one it names, packed", "boundary=X", "B"),
            ("that is missing, packed", "charset=utf-8", "_b_"),
        )
    ),
    Kind("A", "base64 that is said to be plain", "RFC 2045, 6.8", mail(b64(LONG), coding="7bit"), body=LONG),
    Kind(
        "A", "base64 that is said to be quoted", "RFC 2045, 6.8", mail(b64(LONG), coding="quoted-printable"), body=LONG
    ),
    Kind(
        "A",
        "quoted-printable that is said to be plain",
        "RFC 2045, 6.7",
        mail(qp("für Zoë"), coding="7bit"),
        body="für Zoë",
    ),
    Kind(
        "A",
        "an address with = in it",
        "RFC 2045, 6.7",
        mail("https://a.example/?id=20&p=30"),
        body="https://a.example/?id=20&p=30",
    ),
    Kind("A", "a key of letters alone", "RFC 2045, 6.8", mail("QUJD" * 20), body="QUJD" * 20),
    Kind(
        "A",
        "a plain form that names the other one",
        "RFC 2046, 5.1.4",
        many("alternative", part("Your program does not show HTML."), part(f"<p>{LOST}</p>", "text/html")),
    ),
    Kind(
        "A",
        "a plain form that names a picture",
        "RFC 2046, 5.1.4",
        many("alternative", part("[cid:image001.png@01D9]"), part('<img src="cid:image001.png@01D9">', "text/html")),
        missing="an image",
    ),
    *(
        Kind(
            "A",
            f"a photo from a telephone: {said}",
            "RFC 2046, 4.2",
            many("mixed", part(said), JPEG),
            missing="IMG_1.jpeg",
        )
        for said in ("Sent from my iPhone", "Von meinem iPhone gesendet", "iPhoneから送信", "发自我的iPhone")
    ),
    Kind(
        "A",
        "a photo above the earlier mail",
        "RFC 2046, 4.2",
        many("mixed", JPEG, part("On 5 Jan 2026 at 10:00, Bob <bob@shop.example> wrote:\r\n> Which card?"), **QUOTE),
        missing="IMG_1.jpeg",
    ),
    Kind("A", "a telephone's line alone", "RFC 3676, 4.3", mail("Sent from my iPhone"), missing="empty"),
    Kind(
        "A",
        "text, PDF, text in an alternative (Apple Mail)",
        "RFC 2046, 5.1.4",
        many("alternative", part(LOST), nested("mixed", part("<p>x", "text/html"), part("x", "application/pdf"))),
    ),
)
LETTERS = (
    *(
        Kind("C", f"{label} ({text})", "WHATWG Encoding, 4.2", mail(raw, f"text/plain; charset={label}"), body=text)
        for text, raw, label in (
            ("카드를 잃어", "카드를 잃어".encode("iso2022_kr"), "iso-2022-kr"),
            ("我的卡", "我的卡".encode("hz"), "hz-gb-2312"),
            ("für ä", "für ä".encode("cp850"), "cp-850"),
            ("Карта", "Карта".encode("cp1251"), "win-1251"),
            ("für", b"f+APw-r", "unicode-1-1-utf-7"),
            (LOST, LOST.encode("utf-16-be"), "utf-16"),
            ("für", "für".encode(), "replacement"),
        )
    ),
    Kind(
        "C",
        "the euro of GBK",
        "WHATWG Encoding, 10.1.1",
        mail("价格".encode("gbk") + b"\x805", "text/plain; charset=gbk"),
        body="价格€5",
    ),
    Kind("C", "an emoji in halves (CESU-8)", "Unicode TR 26", mail(b"card \xed\xa0\xbd\xed\xb8\x80"), body="card 😀"),
    Kind(
        "C",
        "HTML that says it is UTF-16",
        "HTML, 13.2.3.3",
        mail("<meta charset=utf-16><p>für", "text/html"),
        body="für",
    ),
    Kind(
        "C",
        "XHTML whose first line names the charset",
        "HTML, 13.2.3.2",
        mail('<?xml version="1.0" encoding="iso-8859-2"?><html><p>łza'.encode("iso-8859-2"), "text/html"),
        body="łza",
    ),
    Kind("C", "places for a line to break", "Unicode, 23.2", mail("My ca\u00adrd is\u200b lost\u2060")),
    *(
        Kind("C", f"a raw subject in {codec}", "RFC 5322, 2.2", _raw, body=None, subject=text)
        for text, codec in (("我的卡丢了", "gb18030"), ("Карта потеряна", "koi8-r"), ("カード紛失", "cp932"))
        for _raw in (
            mail(
                text.encode(codec), f"text/plain; charset={ {'cp932': 'shift_jis'}.get(codec, codec) }", Subject="X"
            ).replace(b"Subject: X", b"Subject: " + text.encode(codec)),
        )
    ),
)
_SPLIT = base64.b64encode("Karte für Zoë verloren".encode()).decode()
FIELDS = (
    *(
        Kind("D", f"a subject with {name}", "RFC 2047, 2", mail(LOST, Subject=said), subject=wanted)
        for name, said, wanted in (
            (
                "base64 broken within a group",
                f"=?utf-8?b?{_SPLIT[:11]}?=\r\n =?utf-8?b?{_SPLIT[11:]}?=",
                "Karte für Zoë verloren",
            ),
            ("blanks in an encoded word", "=?utf-8?q?Karte f=C3=BCr?=", "Karte für"),
            ("one bad word beside a good one", "=?utf-8?b?!?= =?utf-8?q?f=C3=BCr?=", "für"),
            ("a line end in an encoded word", "=?utf-8?q?a=0D=0ABcc:_x?=", "a Bcc: x"),
            ("an encoded word that does not end", "=?utf-8?b?w7w", "=?utf-8?b?w7w"),
        )
    ),
    *(
        Kind("D", f"a sender {name}", "RFC 5322, 3.4", mail(LOST, From=said), email=email, who=who)
        for name, said, email, who in (
            ("of a name alone", "Ann Example", "", "Ann Example"),
            ("in two brackets", "<boss@corp.example> <eve@evil.example>", "eve@evil.example", ""),
            ("with mailto:", "Ann <mailto:ann@customer.example>", "ann@customer.example", "Ann"),
            ("with a dot at the end", "Ann <ann@customer.example.>", "ann@customer.example", "Ann"),
            ("with signs of no width", "A\u200bnn <ann@customer.example\u200b>", "ann@customer.example", "Ann"),
            ("turned around", "\u202eAnn <ann@customer.example>", "ann@customer.example", "Ann"),
            ("in single quotes", "'Ann Example' <ann@customer.example>", "ann@customer.example", "Ann Example"),
        )
    ),
    *(
        Kind("D", f"a date with {name}", "RFC 5322, 3.3", mail(LOST, Date=said), dated=True)
        for name, said in (
            ("a colon in its zone", "Mon, 05 Jan 2026 10:00:00 +01:00"),
            ("a leap second", "Wed, 31 Dec 2025 23:59:60 +0000"),
            ("a comment", "Mon, 05 Jan 2026 10:00:00 +0100 (CET)"),
        )
    ),
    *(
        Kind(
            "D",
            f"a file name {name}",
            source,
            many("mixed", part(LOST), part("x", "application/pdf", place=said)),
            attached=(wanted,),
        )
        for name, source, said, wanted in (
            (
                "in both forms",
                "RFC 6266, 4.3",
                "attachment; filename=\"K_rte.pdf\"; filename*=UTF-8''K%C3%A4rte.pdf",
                "Kärte.pdf",
            ),
            ("turned around", "Unicode TR 36", 'attachment; filename="card\u202efdp.exe"', "cardfdp.exe"),
            ("of GBK", "RFC 2231, 4", "attachment; filename*=gb2312''%BF%A8.pdf", "卡.pdf"),
            ("with blanks and no quotes", "RFC 2183, 2.3", "attachment; filename=my card.pdf", "my card.pdf"),
        )
    ),
)
BEYOND = (
    Kind(
        "E",
        "a line that is no field, above the subject",
        "RFC 5322, 2.2",
        mail(LOST).replace(b"Subject:", b"this is no field\r\nSubject:"),
        subject="Card not here",
        dated=True,
    ),
    Kind("E", "no empty line below the header", "RFC 5322, 2.1", mail("").rstrip() + b"\r\n" + LOST.encode() + b"\r\n"),
    Kind("E", "a style sheet of 500 kB", "HTML, 4.2.6", html(f"<style>{'a{b:c}' * 90_000}</style><p>{LOST}</p>")),
    Kind(
        "E",
        "HTML of 500 kB",
        "HTML, 13.2",
        html(f"<p>{LOST}</p>{'<p>x</p>' * 60}{'y' * 450_000}"),
        body=None,
        has=(LOST, "[cut:"),
    ),
    Kind(
        "I",
        "a list that sends in its own name",
        "RFC 7960, 4",
        mail(LOST, From="'Ann' via Help <support@shop.example>", X_Original_From="Ann <ann@customer.example>"),
        email="ann@customer.example",
        who="Ann",
    ),
    Kind(
        "I",
        "a form whose list names nobody",
        "RFC 7960, 4",
        mail(LOST, From="Help <support@shop.example>"),
        email="support@shop.example",
    ),
)
REPORTS = (
    Kind(
        "F",
        "a delivery status in a mixed mail",
        "RFC 3464",
        many(
            "mixed",
            part("failed"),
            part("Final-Recipient: rfc822; ann@customer.example\r\n", "message/delivery-status", ""),
            From="postmaster@mx.example",
        ),
        body=None,
        machine=Machine.BOUNCE,
        email="ann@customer.example",
    ),
)
DAMAGE = (*STRUCTURES, *LETTERS, *FIELDS, *BEYOND, *REPORTS)
