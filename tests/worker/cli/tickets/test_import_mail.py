"""`deskhand import-mail`: files and a mailbox into the ledger, nothing lost, nothing twice."""

import base64
import errno
import mailbox
import os
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from fallbacks.ledger.states import State
from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import DirectLedger
from tests.worker.connectors.mail.imap_server import PASSWORD, ImapServer
from tests.worker.connectors.mail.mutations import mutation
from tests.worker.connectors.mail.test_reading import mail
from worker.connectors.mail.files import mails_of
from worker.connectors.mail.source import MAX_MAIL_BYTES


def mails(*ids: str) -> list[EmailMessage]:
    found = []
    for name in ids:
        message = mail(f"From here on, {name} is lost.")
        message.replace_header("Message-ID", f"<{name}@example.com>")
        found.append(message)
    return found


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ImapServer]:
    with ImapServer(*[bytes(one) for one in mails("a", "b")]) as server:
        monkeypatch.setenv("DESKHAND_IMAP_URL", server.url)
        monkeypatch.setenv("DESKHAND_IMAP_PASSWORD", PASSWORD)
        yield server


def test_an_eml_file_an_mbox_and_a_folder_are_read(deskhand: Deskhand, ledger: DirectLedger, tmp_path: Path) -> None:
    folder = tmp_path / "mails"
    folder.mkdir()
    (folder / "a.eml").write_bytes(bytes(mails("a")[0]))
    with_mbox = mailbox.mbox(folder / "b.mbox")
    for one in mails("a", "b", "c"):
        with_mbox.add(one)
    with_mbox.close()
    result = deskhand("import-mail", str(folder), "--json")
    found = result.json()
    assert (result.code, len(found["accepted"]), len(found["known"])) == (0, 3, 1)
    ticket = ledger.view(found["accepted"][1]).ticket
    assert ticket
    assert ticket.body == "From here on, b is lost."  # mbox wrote it as >From


def test_what_is_no_mail_is_kept_whole_and_named(deskhand: Deskhand, ledger: DirectLedger, tmp_path: Path) -> None:
    raw = b"\0\1\2 no mail"
    (tmp_path / "a.eml").write_bytes(raw)
    (tmp_path / "b.eml").write_bytes(bytes(mails("b")[0]))
    results = [deskhand("import-mail", str(tmp_path / "a.eml"), str(tmp_path / "b.eml")) for _ in range(2)]
    assert [result.code for result in results] == [1, 1]
    assert results[0].err == "a.eml: the bytes are not a mail: no header field begins them\n"
    assert "1 accepted, 0 known before, 1 rejected" in results[0].out
    (kept,) = [view_id for view_id, _ in ledger.do(lambda ledger: ledger.store.ranked("s:rejected", 0, -1))]
    assert base64.b64decode(ledger.view(kept).raw or "") == raw


def test_of_a_mail_beyond_every_bound_the_first_part_is_read_and_the_rest_said(
    deskhand: Deskhand, ledger: DirectLedger, tmp_path: Path
) -> None:
    (tmp_path / "a.eml").write_bytes(bytes(mails("a")[0]) + b"x" * MAX_MAIL_BYTES)
    (taken,) = deskhand("import-mail", str(tmp_path / "a.eml"), "--json").json()["accepted"]
    ticket = ledger.view(taken).ticket
    assert ticket
    assert "of which the first" in str(ticket.metadata["cut"])


def test_another_mail_under_a_used_message_id_is_a_ticket_too(
    deskhand: Deskhand, ledger: DirectLedger, tmp_path: Path
) -> None:
    first, second = mails("a", "a")
    second.set_content("something else")
    for name, one in (("a.eml", first), ("b.eml", second), ("c.eml", second)):
        (tmp_path / name).write_bytes(bytes(one))
    found = deskhand("import-mail", *(str(tmp_path / f"{name}.eml") for name in "abc"), "--json").json()
    assert (len(found["accepted"]), found["known"]) == (2, [found["accepted"][1]])
    ticket = ledger.view(found["accepted"][1]).ticket
    assert ticket
    assert ticket.metadata["message_id_seen_before"] is True


