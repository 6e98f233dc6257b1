"""`deskhand users`: the first admin comes by command line."""

from fallbacks.access.sessions import Sessions
from fallbacks.access.users import Users
from fallbacks.ledger.ledger import Ledger
from tests.fallbacks.access.signing_in import sign_in
from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import DirectLedger

SECRET = b"correct horse battery\n"


def test_people_are_added_listed_changed_and_removed(deskhand: Deskhand) -> None:
    assert "nobody yet" in deskhand("users", "list").out
    assert deskhand("users", "create", "ann", "--role", "admin", stdin=SECRET).out == "ann, admin: added\n"
    assert deskhand("users", "create", "bob", stdin=SECRET).code == 0
    assert deskhand("users", "role", "bob", "operator").out == "bob, operator: changed\n"
    assert deskhand("users", "password", "bob", stdin=b"another password\n").code == 0
    listed = deskhand("users", "list", "--json").json()
    assert [(user["name"], user["role"]) for user in listed] == [("ann", "admin"), ("bob", "operator")]
    assert deskhand("users", "remove", "bob").code == 0
    assert "bob" not in deskhand("users", "list").out


def test_what_comes_in_for_a_team_goes_round_and_who_is_away_hands_over(
    deskhand: Deskhand, ledger: DirectLedger
) -> None:
    for name in ("ann", "ben"):
        deskhand("users", "create", name, stdin=SECRET)
        deskhand("users", "teams", name, "card_delivery")
    assert deskhand("users", "rotation").out.startswith("in rotation: no team")
    assert "in rotation: card_delivery" in deskhand("users", "rotation", "card_delivery").out
    assert deskhand("users", "away", "ann", "2099-01-01").out == "ann: away until 2099-01-01\n"
    ledger.suggested("s1")
    assert ledger.view("s1").assignee == "ben"
    found = deskhand("users", "rotation", "--json").json()
    assert [(one["name"], one["has"], one["away_until"]) for one in found["people"]] == [
        ("ann", 0, "2099-01-01T00:00:00.000Z"),
        ("ben", 1, None),
    ]
    assert deskhand("users", "back", "ann").code == 0
    assert deskhand("users", "hand-over", "ben").out == "1 handed over\n"
    assert ledger.view("s1").assignee == "ann"
    assert "no team" in deskhand("users", "rotation", "card_delivery", "--off").out
    assert deskhand("users", "away", "ann", "soon").code == deskhand("users", "back", "nobody").code == 1


def test_what_is_wrong_is_one_line(deskhand: Deskhand) -> None:
    deskhand("users", "create", "ann", stdin=SECRET)
    for arguments, stdin, said in (
        (("create", "ann"), SECRET, "there is already a user 'ann'"),
        (("create", "bob"), b"short\n", "a password has 10 to 200 characters"),
        (("create", "Bob Smith"), SECRET, "a name is 1 to 64"),
        (("remove", "nobody"), b"", "there is no user 'nobody'"),
    ):
        result = deskhand("users", *arguments, stdin=stdin)
        assert result.code == 1, arguments
        assert said in result.err


def test_the_operator_log_tells_of_people_keys_and_sign_ins_and_is_exported(
    deskhand: Deskhand, ledger: DirectLedger
) -> None:
    assert deskhand("users", "create", "ann", stdin=SECRET).code == 0
    deskhand("users", "role", "ann", "operator")
    deskhand("users", "password", "ann", stdin=b"another horse battery\n")
    deskhand("keys", "create", "shop", "--source", "shop")
    deskhand("pause", "--as", "ann")

    async def come_in(kept: Ledger) -> None:
        sessions = Sessions(kept.store, Users(kept.store))
        for name, password in (("ann", "wrong password"), ("=my password", "x"), ("ann", "another horse battery")):
            await sign_in(sessions, name, password, "198.51.100.1")

    ledger.do(come_in)
    deskhand("users", "remove", "ann")
    told = deskhand("control", "log", "--json").json()
    assert [(line["what"], (line["after"] or "").partition(" (")[0], line["client"]) for line in reversed(told)] == [
        ("user:ann", "created as reviewer", None),
        ("user:ann", "role operator", None),
        ("user:ann", "new password", None),
        ("key:shop", "created", None),
        ("paused:tickets", "1", None),
        ("sign_in", "refused", "198.51.100.1"),
        ("sign_in", "refused", "198.51.100.1"),
        ("sign_in", "opened", "198.51.100.1"),
        ("user:ann", "removed", None),
    ]
    assert [line["who"] for line in told if line["what"] == "sign_in"] == ["ann", "(no such name)", "ann"]
    rows = deskhand("control", "log", "--csv").out.splitlines()
    assert (rows[0], len(rows)) == ("at,who,what,before,after,client", 10)
    assert "user ann: role operator" in deskhand("control", "log").out
    assert "my password" not in str(told)
