"""Mails that answer: by the ids they name and a token of ours, in any order, once; never by the subject's words."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from fallbacks.ledger.states import Closed, State
from fallbacks.ledger.views import TicketView
from tests.fakes.memory_store import MemoryStore
from tests.worker.intake.test_messages import played
from worker.connectors.mail.intake import MailIntake, Taken
from worker.connectors.mail.pdf import pdf_text
from worker.connectors.mail.reading import read_mail
from worker.wiring import Parts

WAIT_MS = 60_000


def mail(own: str, body: str = "My card is lost.", *, subject: str = "Card", **headers: str) -> bytes:
    fields = {"From": "Ann <ann@customer.example>", "Subject": subject, "Message-ID": f"<{own}@c>", **headers}
    return "\r\n".join([*(f"{name.replace('_', '-')}: {value}" for name, value in fields.items()), "", body]).encode()


def answer(own: str, *before: str, body: str = "Any news?", **headers: str) -> bytes:
    named = " ".join(f"<{one}@c>" for one in before)
    return mail(own, body, subject="Re: Card", In_Reply_To=f"<{before[-1]}@c>", References=named, **headers)


def id_of(own: str) -> str:
    return read_mail(mail(own)).ticket.id or ""


class Desk:
    """A mail door over books in memory."""

    def __init__(self, parts: Parts, store: MemoryStore) -> None:
        self.parts, self.store = parts, store
        self.intake = MailIntake(
            parts.ledger, parts.threads, parts.admission, parts.settings, parts.customers, pdf_text
        )

    async def take(self, *mails: bytes) -> Taken:
        for one in mails:
            taken = await self.intake.take(one)
        return taken

    async def view(self, own: str) -> TicketView:
        return await self.parts.views.ticket(id_of(own))

    async def waited(self) -> None:
        """What waits for its first mail has waited long enough."""
        self.store.pass_ms(WAIT_MS)
        for _, ticket_id in await self.parts.ledger.sweep(limit=99, max_losses=3):
            await self.parts.executor.triage(ticket_id)

    async def bodies(self, own: str) -> list[str]:
        """Of the messages of a ticket, oldest first."""
        return [added.message.body for added in (await self.parts.views.checkpoint(id_of(own))).added]


Story = Callable[[Desk], Awaitable[None]]


def at_desk(story: Story) -> Callable[[Path], None]:
    def test(tmp_path: Path) -> None:
        played(lambda parts, store: story(Desk(parts, store)), tmp_path)

    test.__name__ = story.__name__
    return test


@at_desk
async def test_a_reply_from_another_address_is_not_taken_for_the_requesters(desk: Desk) -> None:
    await desk.take(mail("a"), answer("b", "a", From="ANN <Ann@Customer.example>"))
    await desk.take(answer("c", "a", body="Mine, too.", From="Bo <bo@customer.example>"))
    added = (await desk.parts.views.checkpoint(id_of("a"))).added
    assert [(one.message.body, one.message.other) for one in added] == [("Any news?", False), ("Mine, too.", True)]


@at_desk
async def test_a_reply_joins_the_ticket_of_its_first_mail(desk: Desk) -> None:
    taken = await desk.take(mail("a"), answer("b", "a"))
    assert (taken.id, taken.new, taken.joins, taken.rests) == (id_of("a"), True, True, False)
    assert await desk.bodies("a") == ["Any news?"]
    again = await desk.take(answer("b", "a"))
    assert (again.id, again.new) == (id_of("a"), False)
    taken = await desk.take(mail("c", "It was found.", In_Reply_To="<b@c>"))
    assert (taken.id, await desk.bodies("a")) == (id_of("a"), ["Any news?", "It was found."])


@at_desk
async def test_the_same_subject_alone_joins_nothing(desk: Desk) -> None:
    await desk.take(mail("a"), mail("b", "Another card.", subject="Re: Card"))
    assert (await desk.view("b")).state is State.QUEUED
    assert await desk.bodies("a") == []


@at_desk
async def test_a_token_in_our_own_subject_finds_its_ticket(desk: Desk) -> None:
    await desk.take(mail("a"))
    token = f"Re: [#{id_of('a')}] Card"
    taken = await desk.take(mail("b", "Here is its number.", subject=token))
    assert (taken.id, taken.joins) == (id_of("a"), True)
    stranger = await desk.take(mail("c", "Hello.", subject="[#order-7] Card"))
    assert stranger.joins is False


@at_desk
async def test_replies_before_their_first_mail_wait_for_it(desk: Desk) -> None:
    taken = await desk.take(answer("c", "a", "b", body="Third."), answer("b", "a", body="Second."))
    assert (taken.new, taken.rests) == (True, True), "nothing to publish yet"
    assert (await desk.view("b")).state is State.PARKED
    await desk.take(mail("a"), answer("b", "a", body="Second."))
    await desk.waited()
    assert sorted(await desk.bodies("a")) == ["Second.", "Third."]
    for own in ("b", "c"):
        view = await desk.view(own)
        assert (view.state, view.closed, view.detail) == (State.CLOSED, Closed.DUPLICATE, id_of("a"))


@at_desk
async def test_what_was_added_to_a_reply_that_waits_goes_along_with_it(desk: Desk) -> None:
    await desk.take(answer("b", "a", body="Second."), answer("c", "b", body="Third."))
    assert await desk.bodies("b") == ["Third."]
    await desk.take(mail("a"))
    await desk.waited()
    assert await desk.bodies("a") == ["Second.", "Third."]
    assert (await desk.view("b")).state is State.CLOSED


WITH_FILE = b"""From: Ann <ann@customer.example>
Subject: Re: Card
Message-ID: <b@c>
In-Reply-To: <a@c>
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: text/plain

