"""Mail that machines send: bounces, automatic answers, receipts, abuse reports, bulk mail. Nobody waits for an answer.

By what the standards say of each (RFC 3834, 3464, 8098, 5965, 2369, 8058) and by what mail programs set instead.
"""

import re
from email.message import Message
from enum import StrEnum
from itertools import islice

from worker.connectors.mail.charsets import decoded
from worker.connectors.mail.headers import addresses, field
from worker.connectors.mail.machine_words import (
    ACKNOWLEDGED,
    ANSWERS,
    AWAY,
    AWAY_WITHIN,
    BOUNCES,
    FORWARDS,
    RECEIVED,
    REPLIES,
)

_SUBJECT_ANSWERS = re.compile(rf"^\W{{0,4}}(?:{ANSWERS})", re.IGNORECASE)
_SUBJECT_AWAY = re.compile(rf"^\W{{0,4}}(?:{AWAY})", re.IGNORECASE)
"""With the header of an answer only."""

_SUBJECT_BOUNCES = re.compile(rf"^(?:{BOUNCES})", re.IGNORECASE)
_SUBJECT_TICKETS = re.compile(ACKNOWLEDGED, re.IGNORECASE)
_SUBJECT_AWAY_WITHIN = re.compile(AWAY_WITHIN, re.IGNORECASE)
_SUBJECT_RECEIVED = re.compile(RECEIVED, re.IGNORECASE)
_SUBJECT_REPLIES = re.compile(rf"\s*(?:{REPLIES})\s*(?:\[\d+\])?\s*[:\uff1a]", re.IGNORECASE)
_TAGS = r"\s*(?:\[[^\[\]]{0,60}\]\s*){0,3}"
"""What gateways and helpdesks put before a subject."""

_TAGGED_REPLIES = re.compile(rf"{_TAGS}(?:{REPLIES})\s*(?:\[\d+\])?\s*[:\uff1a]", re.IGNORECASE)
_TAGGED_FORWARDS = re.compile(rf"{_TAGS}(?:{FORWARDS})\s*(?:\[\d+\])?\s*[:\uff1a]", re.IGNORECASE)
_NUMBERED = re.compile(r"[\[(#][^\])]{0,20}\d{2,}[\])]?|\b\d{3,}\b")
_POSTMASTERS = re.compile(
    r"^(?:mailer-daemon|postmaster|mail-daemon|mdaemon|bounces?|noreply-dmarc\S*|microsoftexchange[0-9a-f]{32})[+@]",
    re.IGNORECASE,
)
_COMMENTS = re.compile(r"[\s;(]")
_SUBJECT_REPORTS = re.compile(r"^(?:\[\w{1,20}\]\s*)?report domain:.{1,300}submitter:.{1,300}report-id:", re.IGNORECASE)
"""Of aggregate reports (RFC 7489, 7.2.1.1)."""

_SUPPRESSED = re.compile(r"\b(?:all|oof|autoreply)\b", re.IGNORECASE)
_REPORTS = re.compile(r"report-type\s*=\s*\"?\s*([\w-]+)", re.IGNORECASE)
_REPLY = re.compile(r"method\s*=\s*\"?reply", re.IGNORECASE)
_TAG = re.compile(
    rb"<(?:style|head|title)\b.{0,20000}?</(?:style|head|title)>|<[^<>]{0,500}>", re.IGNORECASE | re.DOTALL
)
_RECIPIENT = re.compile(
    r"^(?:Original|Final)-Recipient:\s*[\w-]+;\s*<?([^\s<>;]+@[^\s<>;]+?)>?\s*$", re.IGNORECASE | re.MULTILINE
)
_MACHINE_FIELDS = (
    "X-Autoreply",
    "X-Autorespond",
    "X-Autoresponder",
    "X-Auto-Reply",
    "X-Mail-Autoreply",
    "X-AutoReply-From",
    "X-ServiceNow-Generated",
)
_PRECEDENCE = {"bulk": "bulk", "junk": "bulk", "auto_reply": "answer", "auto-reply": "answer"}


class Machine(StrEnum):
    """What kind of machine sent a mail."""

    BOUNCE = "bounce"
    ANSWER = "automatic answer"
    RECEIPT = "receipt"
    ABUSE = "abuse report"
    BULK = "bulk mail"
    DESK = "another helpdesk's acknowledgement"
    NOTICE = "automatic notice"
    CALENDAR = "calendar reply"


_REPORT_KINDS = {
    "delivery-status": Machine.BOUNCE,
    "disposition-notification": Machine.RECEIPT,
    "feedback-report": Machine.ABUSE,
    "tlsrpt": Machine.NOTICE,
}


def machine(message: Message) -> Machine | None:
    """Which machine sent this mail, None for a person (a web form that speaks for a person included)."""
    return _by_type(message) or _by_sender(message) or _by_fields(message) or _by_subject(message)


def is_reply(message: Message) -> bool:
    """Whether it answers another mail, by its header or its subject."""
    said = any(name in message for name in ("In-Reply-To", "References"))
    return said or bool(_TAGGED_REPLIES.match(field(message, "Subject")))


