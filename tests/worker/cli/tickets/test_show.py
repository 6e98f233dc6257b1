"""`deskhand show` explains any ticket, and no ticket text can speak to the terminal."""

from tasks.reasons import Reason
from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import HOSTILE, DirectLedger


def test_a_failed_ticket_shows_reason_step_limits_last_steps_and_what_to_do(
    deskhand: Deskhand, ledger: DirectLedger
) -> None:
    ledger.failed("t1", Reason.STEP_LIMIT, steps=5)
    shown = deskhand("show", "t1").out
    card = shown[: shown.index("ticket")]
    assert "It needs a person at step 5: it used all its model calls." in card
    assert "5 of 8 steps" in card
    assert "$0.006 of $0.05" in card
    assert all(f"{number}. claude-haiku-5-5 called lookup" in card for number in (3, 4, 5))
    assert "2. claude" not in card
    assert "Decide by hand, or send it back with a note and more steps." in card


def test_a_suggested_ticket_shows_its_suggestion_and_the_commands_to_act(
    deskhand: Deskhand, ledger: DirectLedger
) -> None:
    ledger.suggested("t1")
    shown = deskhand("show", "t1").out
    assert "The agent suggests card_arrival for card_delivery (confidence 0.91)." in shown
    assert "deskhand inbox approve t1" in shown
    assert "900+80" in shown


def test_a_decided_ticket_says_who_decided_what_instead_of_what(deskhand: Deskhand, ledger: DirectLedger) -> None:
    ledger.suggested("t1")
    deskhand("decide", "t1", "--label", "card_swallowed", "--as", "anna")
    assert "anna decided card_swallowed" in (shown := deskhand("show", "t1").out)
    assert "where the agent had suggested card_arrival" in shown


def test_an_unreadable_message_is_shown_as_it_came(deskhand: Deskhand, ledger: DirectLedger) -> None:
    ledger.rejected("r1", b'{"garbage": "\x1b[2J"}')
    shown = deskhand("show", "r1").out
    assert '{"garbage": "<U+001B>[2J"}' in shown
    assert "Repair it or dismiss it" in shown


def test_hostile_text_reaches_neither_table_nor_json_as_it_is(deskhand: Deskhand, ledger: DirectLedger) -> None:
    ledger.suggested("t1", body=HOSTILE)
    for arguments in (
        ("show", "t1"),
        ("show", "t1", "--json"),
        ("show", "t1", "--json", "--events"),
        ("show", "t1", "--raw"),
        ("inbox",),
        ("inbox", "--json"),
    ):
        shown = deskhand(*arguments).out
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(shown), arguments
    assert "[bold]ago[/bold] :smile:" in deskhand("show", "t1").out


def test_json_with_events_is_one_document_with_card_and_events(deskhand: Deskhand, ledger: DirectLedger) -> None:
    ledger.failed("t1", steps=3)
    document = deskhand("show", "t1", "--json", "--events").json()
    assert document.items() > deskhand("show", "t1", "--json").json().items()
    assert document["state"] == "handed_off"
    assert document["explanation"]["failing_step"] == 3
    assert document["explanation"]["usage"]["steps"] == [3, 8]
    assert document["explanation"]["bound"] == "working: MAX_STEPS"
    assert document["events"][-1]["type"] == "handed_off"
    assert document["events"][-1]["data"]["queue"] == "limits"


def test_an_unknown_ticket_is_one_line_and_a_failure(deskhand: Deskhand) -> None:
    for arguments in (("show", "nope"), ("show", "nope", "--raw"), ("cancel", "nope"), ("inbox", "approve", "nope")):
        result = deskhand(*arguments)
        assert (result.code, result.out, result.err) == (1, "", "there is no ticket 'nope'\n")