def test_a_copy_with_a_list_s_footer_is_known(deskhand: Deskhand, tmp_path: Path) -> None:
    first, second = mails("a", "a")
    second.set_content("From here on, a is lost.\n\nlist footer")
    for name, one in (("a.eml", first), ("b.eml", second)):
        (tmp_path / name).write_bytes(bytes(one))
    found = deskhand("import-mail", str(tmp_path), "--json").json()
    assert (len(found["accepted"]), len(found["known"]), found["rejected"]) == (1, 1, [])


def test_a_machine_s_mail_is_closed_without_a_run(deskhand: Deskhand, ledger: DirectLedger, tmp_path: Path) -> None:
    one = mails("a")[0]
    one["Auto-Submitted"] = "auto-replied"
    (tmp_path / "a.eml").write_bytes(bytes(one))
    (taken,) = deskhand("import-mail", str(tmp_path / "a.eml"), "--json").json()["accepted"]
    assert ledger.state(taken) is State.CLOSED
    shown = deskhand("show", taken, "--json").json()
    assert (shown["state"], shown["reason"]) == ("closed", "automatic")
    assert deskhand("audit").code == 0


def test_the_mail_as_it_came_is_one_command_away(deskhand: Deskhand, tmp_path: Path) -> None:
    raw = bytes(mails("a")[0])
    (tmp_path / "a.eml").write_bytes(raw)
    (taken,) = deskhand("import-mail", str(tmp_path / "a.eml"), "--json").json()["accepted"]
    assert deskhand("show", taken, "--original").out == raw.decode()


def test_a_maildir_and_its_folders_are_read(deskhand: Deskhand, tmp_path: Path) -> None:
    for folder, name in (("new", "a"), ("cur", "b"), (".Sub/cur", "c"), ("tmp", "d")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / f"{name}.host:2,S").write_bytes(bytes(mails(name)[0]))
    for folder in (".Sub/new", ".Sub/tmp"):
        (tmp_path / folder).mkdir()
    assert len(deskhand("import-mail", str(tmp_path), "--json").json()["accepted"]) == 3


