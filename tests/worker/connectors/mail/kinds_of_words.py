"""B, G, H: the writer's own words, earlier mails and signatures, HTML as it is seen."""

from tests.worker.connectors.mail.kind import Kind
from tests.worker.connectors.mail.mails import LOST, html, mail, many, part

REPLY = {"In_Reply_To": "<0@shop.example>", "References": "<0@shop.example>"}
OWN = (
    Kind(
        "B",
        "a line of dashes",
        "RFC 3676, 4.3",
        mail(f"{LOST}\r\n-----\r\nPlease help"),
        body=f"{LOST}\n-----\nPlease help",
    ),
    Kind(
        "B",
        "`From` at the beginning of a line",
        "RFC 4155",
        mail(f"{LOST}\r\nFrom here on I wait"),
        body=f"{LOST}\nFrom here on I wait",
    ),
    Kind(
        "B",
        "`From:` in a sentence",
        "RFC 5322, 3.6.2",
        mail(f"{LOST}\r\nFrom: the shop in Leeds\r\nPlease help"),
        body=f"{LOST}\nFrom: the shop in Leeds\nPlease help",
    ),
    Kind(
        "B",
        "a list of labels",
        "RFC 5322, 3.6",
        mail(f"{LOST}\r\nDate: 5 Jan\r\nShop: Leeds\r\nAmount: 12"),
        body=f"{LOST}\nDate: 5 Jan\nShop: Leeds\nAmount: 12",
    ),
    Kind("B", "a mail that is only a quote", "RFC 3676, 4.5", mail(f"> {LOST}"), body=f"> {LOST}"),
    Kind(
        "B",
        "a quote of a log, no reply",
        "RFC 3676, 4.5",
        mail(f"{LOST}\r\n> error 12\r\n> error 13\r\nWhat is that?"),
        body=f"{LOST}\n> error 12\n> error 13\nWhat is that?",
    ),
    Kind(
        "B",
        "answers between quoted lines",
        "RFC 3676, 4.5",
        mail("> Which card?\r\nThe blue one\r\n> Since when?\r\nMonday", **REPLY),
        body="> Which card?\nThe blue one\n> Since when?\nMonday",
    ),
    Kind(
        "B",
        "an answer below a quote",
        "RFC 3676, 4.5",
        mail(f"On 5 Jan 2026, Bob wrote:\r\n> Which card?\r\n\r\n{LOST}", **REPLY),
        cut=True,
    ),
    Kind(
        "B",
        "words with a colon before a list",
        "RFC 3676",
        mail(f"{LOST}, I wrote:\r\n- twice\r\n- to you"),
        body=f"{LOST}, I wrote:\n- twice\n- to you",
    ),
    Kind("B", "a signature that is the whole mail", "RFC 3676, 4.3", mail("-- \r\nAnn"), body="-- \nAnn"),
    Kind(
        "B",
        "a forwarded mail in the text",
        "RFC 5322, 3.6.6",
        mail(
            f"See:\r\n---------- Forwarded message ---------\r\nFrom: Bob <bob@other.example>\r\nDate: 5 Jan 2026\r\nSubject: Hi\r\nTo: ann@customer.example\r\n\r\n{LOST}"
        ),
        body=None,
        has=("See:", LOST),
    ),
    Kind(
        "B",
        "two dashes without a blank",
        "RFC 3676, 4.3",
        mail(f"{LOST}\r\n--\r\nplease answer soon"),
        body=f"{LOST}\n--\nplease answer soon",
    ),
)
_QUOTE = "\r\n> Which card?\r\n> Bob"
ATTRIBUTIONS = {
    "English": "On Mon, 5 Jan 2026 at 10:00, Bob <bob@shop.example> wrote:",
    "German": "Am Mo., 5. Jan. 2026 um 10:00 Uhr schrieb Bob <bob@shop.example>:",
    "French": "Le lun. 5 janv. 2026 à 10:00, Bob <bob@shop.example> a écrit :",
    "Spanish": "El lun, 5 ene 2026 a las 10:00, Bob (<bob@shop.example>) escribió:",
    "Italian": "Il giorno lun 5 gen 2026 alle ore 10:00 Bob <bob@shop.example> ha scritto:",
    "Portuguese": "Bob <bob@shop.example> escreveu no dia segunda, 5/01/2026 à(s) 10:00:",
    "Dutch": "Op ma 5 jan 2026 om 10:00 schreef Bob <bob@shop.example>:",
    "Swedish": "Den mån 5 jan. 2026 kl 10:00 skrev Bob <bob@shop.example>:",
    "Norwegian": "man. 5. jan. 2026 kl. 10:00 skrev Bob <bob@shop.example>:",
    "Danish": "Den man. 5. jan. 2026 kl. 10.00 skrev Bob <bob@shop.example>:",
    "Finnish": "ma 5. tammik. 2026 klo 10.00 Bob (bob@shop.example) kirjoitti:",
    "Polish": "pon., 5 sty 2026 o 10:00 Bob <bob@shop.example> napisał(a):",
    "Czech": "po 5. 1. 2026 v 10:00 odesílatel Bob <bob@shop.example> napsal:",
    "Hungarian": "Bob <bob@shop.example> ezt írta (időpont: 2026. jan. 5., H, 10:00):",
    "Romanian": "lun., 5 ian. 2026 la 10:00, Bob <bob@shop.example> a scris:",
    "Turkish": "Bob <bob@shop.example>, 5 Oca 2026 Pzt, 10:00 tarihinde şunu yazdı:",
    "Greek": "Στις Δευ 5 Ιαν 2026 στις 10:00 π.μ., ο χρήστης Bob <bob@shop.example> έγραψε:",
    "Russian": "пн, 5 янв. 2026 г. в 10:00, Bob <bob@shop.example>:",
    "Ukrainian": "пн, 5 січ. 2026 р. о 10:00 Bob <bob@shop.example> пише:",
    "Chinese": "Bob <bob@shop.example> 于2026年1月5日周一 10:00写道：",
    "Japanese": "2026年1月5日(月) 10:00 Bob <bob@shop.example>:",
    "Korean": "2026년 1월 5일 (월) 오전 10:00, Bob <bob@shop.example>님이 작성:",
    "Hebrew": "‫בתאריך יום ב׳, 5 בינו׳ 2026 ב-10:00 מאת ‪Bob‬‏ <‪bob@shop.example‬‏>:‬",
    "Arabic": "في الاثنين، 5 يناير 2026 10:00 ص Bob <bob@shop.example> كتب:",
    "Indonesian": "Pada tanggal Sen, 5 Jan 2026 pukul 10.00 Bob <bob@shop.example> menulis:",
    "Vietnamese": "Vào Th 2, 5 thg 1, 2026 vào lúc 10:00 Bob <bob@shop.example> đã viết:",
    "a break in the line": "On Mon, 5 Jan 2026 at 10:00, Bob\r\n<bob@shop.example> wrote:",
}
HEADS = {
    "English": "From: Bob <bob@shop.example>\r\nSent: Monday, January 5, 2026 10:00\r\nTo: Ann\r\nSubject: Card",
    "German": "Von: Bob <bob@shop.example>\r\nGesendet: Montag, 5. Januar 2026 10:00\r\nAn: Ann\r\nBetreff: Card",
    "French": "De : Bob <bob@shop.example>\r\nEnvoyé : lundi 5 janvier 2026 10:00\r\nÀ : Ann\r\nObjet : Card",
    "Spanish": "De: Bob <bob@shop.example>\r\nEnviado: lunes, 5 de enero de 2026 10:00\r\nPara: Ann\r\nAsunto: Card",
    "Italian": "Da: Bob <bob@shop.example>\r\nInviato: lunedì 5 gennaio 2026 10:00\r\nA: Ann\r\nOggetto: Card",
    "Portuguese": "De: Bob <bob@shop.example>\r\nEnviado: segunda-feira, 5 de janeiro de 2026 10:00\r\nPara: Ann\r\nAssunto: Card",
    "Polish": "Od: Bob <bob@shop.example>\r\nWysłano: poniedziałek, 5 stycznia 2026 10:00\r\nDo: Ann\r\nTemat: Card",
    "Czech": "Od: Bob <bob@shop.example>\r\nOdesláno: pondělí 5. ledna 2026 10:00\r\nKomu: Ann\r\nPředmět: Card",
    "Finnish": "Lähettäjä: Bob <bob@shop.example>\r\nLähetetty: maanantai 5. tammikuuta 2026 10.00\r\nVastaanottaja: Ann\r\nAihe: Card",
    "Turkish": "Kimden: Bob <bob@shop.example>\r\nGönderildi: 5 Ocak 2026 Pazartesi 10:00\r\nKime: Ann\r\nKonu: Card",
    "Korean": "보낸 사람: Bob <bob@shop.example>\r\n보낸 날짜: 2026년 1월 5일 월요일 10:00\r\n받는 사람: Ann\r\n제목: Card",
    "Greek": "Από: Bob <bob@shop.example>\r\nΣτάλθηκε: Δευτέρα, 5 Ιανουαρίου 2026 10:00\r\nΠρος: Ann\r\nΘέμα: Card",
    "Bulgarian": "От: Bob <bob@shop.example>\r\nИзпратено: понеделник, 5 януари 2026 г. 10:00\r\nДо: Ann\r\nОтносно: Card",
    "Croatian": "Šalje: Bob <bob@shop.example>\r\nPoslano: 5. siječnja 2026. 10:00\r\nPrima: Ann\r\nPredmet: Card",
    "Slovene": "Od: Bob <bob@shop.example>\r\nPoslano: ponedeljek, 05. januar 2026 10:00\r\nZa: Ann\r\nZadeva: Card",
    "Serbian": "Od: Bob <bob@shop.example>\r\nPoslato: 5. januar 2026. 10:00\r\nZa: Ann\r\nTema: Card",
    "Latvian": "No: Bob <bob@shop.example>\r\nNosūtīts: pirmdiena, 2026. gada 5. janvāris 10:00\r\nKam: Ann\r\nTēma: Card",
    "Lithuanian": "Nuo: Bob <bob@shop.example>\r\nIšsiųsta: 2026 m. sausio 5 d. 10:00\r\nKam: Ann\r\nTema: Card",
    "Catalan": "De: Bob <bob@shop.example>\r\nEnviat: dilluns, 5 de gener de 2026 10:00\r\nPer a: Ann\r\nTema: Card",
    "in bold": "*From:* Bob <bob@shop.example>\r\n*Sent:* Monday, January 5, 2026 10:00\r\n*To:* Ann\r\n*Subject:* Card",
}
EARLIER = (
    *[
        Kind(
            "G",
            f"attribution: {name}",
            "mail programs' own words",
            mail(f"{LOST}\r\n\r\n{said}{_QUOTE}", **REPLY),
            cut=True,
        )
        for name, said in ATTRIBUTIONS.items()
    ],
    *[
        Kind(
            "G",
            f"header block: {name}",
            "RFC 5322, 3.6",
            mail(f"{LOST}\r\n\r\n{said}\r\n\r\nWhich card?", **REPLY),
            cut=True,
        )
        for name, said in HEADS.items()
    ],
    Kind(
        "G",
        "Original Message between dashes",
        "Outlook",
        mail(
            f"{LOST}\r\n\r\n-----Original Message-----\r\nFrom: Bob\r\nSent: 5 Jan 2026\r\nTo: Ann\r\nSubject: Card\r\n\r\nWhich?",
            **REPLY,
        ),
        cut=True,
    ),
    Kind(
        "G",
        "a helpdesk's line",
        "Zendesk",
        mail(f"{LOST}\r\n\r\n##- Please type your reply above this line -##\r\nYour request is open", **REPLY),
        cut=True,
    ),
    Kind(
        "G",
        "a quote without attribution, a reply",
        "RFC 3676, 4.5",
        mail(f"{LOST}\r\n\r\n> Which card?", **REPLY),
        cut=True,
    ),
    Kind("G", "a signature", "RFC 3676, 4.3", mail(f"{LOST}\r\n-- \r\nAnn Example\r\nLeeds"), cut=True),
    Kind(
        "G",
        "a signature below the quote",
        "RFC 3676, 4.3",
        mail(f"{LOST}\r\n\r\nOn 5 Jan 2026, Bob wrote:\r\n> Which?\r\n-- \r\nAnn", **REPLY),
        cut=True,
    ),
    Kind(
        "G",
        "a signature marked by Gmail",
        "gmail_signature",
        html(f'<div>{LOST}</div><div class="gmail_signature">Ann<br>Leeds</div>'),
        cut=True,
    ),
    Kind(
        "G",
        "words below a marked signature",
        "gmail_signature",
        html(f'<div class="gmail_signature">Ann</div><div>{LOST}</div>'),
        body=f"Ann\n{LOST}",
    ),
    Kind(
        "G",
        "a signature above the quote",
        "RFC 3676, 4.3",
        mail(f"{LOST}\r\n-- \r\nAnn\r\n\r\nOn 5 Jan 2026, Bob wrote:\r\n> Which?", **REPLY),
        cut=True,
    ),
    Kind(
        "G",
        "a list footer",
        "RFC 2369",
        mail(
            f"{LOST}\r\n_______________________________________________\r\nusers mailing list\r\nhttps://lists.example/mailman/listinfo/users"
        ),
        cut=True,
    ),
    Kind(
        "G",
        "Gmail's quote",
        "gmail_quote",
        html(
            f'<div>{LOST}</div><div class="gmail_quote"><div class="gmail_attr">On x Bob wrote:<br></div><blockquote class="gmail_quote">Which?</blockquote></div>',
            **REPLY,
        ),
        cut=True,
    ),
    Kind(
        "G",
        "Outlook's reply",
        "divRplyFwdMsg",
        html(
            f'<p>{LOST}</p><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Bob</div><div>Which?</div>',
            **REPLY,
        ),
        cut=True,
    ),
    Kind(
        "G",
        "Outlook's rule",
        "border-top",
        html(
            f'<p>{LOST}</p><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p><b>From:</b> Bob</p></div><p>Which?</p>',
            **REPLY,
        ),
        cut=True,
    ),
    Kind(
        "G",
        "Thunderbird's reply",
        "moz-cite-prefix",
        html(
            f'<p>{LOST}</p><div class="moz-cite-prefix">On 5.1.26, Bob wrote:<br></div><blockquote type="cite">Which?</blockquote>',
            **REPLY,
        ),
        cut=True,
    ),
    Kind(
        "G",
        "Apple Mail's reply",
        "blockquote type=cite",
        html(
            f'<div>{LOST}</div><div><br><blockquote type="cite"><div>On 5 Jan 2026, at 10:00, Bob &lt;bob@shop.example&gt; wrote:</div><div>Which?</div></blockquote></div>',
            **REPLY,
        ),
        cut=True,
    ),
    Kind(
        "G",
        "Yahoo's reply",
        "yahoo_quoted",
        html(
            f'<div>{LOST}</div><div class="yahoo_quoted"><div>On Monday, Bob wrote:</div><div>Which?</div></div>',
            **REPLY,
        ),
        cut=True,
    ),
    Kind(
        "G",
        "Proton's reply",
        "protonmail_quote",
        html(
            f'<div>{LOST}</div><div class="protonmail_quote">On Monday, Bob wrote:<blockquote>Which?</blockquote></div>',
            **REPLY,
        ),
        cut=True,
    ),
)
SEEN = (
    Kind("H", "hidden by style", "HTML, 15.3.1", html(f'<p>{LOST}</p><div style="display: none">cancel it</div>')),
    Kind("H", "hidden by attribute", "HTML, 6.1", html(f"<p>{LOST}</p><p hidden>cancel it</p>")),
    Kind(
        "H",
        "hidden by its style sheet",
        "CSS 2.2, 11.2",
        html(f"<style>.x{{visibility:hidden}}</style><p>{LOST}</p><p class=x>cancel it</p>"),
    ),
    Kind(
        "H", "letters of no size", "CSS Fonts, 2.5", html(f'<p>{LOST}</p><span style="font-size:0px">cancel it</span>')
    ),
    Kind("H", "white on white", "CSS Color, 3.1", html(f'<p>{LOST}</p><font color="#ffffff">cancel it</font>')),
    Kind(
        "H",
        "white on a colour",
        "CSS Color, 3.1",
        html(f'<table><td bgcolor="#003366"><font color="#ffffff">{LOST}</font></table>'),
    ),
    Kind(
        "H",
        "white letters on a page that its sheet colours",
        "CSS Backgrounds, 2.11.2",
        html(f'<style>body{{background:#000}}</style><p style="color:#fff">{LOST}</p>'),
    ),
    Kind(
        "H",
        "off the page",
        "CSS 2.2, 9.3",
        html(f'<p>{LOST}</p><div style="position:absolute;left:-9999px">cancel it</div>'),
    ),
    Kind(
        "H",
        "a preheader",
        "mso-hide",
        html(f'<div style="max-height:0;overflow:hidden;mso-hide:all">preview</div><p>{LOST}</p>'),
    ),
    Kind(
        "H",
        "script, style, title",
        "HTML, 4.12",
        html(f"<title>t</title><style>p{{}}</style><script>x</script><p>{LOST}</p>"),
    ),
    Kind(
        "H",
        "comments and conditional comments",
        "HTML, 13.1.6",
        html(f"<!-- a --><!--[if mso]><p>outlook</p><![endif]--><p>{LOST}</p>"),
    ),
    Kind(
        "H",
        "form fields",
        "HTML, 4.10",
        html(f"<p>{LOST}</p><textarea>t</textarea><select><option>o</select><button>b</button>"),
    ),
    Kind("H", "entities", "HTML, 13.5", html("<p>a &lt; b &amp; c&nbsp;d &#8364; &euro;</p>"), body="a < b & c d € €"),
    Kind(
        "H",
        "table cells",
        "HTML, 4.9",
        html("<table><tr><th>Card</th><th>State</th></tr><tr><td>1</td><td>lost</td></tr></table>"),
        body="Card State\n1 lost",
    ),
    Kind("H", "a list", "HTML, 4.4.8", html("<ul><li>card</li><li>money</li></ul>"), body="card\nmoney"),
    Kind("H", "breaks and paragraphs", "HTML, 4.5.27", html("a<br>b<p>c</p><div>d</div>"), body="a\nb\nc\nd"),
    Kind("H", "preformatted lines", "HTML, 4.4.3", html("<pre>a  b\n  c</pre>"), body="a  b\n  c"),
    Kind(
        "H",
        "a link whose target differs",
        "HTML, 4.5.1",
        html('<p>see <a href="https://bank.example/x">here</a></p>'),
        body="see here <https://bank.example/x>",
    ),
    Kind(
        "H",
        "a link that shows its target",
        "HTML, 4.5.1",
        html('<p>see <a href="https://bank.example/x">bank.example/x</a></p>'),
        body="see bank.example/x",
    ),
    Kind(
        "H",
        "an address as link",
        "RFC 6068",
        html('<p>write <a href="mailto:ann@customer.example">me</a></p>'),
        body="write me <ann@customer.example>",
    ),
    Kind(
        "H",
        "a script as link",
        "HTML, 7.4.2.3",
        html(f'<p>{LOST} <a href="javascript:x()">now</a></p>'),
        body=f"{LOST} now",
    ),
    Kind("H", "tags that are not closed", "HTML, 13.2.6", html("<div><p>My card<b> is <i>lost")),
    Kind("H", "no closing head", "HTML, 13.2.6.4.4", html(f"<html><head><title>x</title><body><p>{LOST}</p>")),
    Kind("H", "words split over elements", "HTML, 3.2.5.2.5", html("<p>My c<b>ar</b>d is <span>lo</span>st</p>")),
    Kind("H", "right-to-left", "HTML, 3.2.6.4", html('<p dir="rtl">הכרטיס אבד</p>'), body="הכרטיס אבד"),
    Kind("H", "600 elements deep", "HTML, 13.2.6.1", html("<div>" * 600 + LOST + "</div>" * 600)),
    Kind("H", "a picture with words", "HTML, 4.8.3", html(f'<p>{LOST}</p><img alt="logo" src="cid:1">')),
    Kind(
        "H",
        "HTML in the plain part",
        "RFC 2046, 4.1.3",
        many("alternative", part(f"<html><body><p>{LOST}</p></body></html>"), part("<p>x", "text/html")),
    ),
)
WORDS = (*OWN, *EARLIER, *SEEN)
