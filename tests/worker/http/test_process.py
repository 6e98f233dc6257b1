"""`deskhand serve`, `keys` and `webhooks` as processes, as an operator runs them."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.services.http_sink import Answer, HttpSink
from tests.services.process import ServerProcess, free_port
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from worker.cli import main

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Serve(ServerProcess):
    """The web process."""

    def __init__(self, folder: Path, redis_url: str, **settings: str) -> None:
        super().__init__(folder, free_port())
        chosen = {"PORT": str(self.port), "REDIS_URL": redis_url, **settings}
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DESKHAND_")}
        self.env = clean | {f"DESKHAND_{name}": value for name, value in chosen.items()}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "worker.cli", "serve"]

    def environment(self) -> dict[str, str]:
        return self.env

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=20).status_code == 200
        except httpx.HTTPError:
            return False

    def deskhand(self, *arguments: str, status: int = 0) -> Any:
        """In this process: an interpreter for each of a dozen commands would be half of what this file takes."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name in os.environ.keys() - self.env.keys():
                patch.delenv(name)
            for name, value in self.env.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main([*arguments, "--json"])
        assert (ended.value.code or 0) == status, err.getvalue()
        return json.loads(out.getvalue()) if out.getvalue() else err.getvalue()

    def process(self, *arguments: str) -> Any:
        command = [sys.executable, "-m", "worker.cli", *arguments, "--json"]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def serve(tmp_path: Path, valkey_url: str) -> Iterator[Callable[..., Serve]]:
    started: list[Serve] = []

    def start(**settings: str) -> Serve:
        started.append(Serve(tmp_path / "serve", valkey_url, **settings).start())
        return started[-1]

    yield start
    for server in started:
        server.stop()


def test_keys_from_making_to_revoking(serve: Callable[..., Serve]) -> None:
    server = serve()
    made = server.process("keys", "create", "zendesk", "--scope", "operate")
    headers = {"X-API-Key": made["key"]}
    assert httpx.get(f"{server.url}/v1/stats").status_code == 401
    assert httpx.get(f"{server.url}/v1/stats", headers=headers).status_code == 200
    turned = server.deskhand("keys", "rotate", made["id"], "--grace", "0")
    assert httpx.get(f"{server.url}/v1/stats", headers=headers).status_code == 401
    assert httpx.get(f"{server.url}/v1/stats", headers={"X-API-Key": turned["key"]}).status_code == 200
    (listed,) = server.deskhand("keys", "list")
    assert (listed["name"], listed["scopes"], listed["last_used_at"] is not None) == ("zendesk", ["operate"], True)
    assert server.deskhand("keys", "revoke", made["id"])["revoked_at"]
    assert httpx.get(f"{server.url}/v1/stats", headers={"X-API-Key": turned["key"]}).status_code == 401
    assert "no API key 'none'" in server.deskhand("keys", "revoke", "none", status=1)
    assert "'agent' is a name of the machine's own" in server.deskhand("keys", "create", "agent", status=1)


def test_a_signal_ends_it_in_good_order_with_a_stream_open(serve: Callable[..., Serve]) -> None:
    server = serve()
    sent = {"id": "T-1", "source": "web", "subject": "", "body": "Hello"}
    httpx.post(f"{server.url}/v1/tickets", json=sent)
    headers = {"Accept": "text/event-stream"}
    with httpx.stream("GET", f"{server.url}/v1/tickets/T-1/events", headers=headers, timeout=60) as answer:
        lines = answer.iter_lines()
        wait_for(lambda: next(lines) == "event: accepted")
        server.stop()
        list(lines)
    log = server.log.read_text()
    assert "Application shutdown complete" in log
    assert "Traceback" not in log


def test_a_worker_delivers_and_an_operator_mends(
    serve: Callable[..., Serve], http_sink: HttpSink, valkey_server: ValkeyServer
) -> None:
    http_sink.next.append(Answer(status=410))
    server = serve(WEBHOOK_URL=http_sink.url, WEBHOOK_SECRET=SECRET, WEBHOOK_ALLOW_PRIVATE="true")
    sent = {"id": "T-1", "source": "web", "subject": "", "body": "Hello"}
    httpx.post(f"{server.url}/v1/tickets", json=sent)
    httpx.post(f"{server.url}/v1/tickets/T-1/cancel")
    command = [sys.executable, "-m", "celery", "-A", "worker.celery_app", "worker", "-Q", "handoff", "-P", "threads"]
    worker = subprocess.Popen(
        [*command, "-c", "1"], env=server.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        http_sink.wait_received(1)
        wait_for(lambda: httpx.get(f"{server.url}/v1/stats").json()["webhook_disabled"])
        (waiting,) = server.deskhand("webhooks", "list")["messages"]
        assert (waiting["ticket_id"], waiting["attempts"], waiting["error"]) == ("T-1", 1, "HTTP 410")
        found = {"dry_run": True, "messages": [{"id": waiting["id"], "ticket": "T-1"}]}
        assert server.deskhand("webhooks", "redeliver", "--all", "--since", "2h", "--dry-run") == found
        assert server.deskhand("webhooks", "enable")["was_disabled"].startswith("HTTP 410")
        wait_for(lambda: httpx.get(f"{server.url}/v1/tickets/T-1").json()["delivery"] == "delivered")
        server.deskhand("webhooks", "redeliver", waiting["id"])
        received = http_sink.wait_received(3)
        assert {request.headers["webhook-id"] for request in received} == {waiting["id"]}
        assert server.deskhand("webhooks", "redeliver", "--all")["messages"] == []
    finally:
        worker.terminate()
        worker.wait(60)


@pytest.mark.parametrize("secret", ["nonsense!", "whsec_"])
def test_a_secret_that_is_none_stops_the_start_with_one_line(tmp_path: Path, valkey_url: str, secret: str) -> None:
    server = Serve(tmp_path / "serve", valkey_url, WEBHOOK_SECRET=secret)
    said = server.deskhand("keys", "list", status=1)
    assert said.count("\n") == 1
    assert said.startswith("DESKHAND_WEBHOOK_SECRET: secret 1 is not whsec_ and base64")
