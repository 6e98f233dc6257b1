"""A ticket has one document: the command line prints the bytes that the API answers, whatever its state."""

from collections.abc import Callable

import pytest

from fallbacks.ledger.ledger import Lease, Ledger
from fallbacks.ledger.states import Closed, State
from tasks.reasons import Reason
from tasks.run.limits import Limits
from tasks.ticket import Ticket
from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import HOSTILE, DirectLedger, claimed, step
from tests.worker.http.served import Served


def running(ledger: DirectLedger, _: Deskhand) -> None:
    async def work(opened: Ledger) -> None:
        lease: Lease = await claimed(opened, "t1", HOSTILE)
        await step(opened, lease, 1, [])

    ledger.do(work)


def parked(ledger: DirectLedger, _: Deskhand) -> None:
    async def work(opened: Ledger) -> None:
        until = await opened.store.now_ms() + 60_000
        await opened.park(await claimed(opened, "t1"), (), Reason.MODEL_OVERLOADED, until)

    ledger.do(work)


def decided(ledger: DirectLedger, deskhand: Deskhand) -> None:
    ledger.suggested("t1")
    assert deskhand("decide", "t1", "--label", "card_swallowed", "--as", "anna").code == 0


def closed(ledger: DirectLedger, _: Deskhand) -> None:
    ticket = Ticket(id="t1", source="email", subject="Automatic reply", body="I am away.")
    ledger.do(lambda opened: opened.accept(ticket, Limits(), closed=Closed.AUTOMATIC, detail="automatic answer"))


def cancelled(ledger: DirectLedger, deskhand: Deskhand) -> None:
    ledger.queued("t1")
    assert deskhand("cancel", "t1").code == 0


IN_STATE: dict[State, Callable[[DirectLedger, Deskhand], None]] = {
    State.QUEUED: lambda ledger, _: ledger.queued("t1", HOSTILE),
    State.RUNNING: running,
    State.PARKED: parked,
    State.SUGGESTED: lambda ledger, _: ledger.suggested("t1", body=HOSTILE),
    State.HANDED_OFF: lambda ledger, _: ledger.failed("t1"),
    State.DECIDED: decided,
    State.CLOSED: closed,
    State.CANCELLED: cancelled,
    State.REJECTED: lambda ledger, _: ledger.rejected("t1", b'{"garbage": "\x1b[2J"}'),
}


@pytest.mark.parametrize("state", State)
def test_show_prints_what_the_api_answers(deskhand: Deskhand, ledger: DirectLedger, web: Served, state: State) -> None:
    IN_STATE[state](ledger, deskhand)
    assert ledger.state("t1") is state
    answered = web.client(web.key()).get("/v1/tickets/t1").content
    assert deskhand("show", "t1", "--json").out.encode() == answered + b"\n"
    assert answered.isascii()


def test_what_people_do_prints_the_ticket_as_it_is_then(deskhand: Deskhand, ledger: DirectLedger, web: Served) -> None:
    api = web.client(web.key())
    ledger.suggested("t1")
    for arguments in (
        ("inbox", "next"),
        ("inbox", "release", "t1"),
        ("inbox", "approve", "t1"),
        ("inbox", "undo", "t1"),
    ):
        printed = deskhand(*arguments, "--json").out
        assert printed.encode() == api.get("/v1/tickets/t1").content + b"\n", arguments
    listed = deskhand("inbox", "--json").json()["items"]
    assert listed == [api.get("/v1/tickets/t1").json()]


def test_a_blind_item_shows_its_suggestion_at_no_door(deskhand: Deskhand, ledger: DirectLedger, web: Served) -> None:
    ledger.blind("t1", "card_swallowed")
    answered = web.client(web.key()).get("/v1/tickets/t1").content
    assert deskhand("show", "t1", "--json").out.encode() == answered + b"\n"
    assert b"card_swallowed" not in answered
