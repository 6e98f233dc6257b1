"""`deskhand import-mail --imap` with Debian's Dovecot: what comes is a ticket, at once and once."""

import asyncio
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest

from fallbacks.ledger.states import Closed, State
from fallbacks.ledger.views import Views
from tests.services.dovecot import FOLDER, PASSWORD, USER, DovecotServer, running_dovecot
from tests.services.process import ServiceMissing
from tests.services.waiting import PATIENCE_SECONDS, wait_for
from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import DirectLedger
from tests.worker.connectors.mail.imap_server import PASSWORD as SMALL_PASSWORD
from tests.worker.connectors.mail.imap_server import ImapServer
from tests.worker.intake.test_messages import QuickParts
from worker.cli.tickets.mailbox import LONGEST_PAUSE_SECONDS, pause
from worker.config.settings import Settings
from worker.connectors.mail.reading import read_mail
from worker.service.celery_factory import sender_app

Importer = Callable[[], "subprocess.Popen[str]"]


def mail(name: str, *headers: str) -> bytes:
    head = (f"From: {name}@shop.example", "Subject: Card", f"Message-ID: <{name}@shop.example>", *headers)
    return "\r\n".join([*head, "", f"My card {name} is lost.", ""]).encode()


def ticket_of(name: str) -> str:
    return read_mail(mail(name)).ticket.id or ""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[DovecotServer]:
    with ExitStack() as started:
        try:
            server = started.enter_context(running_dovecot())
        except ServiceMissing as error:
            pytest.skip(str(error))
        monkeypatch.setenv("DESKHAND_IMAP_URL", f"imaps://{quote(USER)}@localhost:{server.tls_port}/{quote(FOLDER)}")
        monkeypatch.setenv("DESKHAND_IMAP_CA", str(server.ca))
        yield server


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[ImapServer]:
    with ImapServer(*map(mail, "abc")) as small:
        monkeypatch.setenv("DESKHAND_IMAP_URL", small.url)
        monkeypatch.setenv("DESKHAND_IMAP_PASSWORD", SMALL_PASSWORD)
        yield small


@pytest.fixture
def importer(deskhand: Deskhand, tmp_path: Path) -> Iterator[Importer]:
    """`importer()` starts the command as a process that would look again in an hour."""
    started: list[subprocess.Popen[str]] = []

    def start() -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "worker.cli", "import-mail", "--imap", "--every", "3600"]
        with (tmp_path / "importer.log").open("ab") as log:
            started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


async def work_what_waited(ticket_id: str, url: str, home: Path) -> None:
    """As a worker does once the sweep has found that a reply waited long enough for its first mail."""
    settings = Settings(home=home)
    parts = QuickParts(settings, sender_app(settings, url), url)
    while (await Views(parts.store).ticket(ticket_id)).state is State.PARKED:
        await parts.ledger.sweep(limit=9, max_losses=3)
    await parts.executor.triage(ticket_id)
    await parts.store.aclose()


