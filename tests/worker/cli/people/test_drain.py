"""Working through the inbox by keyboard: few keys, the next item at once, nothing decided twice."""

import os
import pty
import subprocess
import sys
from collections import deque
from contextlib import ExitStack, suppress

import pytest

from fallbacks.ledger.states import Closed, State
from tasks.reasons import Reason
from tests.services.waiting import wait_for
from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import DirectLedger
from worker.cli.context import session
from worker.cli.people.drain import Drain


class Typed:
    """Keys and lines a person presses, in order; q when they are used up."""

    def __init__(self, *typed: str) -> None:
        self._typed = deque(typed)

    def key(self) -> str:
        return self._typed.popleft() if self._typed else "q"

    def pass_over(self, seconds: float) -> None:
        """What was meant to follow a key without meaning comes at once."""
        if self._typed:
            self._typed.popleft()

    def line(self, prompt: str) -> str | None:
        return self._typed.popleft()


def drained(*typed: str) -> Drain:
    with session() as opened:
        drain = Drain(opened, Typed(*typed), "tester")
        drain.go()
    return drain


@pytest.fixture(autouse=True)
def waiting(deskhand: Deskhand, ledger: DirectLedger) -> None:
    ledger.suggested("s1")
    ledger.suggested("s2")
    ledger.failed("f1", Reason.STEP_LIMIT)


def test_one_key_approves_and_the_next_item_comes(ledger: DirectLedger) -> None:
    assert drained("a", "a").handled == 2
    assert ledger.state("s1") is ledger.state("s2") is State.DECIDED
    assert ledger.view("f1").holder is None, "quitting gives the item back"


def test_a_digit_picks_a_likely_label_as_in_the_console(ledger: DirectLedger) -> None:
    drained("1", "p", "4", "a")
    first, second = ledger.view("s1").decision, ledger.view("s2").decision
    assert first is not None
    assert second is not None
    assert first["tier"] == "person"
    assert first["label"] != "card_arrival"
    assert (second["label"], second["priority"], second["tier"]) == ("card_arrival", "urgent", "person")


def test_a_label_is_found_by_its_words_or_their_first_letters(
    ledger: DirectLedger, capsys: pytest.CaptureFixture[str]
) -> None:
    drained("l", "no such thing", "l", "lsc", "l", "lost", "1", "l", "lost", "\n")
    shown = capsys.readouterr().out
    assert "no label is found by 'no such thing'" in shown
    assert "1 lost_or_stolen_card (fraud_and_security)" in shown
    assert {(ledger.view(name).decision or {})["label"] for name in ("s1", "s2", "f1")} == {"lost_or_stolen_card"}
    assert "s1 decided: lost_or_stolen_card for fraud_and_security; u takes it back for ten seconds" in shown


def test_undo_brings_the_item_back_at_once(ledger: DirectLedger) -> None:
    assert drained("a", "u", "2").handled == 1
    decision = ledger.view("s1").decision
    assert decision is not None
    assert decision["tier"] == "person"


