"""A store that is frozen, its connections open: every command says so and ends, and the metrics say so too."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fallbacks.errors import StoreUnreachable
from tests.services.valkey import ValkeyServer
from tests.services.waiting import PATIENCE_SECONDS, wait_for
from tests.worker.cli.conftest import Deskhand
from tests.worker.http.served import Served
from worker.ops import silence

COMMANDS = ("status --json", "why", "tickets", "audit", "show t1", "retry --reason tool_failed --dry-run")


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with ValkeyServer(tmp_path_factory.mktemp("frozen")) as server:
        server.pause()
        yield server


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, frozen: ValkeyServer) -> None:
    monkeypatch.setenv("DESKHAND_REDIS_URL", frozen.url)
    monkeypatch.setattr(silence, "ANSWER_SECONDS", 0.1)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_says_that_the_store_is_silent(deskhand: Deskhand, impatient: None, command: str) -> None:
    result = deskhand(*command.split())
    assert (result.code, result.out) == (1, "")
    assert "it keeps the connection and says nothing" in result.err


def test_tickets_cannot_be_put_in_and_that_is_said(deskhand: Deskhand, impatient: None) -> None:
    result = deskhand("enqueue", "-", stdin=b'{"source": "t", "subject": "a", "body": "b"}')
    assert result.code == 1
    assert "it keeps the connection and says nothing" in result.err


def test_the_doctor_examines_a_frozen_store_too(deskhand: Deskhand, impatient: None) -> None:
    document = deskhand("doctor", "--json").json()
    failed = {check["name"] for check in document["checks"] if check["verdict"] == "fail"}
    assert failed >= {"store", "broker"}


def test_a_watch_that_began_early_says_at_once_what_it_has_found(frozen: ValkeyServer, impatient: None) -> None:
    watch, first, second = silence.Watch(frozen.url), threading.Event(), threading.Event()
    watch.on_silence(first.set)
    assert first.wait(PATIENCE_SECONDS)
    watch.on_silence(second.set)
    assert second.is_set()


def test_a_store_that_freezes_in_the_middle_ends_a_command_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANSWER_SECONDS", "PAUSE_SECONDS"):
        monkeypatch.setattr(silence, name, 0.1)
    with ValkeyServer(tmp_path) as server:

        async def frozen_later() -> None:
            server.pause()
            await asyncio.Event().wait()  # an answer that never comes

        with pytest.raises(StoreUnreachable, match="says nothing"):
            asyncio.run(silence.while_it_answers(server.url, frozen_later()))


def test_a_watched_screen_ends_with_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ValkeyServer(tmp_path / "store") as server:
        monkeypatch.setenv("DESKHAND_REDIS_URL", server.url)
        command = [sys.executable, "-m", "worker.cli", "status", "--watch", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
            assert watching.stdout is not None
            assert watching.stdout.readline()
            server.pause()
            _, said = watching.communicate(timeout=PATIENCE_SECONDS)
        assert watching.returncode == 1
        assert "it keeps the connection and says nothing" in said


def test_the_metrics_say_that_the_store_is_silent_and_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "ANSWER_SECONDS", 0.3)
    with ValkeyServer(tmp_path) as server, Served(server.url) as web, web.client() as client:

        def numbers() -> list[str]:
            return [line for line in client.get("/metrics").text.splitlines() if not line.startswith("#")]

        wait_for(lambda: "deskhand_store_answers 1.0" in numbers())
        server.pause()
        try:
            assert numbers() == ["deskhand_store_answers 0.0"]
        finally:
            server.resume()
        wait_for(lambda: "deskhand_store_answers 1.0" in numbers())
