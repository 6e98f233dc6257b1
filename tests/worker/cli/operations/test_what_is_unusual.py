"""`why`, `tickets`, `spend`, `senders`, `quality`: an operator's questions, answered from a real store."""

import json
from typing import Any

from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.states import State
from fallbacks.ledger.sums.trend import Seen, write_trend
from tasks.reasons import Reason
from tasks.run.limits import Limits
from tasks.ticket import Ticket
from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import DirectLedger, claimed

BEAT = {"slots": 64, "busy": 0, "queues": ["tickets", "intake", "handoff"], "draining": False}


async def served(ledger: Ledger) -> None:
    """A worker lives, and the last look at the whole found nothing."""
    await ledger.store.put("workers", {"box:7:ab": json.dumps({**BEAT, "at": await ledger.store.now_ms()})})
    await write_trend(ledger.store, Seen(0))


def sent(ledger: DirectLedger, ticket_id: str, requester: str) -> None:
    by = {"id": requester}
    ticket = Ticket.model_validate({"id": ticket_id, "source": "mail", "subject": "", "body": "help", "requester": by})
    ledger.do(lambda ledger: ledger.accept(ticket, Limits()))


def test_a_quiet_deployment_has_nothing_unusual(deskhand: Deskhand, ledger: DirectLedger) -> None:
    ledger.do(served)
    assert deskhand("why", "--json").json() == []
    assert deskhand("why").out == "nothing is unusual\n"


def test_why_names_hand_offs_with_their_command(deskhand: Deskhand, ledger: DirectLedger) -> None:
    ledger.do(served)
    for n in range(12):
        ledger.failed(f"t{n}", Reason.TOOL_FAILED, steps=0)
    found = {finding["name"]: finding for finding in deskhand("why", "--json").json()}
    assert found["hand_offs"]["act"] == "deskhand retry --reason tool_failed"
    assert "act  deskhand retry --reason tool_failed" in deskhand("why").out


def test_tickets_are_listed_and_withdrawn_by_requester(deskhand: Deskhand, ledger: DirectLedger) -> None:
    for ticket_id, who in (("a1", "ann"), ("b1", "ben"), ("a2", "ann")):
        sent(ledger, ticket_id, who)
    listed = deskhand("tickets", "--requester", "ann", "--state", "queued", "--json").json()
    assert [ticket["id"] for ticket in listed["tickets"]] == ["a1", "a2"]
    assert listed["complete"]
    ids = deskhand("tickets", "--requester", "ann", "--state", "queued", "--ids").out
    assert ids == "a1\na2\n"
    assert deskhand("cancel", "-", "--json", stdin=ids.encode()).json() == {"cancelled": ["a1", "a2"], "refused": []}
    assert [ledger.state(ticket_id) for ticket_id in ("a1", "b1")] == [State.CANCELLED, State.QUEUED]
    refused = deskhand("cancel", "-", stdin=b"nope b1")
    assert (refused.code, refused.out) == (1, "1 tickets are cancelled\n")
    assert "nope" in refused.err


def test_a_parked_ticket_is_listed_with_its_reason_and_time(deskhand: Deskhand, ledger: DirectLedger) -> None:
    async def park(ledger: Ledger) -> None:
        until = await ledger.store.now_ms() + 3_600_000
        await ledger.park(await claimed(ledger, "t1"), [], Reason.MODEL_OVERLOADED, until)

    ledger.do(park)
    (ticket,) = deskhand("tickets", "--state", "parked", "--json").json()["tickets"]
    assert (ticket["reason"], ticket["until"] > ticket["since"]) == ("model_overloaded", True)
    assert deskhand("status", "--json").json()["parked"] == {"model_overloaded": 1}
    assert "1 for model_overloaded" in deskhand("status").out


def test_a_listing_that_ends_early_says_where_to_go_on(deskhand: Deskhand, ledger: DirectLedger) -> None:
    for n in range(3):
        sent(ledger, f"t{n}", "ann")
    result = deskhand("tickets", "--limit", "2")
    assert "looked at 2 of 3; go on with --skip 2" in result.err


def test_spend_stands_by_day_model_source_and_kind_beside_the_budget(deskhand: Deskhand, ledger: DirectLedger) -> None:
    ledger.suggested("t1")
    deskhand("budget", "--day", "0.001")
    found: dict[str, Any] = deskhand("spend", "--json").json()
    assert found["days"][-1]["spent_usd"] == 0.0012
    assert {what: [row["name"] for row in rows] for what, rows in found["by"].items()} == {
        "model": ["claude-haiku-5-5"],
        "source": ["test"],
        "kind": ["card_arrival"],
    }
    assert found["near"]
    assert "`deskhand budget --day USD` changes it" in deskhand("spend").out


def test_who_sends_is_counted_among_the_last_tickets(deskhand: Deskhand, ledger: DirectLedger) -> None:
    for n in range(4):
        sent(ledger, f"t{n}", "ann" if n else "ben")
    first = deskhand("senders", "--json").json()["requesters"][0]
    assert (first["who"], first["share"]) == ("ann", 0.75)
    assert "ann" in deskhand("senders").out


def test_quality_is_empty_before_the_first_decision(deskhand: Deskhand) -> None:
    assert deskhand("quality", "--json").json() == []
    assert deskhand("quality").code == 0
