"""The steps of docker/README.md for a backup of the books, on a server that is being written to."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from tests.worker.cli.direct_ledger import DirectLedger

DESKHAND = Path(sys.executable).with_name("deskhand")
GUIDE = Path(__file__).resolve().parents[2] / "docker" / "README.md"


def audited(url: str, home: Path) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "DESKHAND_REDIS_URL": url, "DESKHAND_HOME": str(home)}
    return subprocess.run([DESKHAND, "audit"], env=environ, capture_output=True, text=True, check=False)


def test_a_copy_of_the_store_taken_while_it_is_written_balances(
    tmp_path: Path, start_valkey: Callable[..., ValkeyServer]
) -> None:
    live = start_valkey(appendfsync="everysec")
    ledger, stop, written = DirectLedger(live.url), threading.Event(), list[str]()

    def work() -> None:
        for number in range(10_000):
            if stop.is_set():
                return
            (ledger.suggested if number % 2 else ledger.failed)(f"T-{number}")
            written.append(f"T-{number}")

    writer = threading.Thread(target=work)
    writer.start()
    try:
        wait_for(lambda: len(written) >= 20, message="tickets in the ledger")
        before = len(written)
        with live.client() as client:
            client.config_set("auto-aof-rewrite-percentage", 0)
            wait_for(lambda: not client.info("persistence")["aof_rewrite_in_progress"], message="no rewrite under way")
            shutil.copytree(live.folder / "appendonlydir", tmp_path / "restored" / "appendonlydir")
            client.config_set("auto-aof-rewrite-percentage", 100)
        wait_for(lambda: len(written) > before, message="the live server to go on")
    finally:
        stop.set()
        writer.join()
    with ValkeyServer(tmp_path / "restored") as restored:
        said = audited(restored.url, tmp_path)
        assert said.returncode == 0, said.stdout + said.stderr
        with restored.client() as client:
            kept = int(client.hget("deskhand:n", "accepted") or 0)
    assert before <= kept <= len(written) + 1


def test_the_guide_names_what_the_test_does() -> None:
    text = GUIDE.read_text()
    for step in ("auto-aof-rewrite-percentage 0", "aof_rewrite_in_progress", "appendonlydir", "deskhand audit"):
        assert step in text
