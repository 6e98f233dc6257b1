"""C: letters, whatever they are labelled."""

from tests.worker.connectors.mail.kind import Kind
from tests.worker.connectors.mail.mails import LOST, mail

MOJIBAKE = "Karte für Zoë: größer"

CHARACTERS = (
    tuple(
        Kind("C", name, source, mail(MOJIBAKE.encode(codec), f"text/plain; charset={label}"), body=MOJIBAKE)
        for name, source, codec, label in (
            ("UTF-8", "RFC 3629", "utf-8", "utf-8"),
            ("UTF-8 as utf8", "WHATWG Encoding, 4.2", "utf-8", "utf8"),
            ("Windows-1252", "WHATWG Encoding, 4.2", "cp1252", "windows-1252"),
            ("ISO-8859-15", "WHATWG Encoding, 4.2", "iso-8859-15", "iso-8859-15"),
            ("UTF-8 labelled Latin-1", "RFC 3629, 8", "utf-8", "iso-8859-1"),
            ("UTF-8 labelled ASCII", "RFC 3629, 8", "utf-8", "us-ascii"),
            ("Latin-1 labelled ASCII", "WHATWG Encoding, 4.2", "latin-1", "us-ascii"),
            ("Latin-1 labelled UTF-8", "WHATWG Encoding, 4.1", "latin-1", "utf-8"),
            ("Windows-1252 with an unknown label", "WHATWG Encoding, 4.2", "cp1252", "x-unknown"),
            ("UTF-16 with a mark", "WHATWG Encoding, 6", "utf-16", "utf-16"),
            ("UTF-7", "RFC 2152", "utf-7", "utf-7"),
            ("label in quotes and blanks", "RFC 2045, 5.1", "utf-8", '" utf-8 "'),
            ("Macintosh", "WHATWG Encoding, 4.2", "mac-roman", "macintosh"),
        )
    )
    + tuple(
        Kind(
            "C",
            f"{label} ({text})",
            "WHATWG Encoding, 4.2",
            mail(text.encode(codec), f"text/plain; charset={label}"),
            body=text,
        )
        for text, codec, label in (
            ("我的卡丢了镕", "gbk", "gb2312"),
            ("我的卡丢了𠀀", "gb18030", "gbk"),
            ("我的卡不見了", "big5", "big5"),
            ("カードを紛失①", "cp932", "shift_jis"),
            ("カードを紛失①", "cp932", "x-sjis"),
            ("カードを紛失", "euc-jp", "euc-jp"),
            ("カードを紛失", "iso-2022-jp", "iso-2022-jp"),
            ("카드를 잃어버렸어요 똠", "cp949", "euc-kr"),
            ("카드를", "cp949", "ks_c_5601-1987"),
            ("Карта потеряна", "koi8-r", "koi8-r"),
            ("Карта потеряна", "cp1251", "windows-1251"),
            ("Карта потеряна", "cp866", "ibm866"),
            ("הכרטיס אבד", "iso-8859-8", "iso-8859-8-i"),
            ("البطاقة ضاعت", "cp1256", "windows-1256"),
            ("Kartım kayıp ğ", "cp1254", "iso-8859-9"),
            ("Karta zgubiona ł", "cp1250", "windows-1250"),
            ("บัตรหาย", "cp874", "tis-620"),
            ("Η κάρτα", "cp1253", "windows-1253"),
        )
    )
    + (
        Kind(
            "C",
            "one bad byte in UTF-8",
            "WHATWG Encoding, 4.1",
            mail("größer ".encode() + b"\xff lost", "text/plain; charset=utf-8"),
            body="größer \ufffd lost",
        ),
        Kind(
            "C",
            "UTF-8 cut in a letter",
            "WHATWG Encoding, 4.1",
            mail("verloren größ".encode()[:-1], "text/plain; charset=utf-8"),
            body="verloren grö\ufffd",
        ),
        Kind("C", "a byte-order mark in the text", "WHATWG Encoding, 6", mail(LOST.encode("utf-8-sig"))),
        Kind(
            "C",
            "JIS escapes without a label",
            "RFC 1468",
            mail("カード".encode("iso-2022-jp"), "text/plain"),
            body="カード",
        ),
        Kind(
            "C",
            "HTML whose meta names the charset",
            "HTML, 13.2.3.2",
            mail(f'<meta charset="windows-1251"><p>{"Карта"}'.encode("cp1251"), "text/html"),
            body="Карта",
        ),
        Kind(
            "C",
            "HTML whose meta is wrong",
            "HTML, 13.2.3.2",
            mail(f'<meta charset="utf-8"><p>{"Карта"}'.encode("cp1251"), "text/html; charset=windows-1251"),
            body="Карта",
        ),
        Kind(
            "C",
            "an emoji, and half of one",
            "WHATWG Encoding, 4.1",
            mail("Karte 💳 weg".encode() + b" \xed\xa0\xbd"),
            body=None,
            has=("Karte 💳 weg",),
        ),
    )
)
