"""The writer's own words: what mail programs of many languages put below them is left out, and nothing else is."""

import pytest

from worker.connectors.mail.html.visible import marked_text
from worker.connectors.mail.quotes import own_words

ATTRIBUTIONS = [
    "On Mon, Jan 5, 2026 at 10:00 AM Support <support@shop.example> wrote:",
    "On Mon, Jan 5, 2026 at 10:00 AM Very Long Name of Support <\nsupport@shop.example> wrote:",
    "Am Mo., 5. Jan. 2026 um 10:00 Uhr schrieb Support <support@shop.example>:",
    "Am 05.01.26 um 10:00 schrieb Support:",
    "Le lun. 5 janv. 2026 à 10:00, Support <support@shop.example> a écrit :",
    "El lun, 5 ene 2026 a las 10:00, Support (<support@shop.example>) escribió:",
    "Il giorno lun 5 gen 2026 alle ore 10:00 Support <support@shop.example> ha scritto:",
    "Em seg., 5 de jan. de 2026 às 10:00, Support <support@shop.example> escreveu:",
    "Op ma 5 jan 2026 om 10:00 schreef Support <support@shop.example>:",
    "Den man. 5. jan. 2026 kl. 10.00 skrev Support <support@shop.example>:",
    "ma 5. tammik. 2026 klo 10.00 Support (support@shop.example) kirjoitti:",
    "po 5. 1. 2026 v 10:00 odesílatel Support <support@shop.example> napsal:",
    "пн, 5 янв. 2026 г. в 10:00, Support <support@shop.example>:",
    "пн, 5 січ. 2026 р. о 10:00 Support <support@shop.example> пише:",
    "Support <support@shop.example> ezt írta (időpont: 2026. jan. 5., H, 10:00):",
    "În lun., 5 ian. 2026 la 10:00, Support <support@shop.example> a scris:",
    "Στις Δευ 5 Ιαν 2026 στις 10:00 π.μ., ο χρήστης Support <support@shop.example> έγραψε:",
    "2026년 1월 5일 (월) 오전 10:00, Support <support@shop.example>님이 작성:",
    "Vào Th 2, 5 thg 1, 2026 vào lúc 10:00 Support <support@shop.example> đã viết:",
    "Pada tanggal Sen, 5 Jan 2026 pukul 10.00 Support <support@shop.example> menulis:",
    "เมื่อ จ. 5 ม.ค. 2026 10:00 Support <support@shop.example> เขียนว่า:",
    "सोम, 5 जन॰ 2026 को 10:00 बजे Support <support@shop.example> ने लिखा:",
    "Support <support@shop.example> 於 2026年1月5日 週一 上午10:00寫道\uff1a",
]

HEADERS = [
    "From: Support <s@shop.example>\nSent: Monday, January 5, 2026 10:00 AM\nTo: Ann\nSubject: RE: card",
    "From: Support\nSent: Monday, January 5, 2026 10:00 AM\nTo: Ann\nSubject: RE: card",
    "*From:* Support <s@shop.example>\n*Sent:* Monday\n*To:* Ann\n*Subject:* RE: card",
    "From: Support <s@shop.example>\nDate: Monday\nTo: Ann <a@b.example>\nCc: Bob <b@b.example>\nSubject: Re: card",
    "Von: Support <s@shop.example>\nGesendet: Montag, 5. Januar 2026 10:00\nAn: Ann\nBetreff: AW: Karte",
    "De : Support <s@shop.example>\nEnvoyé : lundi 5 janvier 2026 10:00\nÀ : Ann\nObjet : RE: carte",
    "De: Support <s@shop.example>\nEnviado: lunes, 5 de enero de 2026 10:00\nPara: Ann\nAsunto: RE: t",
    "Da: Support <s@shop.example>\nInviato: lunedì 5 gennaio 2026 10:00\nA: Ann\nOggetto: R: c",
    "Od: Support <s@shop.example>\nWysłano: poniedziałek, 5 stycznia 2026 10:00\nDo: Ann\nTemat: RE: k",
    "Lähettäjä: Support <s@shop.example>\nLähetetty: maanantai 5. tammikuuta\nVastaanottaja: Ann\nAihe: VS: k",
    "Gönderen: Support <s@shop.example>\nGönderildi: 5 Ocak 2026 Pazartesi 10:00\nKime: Ann\nKonu: YNT: k",
    "보낸 사람: Support <s@shop.example>\n보낸 날짜: 2026년 1월 5일 10:00\n받는 사람: Ann\n제목: RE: k",
    "من: Support <s@shop.example>\nتم الإرسال: 5 يناير 2026 10:00\nإلى: Ann\nالموضوع: RE: k",
    "De la: Support <s@shop.example>\nTrimis: luni, 5 ianuarie 2026 10:00\nCătre: Ann\nSubiect: RE: k",
    "寄件者: Support <s@shop.example>\n寄件日期: 2026年1月5日 10:00\n收件者: Ann\n主旨: RE: k",
]

