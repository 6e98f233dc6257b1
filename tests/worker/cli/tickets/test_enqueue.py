"""`deskhand enqueue` writes the books first, names every bad line, and never drops a good one."""

import json
from pathlib import Path

import pytest
from redis import Redis

from fallbacks.ledger.states import State
from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import DirectLedger, fail, working


def line(ticket_id: str | None, body: str = "where is my card") -> bytes:
    fields = {"id": ticket_id, "source": "test", "subject": "", "body": body}
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode() + b"\n"


def test_tickets_of_a_file_are_in_the_ledger_and_on_the_queue(
    deskhand: Deskhand, ledger: DirectLedger, tmp_path: Path, valkey_url: str
) -> None:
    file = tmp_path / "tickets.jsonl"
    file.write_bytes(line("a") + line("b"))
    result = deskhand("enqueue", str(file), "--json")
    assert result.json() == {"accepted": 2, "known": 0, "bad": 0, "ids": ["a", "b"], "faults": []}
    assert result.code == 0
    assert ledger.state("a") is State.QUEUED
    with Redis.from_url(valkey_url) as client:
        assert client.llen("tickets") == 2


def test_a_bad_line_is_named_and_the_good_ones_are_accepted(deskhand: Deskhand, ledger: DirectLedger) -> None:
    lines = [
        line("a"),
        b"\n",
        b"nope\n",
        b'{"source": "test"}\n',
        b"\xff\n",
        b'{"a": NaN}\n',
        b"[" * 9000 + b"\n",
        line("b"),
    ]
    result = deskhand("enqueue", "-", stdin=b"".join(lines))
    assert result.code == 1
    assert [fault.partition(":")[0] for fault in result.err.splitlines()] == [f"line {n}" for n in (3, 4, 5, 6, 7)]
    assert "subject: Field required" in result.err
    assert ledger.state("a") is ledger.state("b") is State.QUEUED


def test_a_json_array_is_taken_too(deskhand: Deskhand, ledger: DirectLedger) -> None:
    array = b"[" + line("a").strip() + b", 3]"
    result = deskhand("enqueue", "-", "--json", stdin=array)
    assert result.json()["faults"] == [{"where": "item 2", "error": "a ticket is a JSON object"}]
    assert ledger.state("a") is State.QUEUED


def test_the_same_ticket_twice_is_accepted_once_and_another_body_under_its_id_is_a_fault(deskhand: Deskhand) -> None:
    deskhand("enqueue", "-", stdin=line("a"))
    again = deskhand("enqueue", "-", "--json", stdin=line("a") + line("a", "something else"))
    assert again.json()["known"] == 1
    assert "another body" in again.json()["faults"][0]["error"]
    assert again.code == 1


def test_who_must_send_again_is_warned_that_tickets_without_an_id_would_double(deskhand: Deskhand) -> None:
    assert "second time" in deskhand("enqueue", "-", stdin=line(None) + b"nope\n").err


def test_waiting_ends_with_a_table_by_state_and_reason(deskhand: Deskhand, ledger: DirectLedger) -> None:
    with working(ledger, "a", fail):
        result = deskhand("enqueue", "-", "--wait", "--timeout", "20", stdin=line("a"))
    assert result.code == 0
    assert "handed_off" in result.out
    assert "step_limit" in result.out


def test_waiting_too_long_is_a_fault_and_says_where_tickets_are(deskhand: Deskhand) -> None:
    result = deskhand("enqueue", "-", "--wait", "--timeout", "0", "--json", stdin=line("a"))
    assert result.code == 1
    assert result.json()["outcomes"] == [{"state": "queued", "reason": None, "tickets": 1}]
    assert "1 tickets are not at rest" in result.err


def test_a_broker_out_of_reach_loses_nothing(
    deskhand: Deskhand, ledger: DirectLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESKHAND_BROKER_URL", "redis://127.0.0.1:1/0")
    result = deskhand("enqueue", "-", stdin=line("a"))
    assert result.code == 0
    assert "the tickets are stored" in result.err
    assert ledger.state("a") is State.QUEUED


def test_a_missing_file_is_one_line(deskhand: Deskhand, tmp_path: Path) -> None:
    result = deskhand("enqueue", str(tmp_path / "none.jsonl"))
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "no such file" in result.err


def test_tickets_remember_the_trace_of_whoever_calls_the_command(
    deskhand: Deskhand, ledger: DirectLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    monkeypatch.setenv("TRACEPARENT", parent)
    deskhand("enqueue", "-", stdin=b'{"id": "t1", "source": "t", "subject": "", "body": "help"}')
    assert ledger.do(lambda ledger: ledger.store.row("t1"))["trace"] == parent