def test_every_other_key_does_what_it_does_in_the_console(
    ledger: DirectLedger, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.suggested("s3")
    drain = drained("c", "called her", "x", "2", "h", "3h", "x", "1", "r", "it is about a card", "m", "anna")
    assert ledger.view("s3").assignee == "anna"
    assert (ledger.view("s1").reason, ledger.view("s1").detail) == (Reason.SUGGESTION_REJECTED, "wrong team")
    assert ledger.view("s2").snoozed_until_ms is not None
    assert ledger.state("f1") is State.QUEUED, "x has nothing to reject there, and took the digit with it"
    assert (drain.handled, drain.skipped) == (4, ["s1"])
    assert "you did 4: 1 rejected, 1 snoozed, 1 sent back, 1 assigned; 1 left for later" in capsys.readouterr().out


def test_many_are_chosen_from_the_list_and_undone_together(
    ledger: DirectLedger, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(12):
        ledger.suggested(f"m{number:02}")
    drain = drained("b", "1-2 9-9", "x", "b", "all", "a", "n", "b", "1-2,20", "l", "lsc", "u", "b", "all", "a", "y")
    assert ledger.state("s1") is ledger.state("m11") is State.DECIDED
    assert ledger.state("f1") is State.HANDED_OFF
    shown = capsys.readouterr().out
    assert "approve all 15? y" in shown
    assert "2 decided" in shown
    assert "14 approved" in shown
    assert (drain.did["decided"], drain.did["approved"]) == (0, 14)


def test_a_ticket_is_found_by_its_words_and_worked_on_next(
    ledger: DirectLedger, capsys: pytest.CaptureFixture[str]
) -> None:
    drained("/", "f1", "1", "z", "1", "/", "nothing like it", "/", "f1", "1")
    assert ledger.view("f1").closed is Closed.SPAM
    shown = capsys.readouterr().out
    assert "no ticket is found by 'nothing like it'" in shown
    assert "f1 is closed: deskhand correct f1" in shown


def test_an_item_is_given_to_a_team_undecided(ledger: DirectLedger) -> None:
    drained("g", "0", "g", "3")
    assert (ledger.view("s1").given, ledger.state("s1")) == ("team:fraud_and_security", State.SUGGESTED)


def test_items_end_without_a_decision_and_the_last_one_is_corrected(ledger: DirectLedger) -> None:
    drained("z", "2", "a", "e", "lsc", "it was stolen", "z", "3", "s1")
    assert (ledger.view("s1").closed, ledger.view("f1").closed) == (Closed.THANKS, Closed.DUPLICATE)
    assert (ledger.view("s2").decision or {})["label"] == "lost_or_stolen_card"
    assert (ledger.view("s2").earlier or {})["label"] == "card_arrival"


def test_an_item_that_changed_meanwhile_is_said_and_passed_over(
    ledger: DirectLedger, deskhand: Deskhand, capsys: pytest.CaptureFixture[str]
) -> None:
    class Late(Typed):
        def key(self) -> str:
            if self._typed:
                ledger.do(lambda ledger: ledger.store.put("t:s1", {"version": "99"}))
            return super().key()

    with session() as opened:
        Drain(opened, Late("a"), "tester").go()
    assert "s1 has changed" in capsys.readouterr().out
    assert ledger.state("s1") is State.SUGGESTED


def test_keys_without_meaning_change_nothing_and_take_the_next_one_with_them(ledger: DirectLedger) -> None:
    assert drained("", "0", "1", "k", "a", "?", "t", "u", "e", "l", "", "x", "q", "h", "").handled == 0
    assert ledger.state("s1") is State.SUGGESTED


def test_it_works_on_a_real_terminal(ledger: DirectLedger) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "worker.cli", "inbox", "work", "--as", "anna"]
    os.set_blocking(ours, False)
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process, ExitStack() as at_last:
        at_last.callback(process.kill)  # or a failure would wait for a person's keys
        os.close(theirs)
        shown = b""

        def shows(text: bytes) -> bool:
            nonlocal shown
            with suppress(BlockingIOError):
                shown += os.read(ours, 65536)
            return text in shown

        wait_for(lambda: shows(b"9 "))
        os.write(ours, b"a")
        wait_for(lambda: shows(b"s1 approved"))
        os.write(ours, b"x")
        wait_for(lambda: shows(b"0 in your words"))
        os.write(ours, b"0")
        wait_for(lambda: shows(b"why: "))
        os.write(ours, "wrong team, sí\r".encode())
        wait_for(lambda: shows(b"s2 rejected"))
        os.write(ours, b"\x03")
        wait_for(lambda: shows(b"you did 2: 1 approved, 1 rejected"))
        assert process.wait(60) == 0
    os.close(ours)
    assert ledger.state("s1") is State.DECIDED
    assert ledger.view("s2").detail == "wrong team, sí"
