"""F, I: what machines send, and whose mail it is."""

from tests.worker.connectors.mail.kind import Kind
from tests.worker.connectors.mail.mails import LOST, mail, many, part
from worker.connectors.mail.machines import Machine

REPLY = {"In_Reply_To": "<0@shop.example>"}
STATUS = part("Final-Recipient: rfc822; ann@customer.example\r\nAction: failed\r\n", "message/delivery-status", "")


def report(kind: str, *pieces: bytes, **fields: str) -> bytes:
    return many("report", part("See below."), *pieces, **fields).replace(
        b"multipart/report;", b"multipart/report; report-type=%b;" % kind.encode()
    )


SENT = (
    Kind(
        "F",
        "a delivery status",
        "RFC 3464",
        report("delivery-status", STATUS, From="MAILER-DAEMON@mx.example"),
        body=None,
        machine=Machine.BOUNCE,
        email="ann@customer.example",
    ),
    Kind(
        "F",
        "an international delivery status",
        "RFC 6533",
        report(
            "delivery-status",
            part("Final-Recipient: utf-8; zoë@bücher.example\r\n", "message/global-delivery-status", ""),
        ),
        body=None,
        machine=Machine.BOUNCE,
        email="zoë@bücher.example",
    ),
    Kind(
        "F",
        "a bounce without a report",
        "RFC 5321, 4.5.5",
        mail("No such user", From="Mail Delivery Subsystem <mailer-daemon@mx.example>"),
        body=None,
        machine=Machine.BOUNCE,
    ),
    Kind(
        "F",
        "a bounce by X-Failed-Recipients",
        "Exim",
        mail("No such user", X_Failed_Recipients="ann@customer.example", From="Mail <postmaster@mx.example>"),
        body=None,
        machine=Machine.BOUNCE,
        email="ann@customer.example",
    ),
    Kind(
        "F",
        "Exchange's report by its field",
        "MS-OXCMAIL",
        mail("x", X_MS_Exchange_Message_Is_Ndr="yes", From="MicrosoftExchange1@mx.example"),
        body=None,
        machine=Machine.BOUNCE,
    ),
    Kind(
        "F",
        "a German bounce",
        "Exchange",
        mail("Fehler", From="postmaster@mx.example", Subject="Unzustellbar: Karte"),
        body=None,
        machine=Machine.BOUNCE,
    ),
    Kind(
        "F",
        "a receipt",
        "RFC 8098",
        report("disposition-notification", part("Disposition: manual-action", "message/disposition-notification", "")),
        body=None,
        machine=Machine.RECEIPT,
    ),
    Kind(
        "F",
        "an abuse report",
        "RFC 5965",
        report("feedback-report", part("Feedback-Type: abuse", "message/feedback-report", "")),
        body=None,
        machine=Machine.ABUSE,
    ),
    Kind(
        "F",
        "a DMARC report",
        "RFC 7489, 7.2",
        mail(
            "x",
            "application/zip; name=a.zip",
            "base64",
            From="noreply-dmarc-support@big.example",
            Subject="Report domain: shop.example Submitter: big.example Report-ID: 1",
        ),
        body=None,
        missing="a file",
        machine=Machine.NOTICE,
    ),
    Kind(
        "F",
        "a TLS report",
        "RFC 8460",
        report("tlsrpt", part("{}", "application/tlsrpt+json")),
        body=None,
        machine=Machine.NOTICE,
    ),
    Kind(
        "F",
        "Auto-Submitted: auto-replied",
        "RFC 3834, 5",
        mail("I am away", Auto_Submitted="auto-replied (vacation)"),
        body=None,
        machine=Machine.ANSWER,
    ),
    Kind(
        "F",
        "Auto-Submitted: auto-generated",
        "RFC 3834, 5",
        mail("Build 7 failed", Auto_Submitted="auto-generated"),
        body=None,
        machine=Machine.NOTICE,
    ),
    Kind("F", "Auto-Submitted: no", "RFC 3834, 5", mail(LOST, Auto_Submitted="no")),
    Kind("F", "X-Autoreply", "mail programs", mail("I am away", X_Autoreply="yes"), body=None, machine=Machine.ANSWER),
    Kind("F", "Precedence: bulk", "RFC 3834, 3.1.8", mail("News", Precedence="bulk"), body=None, machine=Machine.BULK),
    Kind(
        "F",
        "Precedence: list, a person",
        "RFC 2369",
        mail(
            LOST, Precedence="list", List_Post="<mailto:a@lists.example>", List_Unsubscribe="<mailto:u@lists.example>"
        ),
    ),
    Kind(
        "F",
        "a newsletter",
        "RFC 8058",
        mail("News", List_Unsubscribe="<https://a.example/u>", List_Unsubscribe_Post="List-Unsubscribe=One-Click"),
        body=None,
        machine=Machine.BULK,
    ),
    Kind(
        "F",
        "an empty Return-Path",
        "RFC 5321, 4.5.5",
        mail("I am away", Return_Path="<>"),
        body=None,
        machine=Machine.ANSWER,
    ),
    *[
        Kind(
            "F",
            f"an absence: {said}",
            "mail programs' own words",
            mail("…", Subject=f"{said}: Card"),
            body=None,
            machine=Machine.ANSWER,
        )
        for said in (
            "Automatic reply",
            "Out of Office",
            "Automatische Antwort",
            "Réponse automatique",
            "Respuesta automática",
            "Risposta automatica",
            "Resposta automática",
            "Automatisch antwoord",
            "Autosvar",
            "Odpowiedź automatyczna",
            "Автоматический ответ",
            "自動応答",
            "자동 회신",
        )
    ],
    Kind(
        "F",
        "an absence by header and subject",
        "MS-OXCMAIL",
        mail("…", Subject="Abwesend: Karte", X_Auto_Response_Suppress="All"),
        body=None,
        machine=Machine.ANSWER,
    ),
    Kind("F", "a person who writes of an absence", "RFC 3834, 2", mail(LOST, Subject="Absence of my card in the post")),
    Kind(
        "F",
        "another helpdesk's acknowledgement",
        "helpdesks' own words",
        mail("Thanks", Subject="[#12345] We have received your request", **REPLY),
        body=None,
        machine=Machine.DESK,
    ),
    Kind(
        "F",
        "a person who answers about a ticket",
        "helpdesks' own words",
        mail(LOST, Subject="Re: [#12345] Your request has been received", **REPLY),
    ),
    Kind(
        "F",
        "a calendar's answer",
        "RFC 5546, 3.2.3",
        mail(
            "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nSUMMARY:Call\r\nEND:VEVENT\r\n",
            "text/calendar; method=REPLY",
        ),
        body=None,
        machine=Machine.CALENDAR,
    ),
    Kind(
        "F",
        "our own notice comes back",
        "RFC 3834, 5",
        mail("Ticket decided", Auto_Submitted="auto-generated", From="support@shop.example"),
        body=None,
        machine=Machine.NOTICE,
    ),
    Kind(
        "F",
        "a web form in a person's name",
        "RFC 5322, 3.6.2",
        mail(
            LOST,
            From="Form <forms@shop.example>",
            Reply_To="Carla <carla@customer.example>",
            Auto_Submitted="auto-generated",
        ),
        email="carla@customer.example",
        who="Carla",
    ),
)
WHOSE = (
    Kind(
        "I",
        "Reply-To of another",
        "RFC 5322, 3.6.2",
        mail(LOST, Reply_To="carla@customer.example"),
        email="carla@customer.example",
    ),
    Kind(
        "I",
        "Reply-To of the same",
        "RFC 5322, 3.6.2",
        mail(LOST, Reply_To="ann@customer.example"),
        email="ann@customer.example",
        who="Ann Example",
    ),
    Kind(
        "I",
        "Reply-To of the desk itself",
        "RFC 5322, 3.6.2",
        mail(LOST, Reply_To="support@shop.example"),
        email="ann@customer.example",
    ),
    Kind(
        "I",
        "Reply-To of a list",
        "RFC 2369, 3.4",
        mail(LOST, Reply_To="users@lists.example", List_Post="<mailto:users@lists.example>"),
        email="ann@customer.example",
    ),
    Kind("I", "Reply-To that is none", "RFC 5322, 3.6.2", mail(LOST, Reply_To="nobody"), email="ann@customer.example"),
    Kind("I", "no sender at all", "RFC 5322, 3.6.2", mail(LOST, From=""), email=""),
    Kind(
        "I",
        "sent on behalf",
        "RFC 5322, 3.6.2",
        mail(LOST, Sender="assistant@customer.example"),
        email="ann@customer.example",
    ),
    Kind("I", "resent", "RFC 5322, 3.6.6", mail(LOST, Resent_From="bob@shop.example"), email="ann@customer.example"),
    Kind("I", "no Message-ID", "RFC 5322, 3.6.4", mail(LOST, Message_ID="")),
    Kind("I", "an empty Message-ID", "RFC 5322, 3.6.4", mail(LOST, Message_ID="<>")),
    Kind("I", "a Message-ID without brackets", "RFC 5322, 4.5.4", mail(LOST, Message_ID="1@customer.example")),
)
MACHINES = (*SENT, *WHOSE)
