"""The inbox from the command line: filters, holds, versions, decisions and their undoing."""

from pathlib import Path

import pytest

from fallbacks.ledger.states import State
from tasks.reasons import Reason
from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import DirectLedger


@pytest.fixture(autouse=True)
def waiting(ledger: DirectLedger) -> None:
    ledger.suggested("s1")
    ledger.failed("f1", Reason.STEP_LIMIT)
    ledger.failed("f2", Reason.COST_LIMIT)


def ids(deskhand: Deskhand, *arguments: str) -> list[str]:
    return [item["id"] for item in deskhand("inbox", *arguments, "--json").json()["items"]]


def test_bare_it_lists_and_filters(deskhand: Deskhand) -> None:
    assert ids(deskhand) == ["s1", "f1", "f2"]
    assert ids(deskhand, "list", "--reason", "cost_limit") == ["f2"]
    assert ids(deskhand, "--queue", "limits") == ["f1", "f2"]
    assert ids(deskhand, "--label", "card_arrival", "--team", "card_delivery") == ["s1"]
    assert ids(deskhand, "--limit", "1") == ["s1"]
    assert ids(deskhand, "--teams", "transfers") == ["f1", "f2"]
    assert ids(deskhand, "--teams", "card_delivery,transfers") == ["s1", "f1", "f2"]
    assert deskhand("inbox", "--teams", "nobody").code == 1
    assert "step_limit" in deskhand("inbox").out
    assert deskhand("inbox", "--label", "none").out == "nothing waits that matches\n"


def test_acts_are_on_what_the_person_works_on(deskhand: Deskhand, ledger: DirectLedger) -> None:
    deskhand("users", "create", "ann", stdin=b"correct horse battery\n")
    deskhand("users", "teams", "ann", "transfers")
    refused = deskhand("inbox", "approve", "s1", "--as", "ann")
    assert (refused.code, "s1 is with team card delivery, for whom you do not work" in refused.err) == (1, True)
    many = deskhand("inbox", "bulk", "snooze", "s1", "f1", "--as", "ann").out
    assert ("1 snoozed" in many, "not s1: s1 is with team card delivery" in many) == (True, True)
    assert (
        "0 tickets" in deskhand("inbox", "bulk", "approve", "--team", "card_delivery", "--dry-run", "--as", "ann").out
    )
    assert ledger.state("s1") is State.SUGGESTED


def test_a_reason_that_does_not_exist_is_a_wrong_call(deskhand: Deskhand) -> None:
    assert deskhand("inbox", "--reason", "bad_mood").code == 2
    assert deskhand("retry", "--reason", "bad_mood").code == 2


def test_next_holds_an_item_for_one_person(deskhand: Deskhand) -> None:
    assert deskhand("inbox", "next", "--as", "anna", "--json").json()["holder"] == "anna"
    assert deskhand("inbox", "next", "--as", "ben", "--json").json()["id"] == "f1"
    refused = deskhand("inbox", "approve", "s1", "--as", "ben")
    assert (refused.code, "held by anna" in refused.err) == (1, True)


def test_a_decision_stands_and_can_be_undone(deskhand: Deskhand, ledger: DirectLedger) -> None:
    assert deskhand("inbox", "approve", "s1", "--json").json()["decision"]["decided_by"] == "tester"
    assert deskhand("inbox", "undo", "s1").code == 0
    assert ledger.state("s1") is State.SUGGESTED


def test_a_stale_version_changes_nothing(deskhand: Deskhand, ledger: DirectLedger) -> None:
    version = ledger.view("s1").version
    deskhand("inbox", "note", "s1", "looked at it")
    stale = deskhand("inbox", "approve", "s1", "--version", str(version - 1))
    assert (stale.code, ledger.state("s1")) == (1, State.SUGGESTED)