@pytest.mark.long
def test_a_mail_is_taken_at_once_and_once_over_restarts_of_importer_and_server(
    server: DovecotServer,
    importer: Importer,
    ledger: DirectLedger,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    valkey_url: str,
) -> None:
    monkeypatch.setenv("DESKHAND_IMAP_PASSWORD", PASSWORD)

    def arrived(count: int) -> None:
        wait_for(lambda: queued() == count and server.unseen() == 0, message=f"{count} tickets and nothing unseen")

    def bodies(name: str) -> list[str]:
        checkpoint = ledger.do(lambda one: Views(one.store).checkpoint(ticket_of(name)))
        return [added.message.body for added in checkpoint.added]

    def queued() -> int:
        return len(ledger.do(lambda one: one.store.ranked("s:queued", 0, -1)))

    monkeypatch.setenv("DESKHAND_REPLY_WAITS_SECONDS", "10")
    for one in (mail("early", "In-Reply-To: <e@shop.example>"), mail("a"), mail("b")):
        server.append(one)
    first = importer()
    arrived(2)
    server.append(mail("c"))
    arrived(3)
    first.kill()
    first.wait()
    server.append(mail("d"))
    server.append(mail("reply", "In-Reply-To: <other@shop.example>", "References: <a@shop.example>"))
    second = importer()
    arrived(4)
    server.restart()
    log = tmp_path / "importer.log"
    wait_for(lambda: "looking again in 5 s" in log.read_text(), message="the end of the connection to be said")
    server.append(mail("e"))
    server.append(mail("a"))
    arrived(5)
    second.send_signal(signal.SIGINT)
    out, _ = second.communicate(timeout=PATIENCE_SECONDS)
    assert (second.returncode, out) == (0, "2 accepted, 1 added to tickets, 1 known before, 0 rejected\n")
    assert all("looking again in" in line for line in log.read_text().splitlines())
    assert (bodies("a"), bodies("e")) == (["My card reply is lost."], [])
    assert ledger.state(ticket_of("early")) is State.PARKED, "what it answers came after it"
    asyncio.run(work_what_waited(ticket_of("early"), valkey_url, tmp_path))
    joined = ledger.view(ticket_of("early"))
    assert (joined.state, joined.closed, joined.detail) == (State.CLOSED, Closed.DUPLICATE, ticket_of("e"))
    assert (bodies("a"), bodies("e")) == (["My card reply is lost."], ["My card early is lost."])


def test_a_program_yields_the_token(server: DovecotServer, deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch) -> None:
    server.append(mail("a"))
    monkeypatch.setenv("DESKHAND_IMAP_TOKEN_COMMAND", f"{shlex.quote(sys.executable)} -c 'print(\"{server.token()}\")'")
    assert len(deskhand("import-mail", "--imap", "--json").json()["accepted"]) == 1


def test_the_token_may_be_a_setting(server: DovecotServer, deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESKHAND_IMAP_TOKEN", server.token())
    assert deskhand("import-mail", "--imap").code == 0


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("/nowhere/token", "No such file"),
        ("sh -c 'echo sign in anew >&2; exit 3'", "ended with 3: sign in anew"),
        ("'", "No closing quotation"),
    ],
)
def test_a_program_that_yields_none_is_one_line(
    small: ImapServer, deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch, command: str, why: str
) -> None:
    monkeypatch.delenv("DESKHAND_IMAP_PASSWORD")
    monkeypatch.setenv("DESKHAND_IMAP_TOKEN_COMMAND", command)
    result = deskhand("import-mail", "--imap")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert why in result.err


def test_two_ways_into_the_mailbox_are_one_too_many(
    small: ImapServer, deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESKHAND_IMAP_TOKEN", "t")
    assert "set one of DESKHAND_IMAP_PASSWORD" in deskhand("import-mail", "--imap").err


def test_a_mail_that_the_server_does_not_give_keeps_no_other(
    small: ImapServer, deskhand: Deskhand, ledger: DirectLedger
) -> None:
    small.refuse = "FETCH 2"
    result = deskhand("import-mail", "--imap", "--json")
    found = result.json()
    assert (result.code, len(found["accepted"]), [one["where"] for one in found["rejected"]]) == (1, 2, ["mail 2"])
    assert small.seen == {1, 3}
    small.refuse = ""
    assert len(deskhand("import-mail", "--imap", "--json").json()["accepted"]) == 1


def test_a_server_that_does_not_keep_what_is_seen_is_asked_once(small: ImapServer, deskhand: Deskhand) -> None:
    small.forgetful = True
    assert len(deskhand("import-mail", "--imap", "--json").json()["accepted"]) == 3
    assert len(deskhand("import-mail", "--imap", "--json").json()["known"]) == 3


def test_pauses_double_up_to_a_bound() -> None:
    assert [pause(failures, 60) for failures in range(4)] == [5, 10, 20, 40]
    assert pause(10**6, 60) == LONGEST_PAUSE_SECONDS
    assert pause(0, 1) == 1
    assert pause(10**6, 3600) == 3600
