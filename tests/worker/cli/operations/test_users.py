"""`deskhand users`: the first admin comes by command line."""

from tests.worker.cli.conftest import Deskhand

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