See the letter.
--x
Content-Type: text/plain; name=letter.txt
Content-Disposition: attachment; filename=letter.txt

It was lost on 12 November.
--x--
"""


@pytest.mark.parametrize("waits", [False, True], ids=["joins at once", "waits"])
def test_the_mail_and_the_files_of_a_reply_are_kept_with_it(waits: bool, tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        await desk.take(*([WITH_FILE, mail("a")] if waits else [mail("a"), WITH_FILE]))
        await desk.waited()
        ticket_id, views = id_of("a"), desk.parts.views
        (added,) = (await views.checkpoint(ticket_id)).added
        assert [one.name for one in added.message.attachments] == ["letter.txt"]
        assert "12 November" in (await views.attachment_texts(ticket_id))[1].text
        assert await views.original(ticket_id, id_of("b")) == WITH_FILE
        assert await views.originals(ticket_id) == {id_of("b")}

    played(lambda parts, store: story(Desk(parts, store)), tmp_path)


@at_desk
async def test_a_bounce_in_a_thread_is_shown_at_its_address(desk: Desk) -> None:
    await desk.take(mail("a"), mail("other", "Hello.", From="Bo <bo@customer.example>"))
    bounce = (
        b"From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail\nMessage-ID: <b@mx>\nIn-Reply-To: <a@c>\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x\n\nIt came back.\n--x\n"
        b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
        b"Final-Recipient: rfc822; ann@customer.example\nAction: failed\nStatus: 5.1.1\n\n--x--\n"
    )
    taken = await desk.take(bounce)
    assert (taken.id, taken.joins, taken.rests) == (id_of("a"), True, True)
    assert await desk.parts.views.bounced((await desk.view("a")).ticket) is not None
    assert await desk.parts.views.bounced((await desk.view("other")).ticket) is None


@at_desk
async def test_a_reply_to_what_we_never_had_becomes_a_ticket(desk: Desk) -> None:
    await desk.take(answer("b", "a"))
    await desk.waited()
    assert (await desk.view("b")).state is State.HANDED_OFF
    taken = await desk.take(answer("c", "a", "b"))
    assert taken.id == id_of("b"), "the next one belongs to it"
    assert (await desk.take(answer("b", "a"))).new is False


@at_desk
async def test_what_a_machine_answers_is_shown_and_changes_nothing(desk: Desk) -> None:
    await desk.take(mail("a"))
    taken = await desk.take(answer("b", "a", body="I am away.", Auto_Submitted="auto-replied"))
    assert (taken.id, taken.joins, taken.rests) == (id_of("a"), True, True)
    assert (await desk.parts.views.checkpoint(id_of("a"))).heard == 0


@at_desk
async def test_a_list_copy_of_a_reply_is_the_same_reply(desk: Desk) -> None:
    await desk.take(mail("a"), answer("b", "a", body="It was in my coat."))
    taken = await desk.take(answer("b", "a", body="It was in my coat.\r\n____\r\nThe list's footer"))
    assert (taken.id, taken.new) == (id_of("a"), False)
    assert len(await desk.bodies("a")) == 1


@pytest.mark.parametrize(
    "references", [" ".join(f"<x{n}@c>" for n in range(500)), "<a b@c> junk <", ""], ids=["many", "junk", "none"]
)
def test_any_references_are_read(references: str) -> None:
    found = read_mail(mail("b", In_Reply_To="<a@c>", References=references))
    assert found.answers[0] == id_of("a")
    assert len(found.answers) <= 40