def test_a_label_is_checked_and_alike_ones_are_named(deskhand: Deskhand, ledger: DirectLedger) -> None:
    refused = deskhand("decide", "f1", "--label", "card_arival")
    assert (refused.code, "did you mean card_arrival" in refused.err) == (1, True)
    assert deskhand("decide", "f1", "--label", "card_arrival", "--priority", "soon").code == 1
    assert deskhand("decide", "f1", "--label", "card_arrival", "--priority", "urgent", "--summary", "Late").code == 0
    assert ledger.view("f1").decision["priority"] == "urgent"  # type: ignore[index]


def test_resume_sends_it_back_with_fresh_limits_and_a_hint(deskhand: Deskhand, ledger: DirectLedger) -> None:
    assert deskhand("resume", "f1", "--hint", "it is about the card").code == 0
    assert (ledger.state("f1"), ledger.view("f1").limits.max_steps) == (State.QUEUED, 11)
    assert "it is about the card" in deskhand("show", "f1").out


def test_reject_snooze_and_release_say_what_is_so_now(deskhand: Deskhand) -> None:
    assert "handed_off" in deskhand("inbox", "reject", "s1", "--why", "wrong team").out
    assert deskhand("inbox", "snooze", "f1", "--for", "2h").code == 0
    assert deskhand("inbox", "snooze", "f1", "--for", "soon").code == 1
    assert deskhand("inbox", "claim", "f2").code == deskhand("inbox", "release", "f2").code == 0


def test_nobody_can_decide_as_the_agent(deskhand: Deskhand, ledger: DirectLedger) -> None:
    assert deskhand("inbox", "approve", "s1", "--as", "agent").code == 1
    assert ledger.state("s1") is State.SUGGESTED


def test_people_s_decisions_are_exported_as_examples(deskhand: Deskhand) -> None:
    deskhand("decide", "s1", "--label", "card_swallowed")
    exported = deskhand("export", "--examples").json()
    assert (exported["label"], exported["proposed"]) == ("card_swallowed", "card_arrival")
    assert deskhand("export").code == 2


def test_working_by_keyboard_needs_a_terminal(deskhand: Deskhand) -> None:
    assert "needs a terminal" in deskhand("inbox", "work").err


def test_a_message_is_repaired_from_a_file(deskhand: Deskhand, ledger: DirectLedger, tmp_path: Path) -> None:
    ledger.rejected("rej_7", b"{")
    file = tmp_path / "ticket.json"
    file.write_text('{"source": "mail", "subject": "Help"}')
    unfit = deskhand("inbox", "repair", "rej_7", "--file", str(file))
    assert (unfit.code, "body: Field required" in unfit.err) == (1, True)
    file.write_text('{"source": "mail", "subject": "Help", "body": "Where is my card?"}')
    repaired = deskhand("inbox", "repair", "rej_7", "--file", str(file), "--json").json()
    assert (repaired["id"], repaired["state"], ledger.state("rej_7")) == ("fix_7", "queued", State.CANCELLED)
    assert "tester: repair" in deskhand("show", "rej_7").out


def test_another_s_decision_is_not_undone(deskhand: Deskhand, ledger: DirectLedger) -> None:
    deskhand("inbox", "approve", "s1", "--as", "anna")
    refused = deskhand("inbox", "undo", "s1", "--as", "ben")
    assert (refused.code, "Only who decided it" in refused.err) == (1, True)
    assert ledger.state("s1") is State.DECIDED
    assert deskhand("inbox", "undo", "s1", "--as", "anna").code == 0


def test_nothing_says_what_is_suggested_for_a_blind_item(deskhand: Deskhand, ledger: DirectLedger) -> None:
    ledger.blind("b1", "card_swallowed")
    for told in (
        deskhand("inbox", "--json").out,
        deskhand("inbox", "next", "--as", "anna", "--json").out,
        deskhand("inbox").out,
        deskhand("show", "b1").out,
        deskhand("show", "b1", "--json").out,
    ):
        assert "card_swallowed" not in told
        assert "Their card is late" not in told or "s1" in told
    assert ids(deskhand, "--label", "card_swallowed") == []
    assert "not shown" in deskhand("inbox", "approve", "b1").err


