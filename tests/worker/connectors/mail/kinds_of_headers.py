"""D, E: header fields, bounds and damage."""

from tests.worker.connectors.mail.kind import Kind
from tests.worker.connectors.mail.mails import LOST, b64, mail, many, part

IMAGE = part(b64(b"\x89PNG"), "image/png; name=photo.png", "base64", "attachment; filename=photo.png")
WORD = "=?utf-8?q?Karte_f=C3=BCr?= =?utf-8?b?WsO2ZQ==?="
HEADERS = (
    Kind("D", "encoded words, joined", "RFC 2047, 6.2", mail(LOST, Subject=WORD), subject="Karte fürZöe"),
    Kind(
        "D",
        "a letter split over two encoded words",
        "RFC 2047, 5",
        mail(LOST, Subject="=?utf-8?b?w4M=?= =?utf-8?q?=C3?= =?utf-8?q?=A4?="),
        subject="Ãä",
    ),
    Kind(
        "D", "encoded word with a language", "RFC 2231, 5", mail(LOST, Subject="=?utf-8*de?q?f=C3=BCr?="), subject="für"
    ),
    Kind(
        "D",
        "encoded word of an unknown charset",
        "RFC 2047, 6.2",
        mail(LOST, Subject="=?x-new?q?card?="),
        subject="card",
    ),
    Kind("D", "an encoded word without padding", "RFC 2047, 6.3", mail(LOST, Subject="=?utf-8?b?w7x?="), subject="ü"),
    Kind("D", "raw UTF-8", "RFC 6532", mail(LOST, Subject="Karte für Zoë"), subject="Karte für Zoë"),
    Kind(
        "D",
        "raw Latin-1",
        "WHATWG Encoding, 4.2",
        mail(LOST, Subject="X").replace(b"Subject: X", "Subject: für".encode("latin-1")),
        subject="für",
    ),
    Kind("D", "a folded subject", "RFC 5322, 2.2.3", mail(LOST, Subject="My\r\n card"), subject="My card"),
    Kind("D", "no subject", "RFC 5322, 3.6.5", mail(LOST, Subject=""), subject=""),
    Kind(
        "D",
        "two subjects",
        "RFC 5322, 3.6",
        mail(LOST).replace(b"Subject: Card not here", b"Subject: first\r\nSubject: second"),
        subject="first",
    ),
    Kind(
        "D",
        "field names in capitals",
        "RFC 5322, 1.2.2",
        mail(LOST).replace(b"Subject:", b"SUBJECT :").replace(b"From:", b"FROM:"),
        subject="Card not here",
        email="ann@customer.example",
    ),
    Kind(
        "D",
        "an encoded name",
        "RFC 2047, 5 (3)",
        mail(LOST, From="=?utf-8?q?Zo=C3=AB?= <zoe@customer.example>"),
        who="Zoë",
        email="zoe@customer.example",
    ),
    Kind(
        "D",
        "an encoded comma in a name",
        "RFC 2047, 5 (3)",
        mail(LOST, From="=?utf-8?q?Doe=2C_Jane?= <jane@customer.example>"),
        who="Doe, Jane",
        email="jane@customer.example",
    ),
    Kind(
        "D",
        "an encoded address as name",
        "RFC 2047, 5 (3)",
        mail(LOST, From="=?utf-8?q?Boss_=3Cboss=40corp.example=3E?= <eve@evil.example>"),
        who="",
        email="eve@evil.example",
    ),
    Kind(
        "D",
        "an address as name",
        "RFC 5322, 3.4",
        mail(LOST, From='"boss@corp.example" <eve@evil.example>'),
        who="",
        email="eve@evil.example",
    ),
    Kind(
        "D",
        "its own address as name",
        "RFC 5322, 3.4",
        mail(LOST, From='"ann@customer.example" <ann@customer.example>'),
        who="ann@customer.example",
        email="ann@customer.example",
    ),
    Kind(
        "D", "a bare address", "RFC 5322, 3.4.1", mail(LOST, From="ann@customer.example"), email="ann@customer.example"
    ),
    Kind(
        "D",
        "an address with a comment as name",
        "RFC 5322, 3.2.2",
        mail(LOST, From="ann@customer.example (Ann Example)"),
        who="Ann Example",
        email="ann@customer.example",
    ),
    Kind(
        "D",
        "a comma in a name without quotes",
        "RFC 5322, 3.4",
        mail(LOST, From="Doe, Jane <jane@customer.example>"),
        email="jane@customer.example",
    ),
    Kind(
        "D",
        "an address in capitals",
        "RFC 5321, 2.4",
        mail(LOST, From="Ann <Ann@Customer.Example>"),
        email="ann@customer.example",
    ),
    Kind(
        "D",
        "an international address",
        "RFC 6532",
        mail(LOST, From="Zoë <zoë@bücher.example>"),
        email="zoë@bücher.example",
    ),
    Kind(
        "D",
        "no From but a Sender",
        "RFC 5322, 3.6.2",
        mail(LOST, From="", Sender="ann@customer.example"),
        email="ann@customer.example",
    ),
    Kind(
        "D",
        "a group in From",
        "RFC 5322, 3.4",
        mail(LOST, From="Team: ann@customer.example, bob@customer.example;"),
        email="ann@customer.example",
    ),
    Kind("D", "a date without day name", "RFC 5322, 3.3", mail(LOST, Date="5 Jan 2026 10:00:00 +0100"), dated=True),
    Kind(
        "D", "an old date with a zone by name", "RFC 5322, 4.3", mail(LOST, Date="Mon, 05 Jan 26 10:00 EST"), dated=True
    ),
    Kind(
        "D",
        "name and address without brackets",
        "RFC 5322, 3.4",
        mail(LOST, From="Ann Example ann@customer.example"),
        who="Ann Example",
        email="ann@customer.example",
    ),
    Kind(
        "D",
        "an address with a route",
        "RFC 5322, 4.4",
        mail(LOST, From="<@a.example,@b.example:ann@customer.example>"),
        email="ann@customer.example",
    ),
    Kind("D", "a date as in RFC 3339", "RFC 3339", mail(LOST, Date="2026-01-05T10:00:00Z"), dated=True),
    Kind(
        "D", "a date in the year 3609", "RFC 5322, 3.3", mail(LOST, Date="Mon, 05 Jan 3609 10:00:00 +0100"), dated=False
    ),
    Kind("D", "a date of 1970", "RFC 5322, 3.3", mail(LOST, Date="Thu, 01 Jan 1970 00:00:00 +0000"), dated=False),
    Kind("D", "a date that is none", "RFC 5322, 3.3", mail(LOST, Date="yesterday"), dated=False),
    Kind(
        "D",
        "an encoded file name",
        "RFC 2231, 4",
        many(
            "mixed",
            part(LOST),
            part("x", "application/pdf", place="attachment; filename*=UTF-8''Rechnung%20f%C3%BCr.pdf"),
        ),
        attached=("Rechnung für.pdf",),
    ),
    Kind(
        "D",
        "a file name in pieces",
        "RFC 2231, 3",
        many(
            "mixed",
            part(LOST),
            part("x", "application/pdf", place='attachment; filename*0="a long "; filename*1="name.pdf"'),
        ),
        attached=("a long name.pdf",),
    ),
    Kind(
        "D",
        "a file name as encoded word",
        "RFC 2047, 5",
        many("mixed", part(LOST), part("x", 'application/pdf; name="=?utf-8?q?f=C3=BCr.pdf?="')),
        attached=("für.pdf",),
    ),
    Kind(
        "D",
        "a file name with a path",
        "RFC 2183, 2.3",
        many("mixed", part(LOST), part("x", "application/pdf", place='attachment; filename="../../etc/a.pdf"')),
        attached=("../../etc/a.pdf",),
    ),
    Kind(
        "D",
        "a raw UTF-8 file name",
        "RFC 6532",
        many("mixed", part(LOST), part("x", "application/pdf", place='attachment; filename="für.pdf"')),
        attached=("für.pdf",),
    ),
)
UTF16 = mail(LOST).decode().encode("utf-16")
BOUNDS = (
    Kind("E", "line ends by LF", "RFC 5322, 2.3", mail(LOST).replace(b"\r\n", b"\n")),
    Kind("E", "line ends by CR", "RFC 5322, 2.3", mail(LOST).replace(b"\r\n", b"\r")),
    Kind("E", "empty lines above the header", "RFC 5322, 2.1", b"\r\n\r\n" + mail(LOST)),
    Kind(
        "E",
        "an mbox line above the header",
        "RFC 4155",
        b"From ann@customer.example Mon Jan  5 10:00:00 2026\n" + mail(LOST),
    ),
    Kind("E", "Apple's .emlx", "Apple Mail", b"%d\n%b<?xml version='1.0'?><plist/>" % (len(mail(LOST)), mail(LOST))),
    Kind("E", "a file with a byte-order mark", "WHATWG Encoding, 6", b"\xef\xbb\xbf" + mail(LOST)),
    Kind("E", "a file saved as UTF-16", "WHATWG Encoding, 6", UTF16),
    Kind(
        "E",
        "NUL in header and body",
        "RFC 5322, 2.2",
        mail(LOST.replace("lost", "\0lost"), Subject="Card\0 not here"),
        subject="Card not here",
    ),
    Kind(
        "E", "control characters in the body", "RFC 5322, 4.1", mail("My card\x07 is lost"), body="My card\x07 is lost"
    ),
    Kind(
        "E",
        "a header of 200 kB",
        "RFC 5322, 2.1.1",
        mail(LOST, Cc=",\r\n ".join(f"p{n}@customer.example" for n in range(8000))),
    ),
    Kind("E", "a header line of 100 kB", "RFC 5322, 2.1.1", mail(LOST, X_Tag="a" * 100_000)),
    Kind(
        "E",
        "a body line of 1 MB",
        "RFC 5322, 2.1.1",
        mail(f"{LOST}\r\n" + "a " * 500_000),
        body=None,
        has=(LOST, "[cut: the mail goes on]"),
    ),
    Kind(
        "E",
        "a body of 200 kB",
        "contract: 60,000 characters",
        mail(f"{LOST}\r\n" + "word\r\n" * 40_000),
        body=None,
        has=(LOST, "[cut: the mail goes on]"),
    ),
    Kind("E", "500 parts", "RFC 2046, 5.1", many("mixed", part(LOST), *[IMAGE] * 500)),
    Kind(
        "E",
        "30 nested multiparts",
        "RFC 2046, 5.1",
        mail(
            b"".join(b"--m%d\r\nContent-Type: multipart/mixed; boundary=m%d\r\n\r\n" % (n, n + 1) for n in range(29))
            + b"--m29\r\n\r\n"
            + LOST.encode(),
            "multipart/mixed; boundary=m0",
        ),
    ),
    Kind(
        "E",
        "a field without a colon in the header",
        "RFC 5322, 2.2",
        mail(LOST).replace(b"MIME-Version", b"this is no field\r\nMIME-Version"),
        body=None,
        has=(LOST,),
    ),
    Kind(
        "E",
        "the mail ends in the header of a part",
        "RFC 2046, 5.1",
        mail(f"--B\r\n\r\n{LOST}\r\n--B\r\nContent-Type: image/p", 'multipart/mixed; boundary="B"'),
    ),
    Kind(
        "E",
        "a photo of 300 kB",
        "RFC 2045, 6.8",
        many("mixed", part(LOST), part(b64(b"\xff" * 300_000), "image/jpeg; name=p.jpg", "base64")),
        attached=("p.jpg",),
    ),
)