def test_links_that_lead_nowhere_or_back_and_what_is_no_file_are_said(deskhand: Deskhand, tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(bytes(mails("a")[0]))
    (tmp_path / "b-empty.eml").touch()
    (tmp_path / "c-back").symlink_to(tmp_path)
    (tmp_path / "d-self").symlink_to("d-self")
    (tmp_path / "e-nowhere").symlink_to("nowhere")
    os.mkfifo(tmp_path / "f-pipe")
    result = deskhand("import-mail", str(tmp_path), "--json")
    found = result.json()
    assert (result.code, len(found["accepted"])) == (1, 1)
    assert [(Path(one["where"]).name, one["error"]) for one in found["rejected"]] == [
        ("b-empty.eml", "is empty"),
        ("d-self", "too many levels of symbolic links"),
        ("e-nowhere", "no such file or directory"),
        ("f-pipe", "is neither a file nor a folder"),
    ]
    assert result.err.count("\n") == 4


def test_what_may_not_be_read_keeps_no_other(
    deskhand: Deskhand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "a.eml"
    for path, name in ((closed, "a"), (tmp_path / "b.eml", "b")):
        path.write_bytes(bytes(mails(name)[0]))
    closed.chmod(0)
    if os.access(closed, os.R_OK):  # root may read everything: refused as the system would
        whole = Path.open

        def refused(path: Path, *arguments: Any, **named: Any) -> Any:
            if path == closed:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return whole(path, *arguments, **named)

        monkeypatch.setattr(Path, "open", refused)
    result = deskhand("import-mail", str(tmp_path))
    assert (result.code, result.err) == (1, f"{closed}: permission denied\n")
    assert result.out.startswith("1 accepted")


def test_a_folder_without_mails_is_one_line_and_no_success(deskhand: Deskhand, tmp_path: Path) -> None:
    (tmp_path / "M/new").mkdir(parents=True)
    (tmp_path / "M/cur").mkdir()
    (tmp_path / ".hidden").write_bytes(bytes(mails("a")[0]))
    result = deskhand("import-mail", str(tmp_path), str(tmp_path / "missing"))
    assert (result.code, result.err) == (
        1,
        f"{tmp_path}: holds no mail\n{tmp_path / 'missing'}: no such file or directory\n",
    )


def test_unseen_mails_of_a_mailbox_are_taken_once_and_marked(
    deskhand: Deskhand, ledger: DirectLedger, server: ImapServer
) -> None:
    first = deskhand("import-mail", "--imap", "--json").json()
    assert len(first["accepted"]) == 2
    assert all(ledger.state(ticket_id) is State.QUEUED for ticket_id in first["accepted"])
    assert server.seen == {1, 2}
    server.seen.clear()  # as if the process had died before it could mark them
    again = deskhand("import-mail", "--imap", "--json").json()
    assert (again["known"], again["accepted"]) == (first["accepted"], [])


def test_a_store_out_of_reach_leaves_every_mail_unseen(
    deskhand: Deskhand, server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESKHAND_REDIS_URL", "redis://127.0.0.1:1/0")
    assert deskhand("import-mail", "--imap").code == 1
    assert server.seen == set()


def test_a_large_mail_of_a_mailbox_is_not_loaded_whole(
    deskhand: Deskhand, ledger: DirectLedger, server: ImapServer
) -> None:
    server.mails[3] = bytes(mails("c")[0]) + b"x" * (MAX_MAIL_BYTES + 1000)
    result = deskhand("import-mail", "--imap")
    assert result.code == 0
    assert any(f"<0.{MAX_MAIL_BYTES + 1}>" in command for command in server.commands)
    assert server.seen == {1, 2, 3}


@pytest.mark.parametrize("refused", ["LOGIN", "SELECT", "SEARCH"])
def test_a_mailbox_that_refuses_is_one_line(deskhand: Deskhand, server: ImapServer, refused: str) -> None:
    server.refuse = refused
    result = deskhand("import-mail", "--imap")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "mailbox" in result.err


def test_files_or_the_mailbox_must_be_named(deskhand: Deskhand) -> None:
    assert deskhand("import-mail").code == 2
    assert "DESKHAND_IMAP_URL" in deskhand("import-mail", "--imap").err


def test_every_damaged_mail_is_a_ticket_or_kept_and_the_books_balance(deskhand: Deskhand, tmp_path: Path) -> None:
    folder = tmp_path / "mails"
    folder.mkdir()
    for seed in range(200):
        (folder / f"{seed:03}.eml").write_bytes(mutation(seed))
    found = deskhand("import-mail", str(folder), "--json").json()
    ends = [*found["accepted"], *found["known"], *found["rejected"]]
    assert len(ends) == len(list(mails_of(folder)))
    assert len(found["accepted"]) > 50
    assert deskhand("audit").code == 0


def test_a_reply_is_added_to_the_ticket_of_its_first_mail(
    deskhand: Deskhand, ledger: DirectLedger, tmp_path: Path
) -> None:
    first, answer = mails("a", "b")
    answer["In-Reply-To"] = "<a@example.com>"
    for name, one in (("a.eml", first), ("b.eml", answer)):
        (tmp_path / name).write_bytes(bytes(one))
    result = deskhand("import-mail", str(tmp_path / "a.eml"), str(tmp_path / "b.eml"))
    assert "1 accepted, 1 added to tickets, 0 known before, 0 rejected" in result.out
    (ticket_id,) = deskhand("import-mail", str(tmp_path / "a.eml"), "--json").json()["known"]
    assert ledger.view(ticket_id).messages == 1
    shown = deskhand("show", ticket_id).out
    assert shown.index("a is lost") < shown.index("b is lost")
