"""Mails into the ledger: whose customer they are, what came back, and two machines that answer each other."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.message import EmailMessage

import pytest

from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.past.history import LedgerHistory
from fallbacks.ledger.states import State
from fallbacks.ledger.views import Views
from fallbacks.store.redis_store import RedisStore
from tasks.errors import ToolError
from tasks.run.limits import Limits
from tasks.tools.ports import Customer
from tests.fakes.desk import TRIAGE
from worker.config.settings import Settings
from worker.connectors.mail.intake import THREAD_MAILS_PER_HOUR, MailIntake
from worker.connectors.mail.pdf import pdf_text
from worker.connectors.mail.reading import read_mail
from worker.intake.admission import Admission
from worker.intake.threads import make_threads

PROVED = "mx.shop.example; dmarc=pass header.from=customer.example"


class Directory:
    failing = False

    async def get(self, customer_id: str) -> Customer | None:
        return None

    async def find(self, email: str) -> Customer | None:
        if self.failing:
            raise ToolError("the customer directory answered 500")
        return Customer("cus-1", "Ann", "vip", "GB", "2020-01-01") if email == "ann@customer.example" else None


@dataclass
class Desk:
    ledger: Ledger
    views: Views
    intake: MailIntake
    directory: Directory


Work = Callable[[Desk], Awaitable[None]]


@pytest.fixture
def desk(valkey_url: str) -> Callable[[Work], None]:
    """`desk(work)` runs `work` at a desk of its own."""

    async def main(work: Work) -> None:
        store = RedisStore(valkey_url)
        settings, directory = Settings(mail_authserv=("mx.shop.example",)), Directory()
        ledger = Ledger(store, TRIAGE)
        threads = make_threads(store, ledger, OutcomeWriter(wanted=False), settings, None)
        admission = Admission(ledger, threads, settings, lambda: False, frozenset())
        intake = MailIntake(ledger, threads, admission, settings, directory, pdf_text)
        try:
            await work(Desk(ledger, Views(store), intake, directory))
        finally:
            await store.aclose()

    return lambda work: asyncio.run(main(work))


def mail(body: str = "My card is lost.", proof: str = PROVED, **fields: str) -> bytes:
    message = EmailMessage()
    for name, value in {"From": "Ann <ann@customer.example>", "Subject": "Card", **fields}.items():
        message[name.replace("_", "-")] = value
    if proof:
        message["Authentication-Results"] = proof
    message.set_content(body)
    return bytes(message)


def test_a_proved_sender_is_found_in_the_directory_and_has_earlier_tickets(desk: Callable[[Work], None]) -> None:
    async def work(at: Desk) -> None:
        first, second = [await at.intake.take(mail(body)) for body in ("My card is lost.", "Where is my card?")]
        who = (await at.views.ticket(second.id)).ticket
        assert who is not None
        assert who.requester is not None
        assert (who.requester.id, who.requester.name) == ("cus-1", "Ann")
        recent = await LedgerHistory(at.ledger.store, TRIAGE).recent("cus-1", 5)
        assert [past.id for past in recent] == [second.id, first.id]
        assert not (await at.intake.take(mail())).new

    desk(work)


@pytest.mark.parametrize(
    ("proof", "fields"),
    [
        ("", {}),
        ("mx.evil.example; dmarc=pass header.from=customer.example", {}),
        (PROVED, {"Reply_To": "carla@customer.example"}),
        (PROVED, {"From": "bob@customer.example"}),
    ],
    ids=["no proof", "a stranger's proof", "answers go to somebody else", "unknown address"],
)
def test_no_other_mail_gets_a_customer(desk: Callable[[Work], None], proof: str, fields: dict[str, str]) -> None:
    async def work(at: Desk) -> None:
        ticket = (await at.views.ticket((await at.intake.take(mail(proof=proof, **fields))).id)).ticket
        assert ticket is not None
        assert ticket.requester is not None
        assert ticket.requester.id is None

    desk(work)


def test_a_directory_that_does_not_answer_holds_up_no_mail(desk: Callable[[Work], None]) -> None:
    async def work(at: Desk) -> None:
        at.directory.failing = True
        taken = await at.intake.take(mail())
        ticket = (await at.views.ticket(taken.id)).ticket
        assert ticket is not None
        assert ticket.metadata["customer_not_looked_up"] == "the customer directory answered 500"
        at.directory.failing = False
        assert (await at.intake.take(mail())).id == taken.id

    desk(work)


def test_a_mail_whose_id_another_took_is_not_taken_for_it(desk: Callable[[Work], None]) -> None:
    async def work(at: Desk) -> None:
        fields = {"Message_ID": "<form@shop.example>", "Date": "Mon, 02 Nov 2026 10:00:00 +0000"}
        sent = mail("Somebody emptied my account.", **fields)
        forged = read_mail(sent).ticket.model_copy(update={"body": "Somebody"})
        await at.ledger.accept(forged, Limits(), door="http")
        mine = await at.intake.take(sent)
        assert (mine.new, mine.id == forged.id) == (True, False)
        again = sent.replace(b"10:00:00", b"11:00:00").replace(b"account.", b"account. I wrote before.")
        assert [(await at.intake.take(raw)).new for raw in (sent, again, again)] == [False, True, False]

    desk(work)


BOUNCE = b"""From: MAILER-DAEMON@mx.shop.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=B

--B

Your message could not be delivered.
--B
Content-Type: message/delivery-status

Final-Recipient: rfc822; Ann@customer.example
Action: failed

--B--
"""


def test_a_bounce_is_shown_on_the_tickets_of_its_address(desk: Callable[[Work], None]) -> None:
    async def work(at: Desk) -> None:
        asked = await at.intake.take(mail())
        ticket = (await at.views.ticket(asked.id)).ticket
        assert await at.views.bounced(ticket) is None
        bounce = await at.intake.take(BOUNCE)
        shown = await at.views.ticket(bounce.id)
        assert (shown.state, shown.detail) == (State.CLOSED, "bounce")
        assert await at.views.bounced(ticket) == shown.accepted_ms
        assert await at.views.bounced(shown.ticket) is None

    desk(work)


def test_two_machines_that_answer_each_other_are_a_loop(desk: Callable[[Work], None]) -> None:
    async def work(at: Desk) -> None:
        def answer(number: int, sender: str = "bot@other.example") -> bytes:
            return mail(f"number {number}", From=sender, In_Reply_To="<1@shop.example>", References="<1@shop.example>")

        taken = [await at.intake.take(answer(number)) for number in range(THREAD_MAILS_PER_HOUR + 2)]
        assert [one.closed for one in taken] == [False] * THREAD_MAILS_PER_HOUR + [True, True]
        last = await at.views.ticket(taken[-1].id)
        assert (last.state, last.closed) == (State.CLOSED, "automatic")
        assert last.detail == "a loop: 32 mails of one sender in one thread within an hour"
        assert not (await at.intake.take(answer(99, "ann@customer.example"))).closed
        counted = (await at.views.stats()).meters
        assert counted["closed|kind=automatic"] == 2

    desk(work)
