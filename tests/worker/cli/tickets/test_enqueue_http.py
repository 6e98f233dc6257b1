"""`deskhand enqueue --url` sends the file over HTTP, with no ledger of its own."""

import json

import pytest

from fallbacks.ledger.states import State
from tests.services.process import free_port
from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import fail, working
from tests.worker.cli.tickets.test_enqueue import line
from tests.worker.http.served import Served


@pytest.fixture
def elsewhere(deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch, web: Served) -> Deskhand:
    """The command on a machine that reaches neither store nor broker, with a key."""
    monkeypatch.delenv("DESKHAND_REDIS_URL")
    monkeypatch.setenv("DESKHAND_CLIENT_KEY", web.key())
    return deskhand


def test_good_lines_are_accepted_and_bad_ones_named(elsewhere: Deskhand, web: Served) -> None:
    result = elsewhere("enqueue", "-", "--url", web.url, "--json", stdin=line("a") + b"nope\n" + line("b"))
    assert result.code == 1
    assert (result.json()["ids"], result.json()["faults"][0]["where"]) == (["a", "b"], "line 2")
    assert web.ledger.state("b") is State.QUEUED


def test_the_trace_of_whoever_calls_the_command_is_sent_on(
    elsewhere: Deskhand, web: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    monkeypatch.setenv("TRACEPARENT", parent)
    elsewhere("enqueue", "-", "--url", web.url, stdin=line("a"))
    assert web.ledger.do(lambda ledger: ledger.store.row("a"))["trace"] == parent


def test_what_the_other_side_refuses_is_a_fault_of_its_line(elsewhere: Deskhand, web: Served) -> None:
    elsewhere("enqueue", "-", "--url", web.url, stdin=line("a"))
    result = elsewhere("enqueue", "-", "--url", web.url, stdin=line("a", "another") + line("b"))
    assert result.code == 1
    assert result.err.startswith("line 1: HTTP 409")
    assert web.ledger.state("b") is State.QUEUED


def test_waiting_says_where_they_came_to_rest(elsewhere: Deskhand, web: Served) -> None:
    with working(web.ledger, "a", fail):
        result = elsewhere("enqueue", "-", "--url", web.url, "--wait", "--timeout", "20", "--json", stdin=line("a"))
    assert result.json()["outcomes"] == [{"state": "handed_off", "reason": "step_limit", "tickets": 1}]


def test_a_wrong_key_and_nobody_there_are_one_line(
    elsewhere: Deskhand, web: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.clients.http_calls.FIRST_PAUSE_SECONDS", 0.01)
    nobody = elsewhere("enqueue", "-", "--url", f"http://127.0.0.1:{free_port()}", stdin=line("a"))
    monkeypatch.setenv("DESKHAND_CLIENT_KEY", "dk_wrong")
    refused = elsewhere("enqueue", "-", "--url", web.url, stdin=line("a"))
    assert [(result.code, result.err.count("\n")) for result in (nobody, refused)] == [(1, 1), (1, 1)]
    assert "401" in refused.err
    assert json.dumps(nobody.err).count("ConnectError") == 1