ABOVE = [
    "Reply above this line",
    "## In replies all text above this line is added to the ticket ##",
    "-- Please reply above this line --",
    "--- Bitte antworten Sie oberhalb dieser Zeile ---",
]


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_a_quote_goes_with_the_line_that_introduces_it(attribution: str, gap: str) -> None:
    own = own_words(f"Own words.\n\n{attribution}{gap}> Hello\n> Regards\n", reply=True)
    assert own.text == "Own words."
    assert own.cuts[0].startswith("an earlier mail (")


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("rule", ["", "_" * 32 + "\n", "-----Ursprüngliche Nachricht-----\n"])
def test_a_header_block_begins_the_earlier_mail(header: str, rule: str) -> None:
    assert own_words(f"Own words.\n\n{rule}{header}\n\nHello, old\nSupport\n", reply=True).text == "Own words."


@pytest.mark.parametrize("line", ABOVE)
def test_a_helpdesk_s_line_ends_the_answer(line: str) -> None:
    assert own_words(f"Own words.\n\n{line}\n\nYour request has been updated.\n", reply=True).text == "Own words."


@pytest.mark.parametrize(
    "text",
    [
        "> Where do you live?\nIn Berlin.\n> And the card?\nNot here.",
        "See below.\n\n---------- Forwarded message ---------\nFrom: A <a@b.example>\nDate: B\nTo: C\n\nMy card is lost.",
        "Name: Ann\nEmail: ann@x.example\nSubject: card\nMessage: lost",
        "From: Berlin\nTo: Paris\nDate: 5 January 2026\n\nI need a refund.",
        "I ordered on 5.1.2026, total:\n> 40 EUR\nplease refund",
        "Prices\n--\n" + "\n".join(f"line {number}" for number in range(40)),
        "From: a\nTo: b\nSubject: c",
        "> only a quote",
    ],
)
def test_what_matters_is_never_trimmed(text: str) -> None:
    assert own_words(text, reply=False) == own_words(text, reply=True)
    assert own_words(text, reply=False).text == text
    assert own_words(text, reply=False).cuts == ()


def test_a_signature_and_a_list_s_footer_go_and_are_said() -> None:
    footer = "_" * 47 + "\nshop mailing list\nhttps://lists.example/listinfo/shop"
    own = own_words(f"It is lost.\n\n-- \nAnn\nExample Ltd\n{footer}\n", reply=False)
    assert own.text == "It is lost."
    assert own.cuts == ("a signature (6 lines)",)
    assert own_words(f"It is lost.\n\n{footer}\n", reply=False).cuts == ("a mailing list's footer (3 lines)",)


@pytest.mark.parametrize(
    ("html", "own"),
    [
        (
            "<div>Yes</div><div class='gmail_quote'><div class='gmail_attr'>On Monday</div><blockquote>old</blockquote></div>",
            "Yes",
        ),
        ("<div>Yes</div><div id='appendonsend'></div><hr><div id='divRplyFwdMsg'>From: s</div><div>old</div>", "Yes"),
        ("<blockquote type='cite'>old</blockquote>", "> old"),
        ("<p>One.</p><div class='gmail_quote'><blockquote>old</blockquote></div><p>Two.</p>", "One.\n\nTwo."),
        (
            "<p>Yes:</p><blockquote>a</blockquote><p>answer</p><blockquote>b</blockquote><p>more</p>",
            "Yes:\n> a\nanswer\n> b\nmore",
        ),
    ],
)
def test_what_a_mail_program_marks_in_html_is_left_out(html: str, own: str) -> None:
    assert own_words(marked_text(html), reply=True).text == own
