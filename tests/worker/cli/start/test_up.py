"""`deskhand up` as a service manager runs it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from tests.services.celery_worker import REPOSITORY
from tests.services.process import free_port
from tests.services.waiting import wait_for


def test_asked_to_stop_it_takes_its_whole_stack_with_it(tmp_path: Path, valkey_url: str) -> None:
    """By SIGTERM, which is taken as a Ctrl-C: one way to its end."""
    log = tmp_path / "log"
    settings = {"REDIS_URL": valkey_url, "HOME": str(tmp_path), "PORT": str(free_port()), "MODEL": "claude-haiku-5-5"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DESKHAND_")}
    ours = {f"DESKHAND_{name}": value for name, value in settings.items()}
    environ = {**kept, **ours, "ANTHROPIC_API_KEY": "sk-none", "PYTHONPATH": str(REPOSITORY)}
    with log.open("wb") as output:
        up = subprocess.Popen([sys.executable, "-m", "worker.cli", "up"], env=environ, stdout=output, stderr=output)
    try:
        wait_for(lambda: log.read_bytes().count(b" ready.") == 2, message=f"both workers ready: {log}")
        stack = psutil.Process(up.pid).children(recursive=True)
        assert len(stack) == 3
        up.send_signal(signal.SIGTERM)
        assert up.wait(120) == 0
        assert not [process for process in stack if process.is_running()]
    finally:
        if up.poll() is None:
            for process in [*psutil.Process(up.pid).children(recursive=True), psutil.Process(up.pid)]:
                process.kill()
            up.wait()
