"""`deskhand labels`: where people's decisions say that the labels are wrong."""

import json

from tests.services.valkey import ValkeyServer
from tests.worker.cli.conftest import Deskhand


def test_it_says_what_is_confused_what_may_be_missing_and_what_none_fits(
    deskhand: Deskhand, valkey_server: ValkeyServer
) -> None:
    assert "people have ended no ticket yet" in deskhand("labels").out
    decided = {"label": "card_linking", "team": "card_delivery", "proposed": "card_arrival", "text": "where is it"}
    closed = {"action": "close", "closed": "spam", "text": "win a prize, click the link", "proposed": "card_arrival"}
    rows = [{"id": f"{part}{n}", "at": 1, **row} for n in range(4) for part, row in (("d", decided), ("c", closed))]
    with valkey_server.client() as client:
        client.rpush("deskhand:examples", *map(json.dumps, rows))
        client.hset("deskhand:promises", "local", json.dumps({"version": "v", "rests_on": "at 0.83 it covers 44.0%"}))
    found = deskhand("labels", "--json").json()
    assert (found["ended"], found["unfitting"]) == (8, 4)
    assert [each["tickets"] for each in found["candidates"]] == [["c0", "c1", "c2", "c3"]]
    (confused,) = found["confusions"]
    assert (confused["suggested"], confused["decided"], confused["tickets"]) == ("card_arrival", "card_linking", 4)
    printed = deskhand("labels").out
    for said in ("4 of 8 tickets", "c0, c1, c2", "card_linking", "local: at 0.83 it covers 44.0%"):
        assert said in printed


def test_a_label_loses_what_it_has_earned_by_a_command(deskhand: Deskhand, valkey_server: ValkeyServer) -> None:
    agent = {"label": "card_arrival", "team": "card_delivery", "tier": "local", "version": "v1", "blind": False}
    row = {"label": "card_arrival", "team": "card_delivery", "proposed": "card_arrival", "agent": agent, "at": 1}
    with valkey_server.client() as client:
        rows = [json.dumps({**row, "id": f"t{number}", "text": f"card {number}"}) for number in range(250)]
        client.rpush("deskhand:examples", *rows)
    done = deskhand("labels", "revoke", "card_arrival", "--reason", "a new courier", "--as", "olga")
    assert "is not decided alone from now on" in done.out
    assert "e-value 1 of 40" in done.out
    assert "card_arrival is revoked, and not decided alone: a new courier" in deskhand("control", "log").out
    refused = deskhand("labels", "revoke", "card_arrival", "--reason", "again", "--as", "olga")
    assert (refused.code, "there is nothing to revoke" in refused.err) == (1, True)
