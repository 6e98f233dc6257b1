"""A call that waits, on the command line: shown, and approved or refused."""

from tests.fakes.asking import ask
from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import DirectLedger, claimed


def asked(ledger: DirectLedger, ticket_id: str) -> str:
    return ledger.do(lambda opened: _ask(opened, ticket_id))


async def _ask(opened, ticket_id: str) -> str:
    return await ask(opened, await claimed(opened, ticket_id, "Pay me back"))


def test_it_is_shown_approved_and_refused(deskhand: Deskhand, ledger: DirectLedger) -> None:
    digest = asked(ledger, "t1")
    asked(ledger, "t2")
    listed = deskhand("inbox", "--queue", "approvals").out
    assert "approval" in listed
    assert "refund" in listed
    shown = deskhand("show", "t1").out
    for words in ("Pays 19.99 EUR back", "the payments API", "1999", digest, "inbox approve-call t1"):
        assert words in shown
    assert deskhand("inbox", "approve-call", "t1", "--as", "anna", "--digest", "0" * 64).code == 1
    done = deskhand("inbox", "approve-call", "t1", "--as", "anna", "--digest", digest)
    assert (done.code, "has its call approved: it is queued" in done.out) == (0, True)
    assert deskhand("inbox", "approve-call", "t1", "--as", "anna").code == 1
    assert "refuse the call" in deskhand("inbox", "edit-call", "t2", "--set", "order=A-2", "--as", "anna").err
    assert deskhand("inbox", "reject-call", "t2", "--why", "paid already", "--as", "anna").code == 0
    assert [ledger.state(name).value for name in ("t1", "t2")] == ["queued", "queued"]