def test_an_item_is_closed_with_its_kind(deskhand: Deskhand, ledger: DirectLedger) -> None:
    assert deskhand("close", "s1", "--kind", "boring").code == 2
    assert deskhand("close", "s1", "--kind", "spam", "--of", "f1").code == 1
    closed = deskhand("close", "s1", "--kind", "duplicate", "--of", "f1", "--json").json()
    assert (closed["state"], closed["reason"], closed["detail"]) == ("closed", "duplicate", "f1")
    assert "a duplicate of f1" in deskhand("show", "s1").out
    assert deskhand("inbox", "undo", "s1").code == 0
    assert deskhand("inbox", "close", "s1", "--kind", "thanks").code == 0
    assert ledger.state("s1") is State.CLOSED


def test_a_decision_is_corrected_and_both_are_shown(deskhand: Deskhand) -> None:
    assert deskhand("correct", "s1", "--label", "card_swallowed", "--reason", "why").code == 1
    deskhand("inbox", "approve", "s1", "--as", "anna")
    assert "deskhand correct s1 --label LABEL --reason REASON" in deskhand("show", "s1").out
    said = deskhand("correct", "s1", "--label", "card_swallowed", "--reason", "an ATM took it", "--as", "ben")
    assert (said.code, "card_swallowed" in said.out) == (0, True)
    shown = deskhand("show", "s1")
    assert "ben corrected the decision to card_swallowed" in shown.out
    document = deskhand("show", "s1", "--json").json()
    assert (document["decision"]["label"], document["earlier_decision"]["label"]) == ("card_swallowed", "card_arrival")


def test_many_are_named_by_a_filter_and_taken_back_together(deskhand: Deskhand, ledger: DirectLedger) -> None:
    for number in range(11):
        ledger.suggested(f"m{number}")
    many = ("inbox", "bulk", "approve", "--queue", "suggestions", "--as", "anna")
    asked = deskhand(*many)
    assert (asked.code, "12 tickets would be approved: say --yes" in asked.err) == (2, True)
    assert "12 tickets" in deskhand(*many, "--dry-run").out
    assert ledger.state("m1") is State.SUGGESTED
    deskhand("inbox", "claim", "s1", "--as", "ben")
    done = deskhand(*many, "--yes")
    assert "11 approved; 10 of the same text count once as evidence\nnot s1: ben has it\n" in done.out
    assert deskhand("inbox", "bulk", "undo", "--as", "anna").out == "11 undone\n"
    assert ledger.state("m1") is State.SUGGESTED


def test_many_are_named_by_standard_input_or_one_by_one(deskhand: Deskhand, ledger: DirectLedger) -> None:
    assert deskhand("inbox", "bulk", "close", "f1").code == 2
    assert deskhand("inbox", "bulk", "approve").code == 2
    assert deskhand("inbox", "bulk", "claim", "f1").code == 2
    assert deskhand("inbox", "bulk", "edit", "f1", "--choice", "no_such_label").code == 2
    nothing = deskhand("inbox", "bulk", "approve", "f1", "--json")
    assert (nothing.code, nothing.json()[0]["refused"]) == (1, "impossible")
    assert deskhand("inbox", "bulk", "assign", "s1", "f1", "--to", "team:transfers").out == "2 assigned\n"
    assert ledger.view("f1").given == "team:transfers"
    assert deskhand("inbox", "bulk", "snooze", "s1", "f1", "--for", "2h").out == "2 snoozed\n"
    found = deskhand("search", "--state", "handed_off", "--ids").out
    closed = deskhand("inbox", "bulk", "close", "-", "--kind", "spam", stdin=found.encode())
    assert (closed.out.splitlines()[0], ledger.state("f1"), ledger.state("f2")) == (
        "2 closed",
        State.CLOSED,
        State.CLOSED,
    )
    edited = deskhand("inbox", "bulk", "edit", "s1", "--choice", "card_arrival")
    assert edited.out.splitlines()[0] == "1 decided"
