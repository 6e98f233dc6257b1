"""Mail of machines is known by what the standards and mail programs set; people, and forms that speak for them, are not."""

from email import message_from_string

import pytest

from worker.connectors.mail.machines import Machine, bounced_address, machine
from worker.connectors.mail.reading import read_mail

HEAD = "From: Ann <ann@customer.example>\nTo: support@shop.example\nSubject: {subject}\n"


def kind(*fields: str, subject: str = "Card") -> Machine | None:
    return machine(message_from_string(HEAD.format(subject=subject) + "\n".join(fields) + "\n\nHello"))


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        (["Auto-Submitted: auto-replied"], Machine.ANSWER),
        (["Auto-Submitted: auto-generated"], Machine.NOTICE),
        (["Auto-Submitted: no"], None),
        (["Auto-Submitted: auto-generated", "Reply-To: carla@customer.example"], None),
        (["Precedence: bulk"], Machine.BULK),
        (["Precedence: auto_reply"], Machine.ANSWER),
        (["List-Unsubscribe: <https://x.example>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"], Machine.BULK),
        (["Precedence: list", "List-Id: <support.shop.example>", "List-Post: <mailto:s@shop.example>"], None),
        (["X-Autoreply: yes"], Machine.ANSWER),
        (["X-Failed-Recipients: a@b.example"], Machine.BOUNCE),
        (["Return-Path: <>"], Machine.ANSWER),
        (["Return-Path: <ann@customer.example>"], None),
        (["Content-Type: multipart/report; report-type=disposition-notification; boundary=x"], Machine.RECEIPT),
        (["Content-Type: text/calendar; method=REPLY"], Machine.CALENDAR),
        (["X-Auto-Response-Suppress: All"], None),
    ],
)
def test_by_its_header(fields: list[str], found: Machine | None) -> None:
    assert kind(*fields) == found


@pytest.mark.parametrize(
    ("subject", "found"),
    [
        ("Automatic reply: Card", Machine.ANSWER),
        ("Automatische Antwort: Karte", Machine.ANSWER),
        ("Réponse automatique : carte", Machine.ANSWER),
        ("Re: Automatic reply: Card", None),
        ("Absence de remboursement", None),
        ("I received your ticket 4711 but no card", None),
    ],
)
def test_by_its_subject(subject: str, found: Machine | None) -> None:
    assert kind(subject=subject) == found


def test_another_helpdesk_s_acknowledgement_answers_us_under_a_number() -> None:
    answers = "In-Reply-To: <1@shop.example>"
    assert kind(answers, subject="[Ticket #4711] We received your request") is Machine.DESK
    assert kind(answers, subject="Re: [#4711] my ticket was created wrong") is None
    assert kind(subject="[Ticket #4711] We received your request") is None


def test_a_bounce_is_shown_on_the_requester_it_could_not_reach() -> None:
    raw = (
        "From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail\nReturn-Path: <>\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=B\n\n--B\n\nIt failed.\n--B\n"
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; Carl@Gone.example\n--B--\n"
    )
    assert bounced_address(message_from_string(raw)) == "carl@gone.example"
    mail = read_mail(raw.encode())
    assert mail.machine is Machine.BOUNCE
    assert mail.ticket.requester
    assert mail.ticket.requester.email == "carl@gone.example"