def is_passed_on(message: Message) -> bool:
    """Whether it passes another mail on, by its subject: what stands below the writer's own words is what matters."""
    return bool(_TAGGED_FORWARDS.match(field(message, "Subject")))


def bounced_address(message: Message) -> str:
    """Whom a bounce could not reach, "" where it does not say (RFC 3464, 2.3; RFC 6533, 3)."""
    for part in message.walk():
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            found = _RECIPIENT.search(decoded(part.as_bytes()[:20_000], None))
            if found:
                return found[1][:320].lower()
    return next((address for _, address in addresses(message, "X-Failed-Recipients")), "")


def _by_type(message: Message) -> Machine | None:
    said = str(message.get("Content-Type", ""))
    kind = said.partition(";")[0].strip().lower()
    if kind == "multipart/report" or (kind.startswith("multipart/") and "report-type" in said.lower()):
        found = _REPORTS.search(said)
        return _REPORT_KINDS.get(found[1].lower() if found else "", Machine.NOTICE)
    if kind in ("message/disposition-notification", "message/delivery-status", "message/feedback-report"):
        return {"message/disposition-notification": Machine.RECEIPT, "message/delivery-status": Machine.BOUNCE}.get(
            kind, Machine.ABUSE
        )
    return Machine.CALENDAR if _answers_invitation(message) else None


def _answers_invitation(message: Message) -> bool:
    """A calendar's answer beside which nobody has written a word (RFC 5546, 3.2.3)."""
    kinds = {part.get_content_type(): part for part in islice(message.walk(), 20) if not part.is_multipart()}
    invited = kinds.pop("text/calendar", None)
    if invited is None or not _REPLY.search(str(invited.get("Content-Type", ""))):
        return False
    texts = [part.as_bytes()[:20_000].partition(b"\n\n")[2] for kind, part in kinds.items() if kind.startswith("text/")]
    return not any(_TAG.sub(b"", text).replace(b"&nbsp;", b"").strip() for text in texts)


def _by_sender(message: Message) -> Machine | None:
    sender = next((address for _, address in addresses(message, "From")), "")
    empty_path = "Return-Path" in message and field(message, "Return-Path").strip(" <>") == ""
    failed = "X-Failed-Recipients" in message or "X-MS-Exchange-Message-Is-Ndr" in message
    postmaster = bool(_POSTMASTERS.match(sender))
    if postmaster and any(part.get_content_type() == "message/delivery-status" for part in islice(message.walk(), 20)):
        return Machine.BOUNCE
    undelivered = postmaster and _SUBJECT_BOUNCES.match(field(message, "Subject"))
    if failed or undelivered or sender.startswith("mailer-daemon@"):
        return Machine.BOUNCE
    if empty_path:  # RFC 5321, 4.5.5: what nobody may answer
        return Machine.BOUNCE if postmaster else Machine.ANSWER
    return None


def _by_fields(message: Message) -> Machine | None:
    submitted = _COMMENTS.split(field(message, "Auto-Submitted").strip().lower(), maxsplit=1)[0]
    if submitted and submitted != "no" and not (submitted == "auto-generated" and _speaks_for_another(message)):
        return Machine.ANSWER if submitted == "auto-replied" else Machine.NOTICE
    if any(name in message for name in _MACHINE_FIELDS) or field(message, "X-Autogenerated"):
        return Machine.ANSWER
    if said := _PRECEDENCE.get(field(message, "Precedence").strip().lower()):
        if said == "answer":
            return Machine.ANSWER
        return Machine.BULK if "List-Post" not in message else None  # people write to lists that can be written to
    bulk = "List-Unsubscribe" in message and "List-Post" not in message and "In-Reply-To" not in message
    return Machine.BULK if bulk and not _speaks_for_another(message) else None


def _by_subject(message: Message) -> Machine | None:
    subject = field(message, "Subject")
    answers = "In-Reply-To" in message or "References" in message
    suppressed = _SUPPRESSED.search(field(message, "X-Auto-Response-Suppress"))
    if _SUBJECT_REPORTS.match(subject):
        return Machine.NOTICE
    if _SUBJECT_ANSWERS.match(subject) or (_SUBJECT_AWAY.match(subject) and (answers or suppressed)):
        return Machine.ANSWER
    if not answers or _SUBJECT_REPLIES.match(subject):
        return None
    if _SUBJECT_AWAY_WITHIN.search(subject):
        return Machine.ANSWER
    numbered = _SUBJECT_TICKETS.search(subject) and _NUMBERED.search(subject)
    return Machine.DESK if numbered or _SUBJECT_RECEIVED.match(subject) else None


def _speaks_for_another(message: Message) -> bool:
    """A web form: a machine sends it, and an answer goes to the person who filled it in."""
    sender = {address for _, address in addresses(message, "From")}
    replies = {address for _, address in addresses(message, "Reply-To")}
    return bool(replies - sender) and "In-Reply-To" not in message
