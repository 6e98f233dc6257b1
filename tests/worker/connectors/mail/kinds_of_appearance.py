"""B, F, G, H: own words and earlier mails as further programs write them, machines' own words, styles."""

from tests.worker.connectors.mail.kind import Kind
from tests.worker.connectors.mail.mails import LOST, html, mail, many, part
from worker.connectors.mail.machines import Machine

REPLY = {"In_Reply_To": "<0@shop.example>"}
BLOCK = "From: Bob <bob@shop.example>\r\nSent: Monday, January 5, 2026 10:00 AM\r\nTo: Ann\r\nSubject: Card\r\n\r\nYour card was sent"
FORM = "New contact\n\nFrom: Ann Example\nE-Mail: ann@customer.example\nSubject: Card\nDate: 5 Jan 2026\nMessage: lost"
TRIP = "Refund\nFrom: Berlin\nTo: Paris\nDate: 5 Jan 2026\nSubject: delay\nplease help"
OUTLOOK = (
    '<div style="border:none;border-top:solid #E1E1E1 1.0pt"><p><b>From:</b> Bob &lt;bob@shop.example&gt;<br>'
    "<b>Sent:</b> Monday, January 5, 2026 10:00 AM<br><b>To:</b> Ann<br><b>Subject:</b> Card</p></div><p>Your card was sent</p>"
)
OWN = (
    *(
        Kind("B", name, source, mail(body.replace("\n", "\r\n")), body=body)
        for name, source, body in (
            ("a web form", "RFC 5322, 3.6", FORM),
            ("a journey", "RFC 5322, 3.6", TRIP),
            ("a sentence about a telephone", "RFC 3676, 4.3", f"{LOST}\nSent from my account to yours on Monday"),
        )
    ),
    Kind(
        "B",
        "an answer that tells of a letter",
        "RFC 3676, 4.5",
        mail(f"{LOST}\r\nOn 5 Jan 2026 your agent wrote:\r\n\r\nIt comes.\r\n\r\nIt did not.", **REPLY),
        body=f"{LOST}\nOn 5 Jan 2026 your agent wrote:\n\nIt comes.\n\nIt did not.",
    ),
    *(
        Kind("B", f"passed on: {subject}", "RFC 5322, 3.6.6", raw, body=None, has=(LOST, "Your card was sent"))
        for subject in ("FW: Card", "WG: Karte", "TR: Carte", "Fwd: Card")
        for raw in (mail(f"{LOST}\r\n\r\n{BLOCK}", Subject=subject, **REPLY),)
    ),
    Kind(
        "B",
        "passed on in HTML (Outlook)",
        "border-top",
        html(f"<p>{LOST}</p>{OUTLOOK}", Subject="FW: Card"),
        body=None,
        has=(LOST, "Your card was sent"),
    ),
    *(
        Kind(
            "B",
            f"passed on: {line}",
            "Apple Mail",
            mail(f"{LOST}\r\n\r\n{line}\r\n\r\n{BLOCK}"),
            body=None,
            has=(LOST, "Your card was sent"),
        )
        for line in ("Begin forwarded message:", "Anfang der weitergeleiteten Nachricht:")
    ),
    Kind(
        "B",
        "answers between quotes in HTML (Gmail)",
        "gmail_quote",
        html(
            '<div class="gmail_quote"><div class="gmail_attr">On Mon, 5 Jan 2026 at 10:00, Bob wrote:</div><blockquote class="gmail_quote">'
            'Which?</blockquote><div>The blue one</div><blockquote class="gmail_quote">When?</blockquote><div>Monday</div></div>',
            **REPLY,
        ),
        body=None,
        has=("The blue one", "Monday"),
    ),
    Kind(
        "B",
        "an answer below a quote in HTML (Gmail)",
        "gmail_quote",
        html(
            '<div class="gmail_quote"><div class="gmail_attr">On Mon, 5 Jan 2026 at 10:00, Bob wrote:</div>'
            f'<blockquote class="gmail_quote">Which?</blockquote><div>{LOST}</div></div>',
            **REPLY,
        ),
        cut=True,
    ),
    Kind(
        "B",
        "indented words in HTML",
        "HTML, 4.4.4",
        html(f'<p>Hello</p><blockquote style="margin:0 0 0 40px;border:none;padding:0">{LOST}</blockquote>', **REPLY),
        body=f"Hello\n{LOST}",
    ),
)
_FROM_BOB = "Mon, 05 Jan 2026 10:00:00 +0100 Bob <bob@shop.example> wrote"
EARLIER = (
    *(
        Kind("G", name, source, mail(f"{LOST}\r\n\r\n{said}", Subject="Re: Card"), cut=True)
        for name, source, said in (
            ("an answer by its subject alone", "Outlook", "On Mon, 5 Jan 2026 at 10:00, Bob wrote:\r\n\r\nWhich card?"),
            ("header block: with empty lines", "Outlook", BLOCK.replace("\r\n", "\r\n\r\n")),
            (
                "attribution: Armenian, without a colon",
                "Gmail",
                "Bob <bob@shop.example> գրել է 5 հնվ 2026, 10:00.\r\n\r\n> Which card?",
            ),
            ("an attribution between dashes", "Zoho", f"---- On {_FROM_BOB} ----\r\n\r\nWhich card?"),
            ("an attribution between dashes, quoted", "Zoho", f"---- On {_FROM_BOB} ---\r\n\r\n> Which card?"),
            (
                "header block: Macedonian",
                "RFC 5322, 3.6",
                "Од: Bob <bob@shop.example>\r\nИспратено: 5.1.2026 10:00\r\nДо: Ann\r\nПредмет: Card\r\n\r\nКоја?",
            ),
            (
                "header block: Malay",
                "RFC 5322, 3.6",
                "Daripada: Bob <bob@shop.example>\r\nDihantar: Isnin, 5 Januari 2026 10:00\r\nKepada: Ann\r\nSubjek: Kad\r\n\r\nYang mana?",
            ),
        )
    ),
    *(
        Kind(
            "G",
            f"an answer by its subject: {subject}",
            "RFC 5322, 3.6.5",
            mail(f"{LOST}\r\n\r\nOn Mon, 5 Jan 2026 at 10:00, Bob wrote:\r\n\r\nWhich card?", Subject=subject),
            cut=True,
        )
        for subject in ("[EXTERNAL] Re: Card", "[#123] AW: Karte", "RE[2]: Card", "回复：卡")
    ),
    *(
        Kind("G", f"a device's line: {said}", "mail programs' own words", mail(f"{LOST}\r\n\r\n{said}"), cut=True)
        for said in (
            "Sent from my iPhone",
            "Get Outlook for iOS<https://aka.ms/o0ukef>",
            "Gesendet mit der GMX Mail App",
            "Envoyé de mon iPhone",
            "Enviado do meu iPhone",
            "Inviato da iPhone",
            "Verstuurd vanaf mijn iPhone",
            "Skickat från min iPhone",
            "Wysłane z iPhone'a",
            "Отправлено с iPhone",
            "iPhone'umdan gönderildi",
            "나의 iPhone에서 보냄",
            "נשלח מה-iPhone שלי",
        )
    ),
    *(
        Kind("G", name, source, html(f"<div>{LOST}</div>{said}", **REPLY), cut=True)
        for name, source, said in (
            (
                "Outlook's telephone",
                "ms-outlook-mobile",
                '<div id="ms-outlook-mobile-signature">Get <a href="https://aka.ms/x">Outlook for iOS</a></div><div id="mail-editor-reference-message-container"><div>Which?</div></div>',
            ),
            ("Outlook's signature", "Signature", '<div id="Signature"><p>Ann Example</p></div>'),
            (
                "Gmail's dashes above a signature",
                "gmail_signature_prefix",
                '<span class="gmail_signature_prefix">-- </span><br><div class="gmail_signature">Ann</div>',
            ),
            (
                "Yahoo's names of today",
                "ydp...yahoo_quoted",
                '<div id="ydp1ayahoo_quoted_1" class="ydp1ayahoo_quoted"><div>On Monday, Bob wrote:</div><div>Which?</div></div>',
            ),
            (
                "another program's names in Outlook",
                "x_gmail_quote",
                '<div class="x_gmail_quote"><div>On Monday, Bob wrote:</div><div>Which?</div></div>',
            ),
            (
                "Zoho's reply",
                "zmail_extra",
                '<div class="zmail_extra"><div>---- On Mon Bob wrote ----</div><blockquote>Which?</blockquote></div>',
            ),
        )
    ),
)
CALENDAR = "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nSUMMARY:Call\r\nEND:VEVENT\r\nEND:VCALENDAR"
SENT = (
    *(
        Kind(
            "F",
            f"an absence: {said}",
            "mail programs' own words",
            mail("…", Subject=f"{said}: Card"),
            body=None,
            machine=Machine.ANSWER,
        )
        for said in (
            "Автоматичен отговор",
            "Automatski odgovor",
            "Automātiska atbilde",
            "Automatinis atsakymas",
            "Automaatne vastus",
            "การตอบอัตโนมัติ",
            "自动答复",
            "Balasan automatik",
            "Absence du bureau",
            "Automatyczna odpowiedź",
            "پاسخ خودکار",
        )
    ),
    *(
        Kind(
            "F",
            f"an absence: {said}",
            "Lotus Notes",
            mail("…", Subject=said, **REPLY),
            body=None,
            machine=Machine.ANSWER,
        )
        for said in ("Ann Example is out of the office (returning Mon)", "Ann Example ist außer Haus.")
    ),
    Kind(
        "F",
        "a person who answers an automatic answer",
        "RFC 3834, 2",
        mail(LOST, Subject="Re: Automatic reply: Card", **REPLY),
    ),
    Kind(
        "F",
        "a person who writes of an absence in an answer",
        "RFC 3834, 2",
        mail(LOST, Subject="Re: Bob is out of the office", **REPLY),
    ),
    Kind(
        "F",
        "a helpdesk that gives no number",
        "Freshdesk",
        mail("Thanks", Subject="Ticket Received - Card", **REPLY),
        body=None,
        machine=Machine.DESK,
    ),
    Kind(
        "F",
        "an answer of ServiceNow",
        "X-ServiceNow-Generated",
        mail("x", X_ServiceNow_Generated="true"),
        body=None,
        machine=Machine.ANSWER,
    ),
    Kind(
        "F",
        "a report of DMARC, announced",
        "RFC 7489, 7.2.1.1",
        mail("x", Subject="[Preview] Report Domain: shop.example Submitter: x.example Report-ID: 1"),
        body=None,
        machine=Machine.NOTICE,
    ),
    Kind(
        "F",
        "Precedence: bulk, a person on a list",
        "RFC 2369, 3.4",
        mail(LOST, Precedence="bulk", List_Post="<mailto:a@lists.example>"),
    ),
    Kind(
        "F",
        "Exchange's own sender",
        "Exchange",
        mail("x", From=f"Outlook <MicrosoftExchange{'0a' * 16}@shop.example>", Subject="Non remis : Carte"),
        body=None,
        machine=Machine.BOUNCE,
    ),
    *(
        Kind(
            "F",
            f"a calendar's answer {name}",
            "RFC 5546, 3.2.3",
            many("alternative", part(said), part(CALENDAR, "text/calendar; method=REPLY")),
            body=None,
            machine=sent_by,
        )
        for name, said, sent_by in (("beside no word", "", Machine.CALENDAR), ("beside words", LOST, None))
    ),
)
HIDDEN = "cancel it"
SEEN = (
    *(
        Kind("H", f"seen: {style}", "CSS Fonts, 2.5", html(f'<div style="{style}">{LOST}</div>'))
        for style in (
            "font-size:1em",
            "font-size:0.9em",
            "font-size:.875rem",
            "font-size:100%",
            "width:0",
            "opacity:.9",
            "color:#eee",
            "color:#fff;background-color:#0078D4",
            "color:#fff;background:linear-gradient(#000,#111)",
            "font:12px/1.5 Arial",
        )
    ),
    *(
        Kind("H", f"hidden: {style}", "CSS 2.2, 11", html(f'<p>{LOST}</p><div style="{style}">{HIDDEN}</div>'))
        for style in (
            "DISPLAY : NONE !important",
            "display/**/:none",
            "d\\69splay:none",
            "font-size:.1px",
            "font:0/0 a",
            "opacity:.01",
            "max-width:0;overflow:hidden",
            "transform:scale(0)",
            "clip-path:inset(100%)",
            "color:#fefefe",
            "color:rgb(255 255 255)",
            "background:#003366;color:#003366",
            "color:transparent",
        )
    ),
    *(
        Kind(
            "H",
            f"hidden by {sheet}",
            "Selectors 4",
            html(f"<style>{sheet}{{display:none}}</style><p>{LOST}</p><div class=a><u data-x=1>{HIDDEN}</u></div>"),
        )
        for sheet in ("u", "div.a u", "[data-x]", "p + .a > u")
    ),
    *(
        Kind("H", f"letters {name}", source, html(said))
        for name, source, said in (
            (
                "of a size within none",
                "MJML",
                f'<table style="font-size:0px"><td><div style="font-size:16px">{LOST}</div></table>',
            ),
            (
                "of a part of no size",
                "CSS Fonts, 2.5",
                f'<p>{LOST}</p><div style="font-size:0"><b style="font-size:2em">{HIDDEN}</b></div>',
            ),
            (
                "of a size by its sheet",
                "MJML",
                f"<style>.o{{font-size:0}}.i{{font-size:14px}}</style><div class=o><p class=i>{LOST}</p></div>",
            ),
            (
                "drawn within what is not",
                "CSS 2.2, 11.2",
                f'<div style="visibility:hidden">{HIDDEN}<p style="visibility:visible">{LOST}</p></div>',
            ),
        )
    ),
    Kind(
        "H",
        "hidden on a screen",
        "Media Queries 4",
        html(f"<style>@media screen{{.a{{display:none}}}}</style><p>{LOST}</p><p class=a>{HIDDEN}</p>"),
    ),
    Kind(
        "H",
        "hidden on paper",
        "Media Queries 4",
        html(f"<style>@media print{{.a{{display:none}}}}</style><p class=a>{LOST}</p>"),
    ),
    *(
        Kind("H", f"white letters {name}", "CSS Color, 3.1", html(said))
        for name, said in (
            (
                "on what a class colours",
                f"<style>.h{{background:#036}}</style><div class=h><font color=white>{LOST}</font></div>",
            ),
            (
                "on what a selector colours",
                f"<style>.h td{{background:#036}}</style><table class=h><tr><td><font color=white>{LOST}</font></table>",
            ),
            ("around black ones", f'<div style="color:#fff"><span style="color:#000">{LOST}</span></div>'),
            ("on a picture", f'<table background="x.png"><tr><td style="color:#fff">{LOST}</td></tr></table>'),
        )
    ),
    Kind(
        "H",
        "an emoji as a picture",
        "Gmail",
        html('<p>My card is lost <img data-emoji="x" alt="😢" src="x"></p>'),
        body=f"{LOST} 😢",
    ),
    Kind(
        "H",
        "lines kept by a style",
        "CSS Text, 3",
        html('<div style="white-space:pre-wrap">a  b\n  c</div>'),
        body="a  b\n  c",
    ),
    Kind("H", "lines of signs without width", "CSS Text, 4", html(f"<p>{LOST}</p><div>{'&zwnj;&nbsp;' * 50}</div>")),
    Kind(
        "H",
        "a telephone number as link",
        "RFC 3966",
        html('<p>call <a href="tel:+4930">me</a></p>'),
        body="call me <+4930>",
    ),
    Kind(
        "H",
        "a link in capitals",
        "RFC 3986, 3.1",
        html('<p>see <a href="HTTPS://a.example">here</a></p>'),
        body="see here <HTTPS://a.example>",
    ),
    Kind("H", "a window that is shut", "HTML, 4.11.4", html(f"<p>{LOST}</p><dialog>{HIDDEN}</dialog>")),
)
APPEARANCE = (*OWN, *EARLIER, *SENT, *SEEN)
