"""`deskhand enqueue --url` sends the file over HTTP, with no books of its own."""

import json
import os
from collections.abc import Callable

import pytest

from fallbacks.ledger.states import State
from tests.services.process import free_port
from tests.services.valkey import ValkeyServer
from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import fail, working
from tests.worker.cli.tickets.test_enqueue import line
from tests.worker.http.served import Served


@pytest.fixture
def elsewhere(deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch, web: Served) -> Deskhand:
    """The command on a machine that reaches neither books nor broker, with a key."""
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
    elsewhere("enqueue", "-", "--url", web.url, "--before", web.url, stdin=line("b"))
    for ticket in ("a", "b"):
        assert web.ledger.do(lambda ledger, ticket=ticket: ledger.store.row(ticket))["trace"] == parent


def test_what_the_other_side_refuses_is_a_fault_of_its_line(elsewhere: Deskhand, web: Served) -> None:
    elsewhere("enqueue", "-", "--url", web.url, stdin=line("a"))
    result = elsewhere("enqueue", "-", "--url", web.url, stdin=line("a", "another") + line("b"))
    assert result.code == 1
    assert result.err.startswith("line 1: HTTP 409")
    assert web.ledger.state("b") is State.QUEUED


def test_waiting_tells_where_they_came_to_rest(elsewhere: Deskhand, web: Served) -> None:
    with working(web.ledger, "a", fail):
        result = elsewhere("enqueue", "-", "--url", web.url, "--wait", "--timeout", "20", "--json", stdin=line("a"))
    assert result.json()["outcomes"] == [{"state": "handed_off", "reason": "step_limit", "tickets": 1}]


def test_several_addresses_are_shards_and_each_line_goes_to_its_own(
    elsewhere: Deskhand, web: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.clients.http_calls.FIRST_PAUSE_SECONDS", 0.01)
    shards = ("--url", web.url, "--url", f"http://127.0.0.1:{free_port()}")
    sent = elsewhere("enqueue", "-", *shards, "--json", stdin=b"".join(line(f"t{number}") for number in range(20)))
    assert (sent.code, sent.json()["bad"]) == (1, 20 - sent.json()["accepted"])
    assert 0 < sent.json()["accepted"] < 20
    assert all(web.ledger.state(ticket_id) is State.QUEUED for ticket_id in sent.json()["ids"])
    assert all("ConnectError" in fault["error"] for fault in sent.json()["faults"])


def test_the_shard_of_a_ticket_is_told(elsewhere: Deskhand, web: Served, valkey_url: str) -> None:
    with Served(valkey_url) as other:
        shards = ("--url", web.url, "--url", other.url)
        elsewhere("enqueue", "-", *shards, stdin=line("a"))
        found, unknown = (elsewhere("shard", ticket_id, *shards, "--json") for ticket_id in ("a", "b"))
    assert (found.code, unknown.code) == (0, 1)
    assert (found.json()["state"], unknown.json()["state"]) == ("queued", None)
    assert found.json()["address"] in (web.url, other.url)


def test_a_file_sent_again_after_a_shard_was_added_is_accepted_once(
    elsewhere: Deskhand, web: Served, start_valkey: Callable[[], ValkeyServer]
) -> None:
    file, new = (b"".join(line(f"{name}{number}") for number in range(20)) for name in "tu")
    with Served(start_valkey().url, api_keys=(os.environ["DESKHAND_CLIENT_KEY"],)) as added:
        elsewhere("enqueue", "-", "--url", web.url, stdin=file)
        shards = ("--url", web.url, "--url", added.url, "--before", web.url)
        assert elsewhere("enqueue", "-", *shards, stdin=file).code == 0
        assert added.ledger.do(lambda ledger: ledger.store.sizes(["s:queued"])) == [0]
        assert elsewhere("enqueue", "-", *shards, stdin=new).code == 0
        (there,) = added.ledger.do(lambda ledger: ledger.store.sizes(["s:queued"]))
        assert 0 < there < 20


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
