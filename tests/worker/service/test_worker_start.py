"""A worker that cannot work says so once and ends; it takes no message first."""

import subprocess
from pathlib import Path

from tests.services.celery_worker import CeleryWorker


def test_a_worker_that_cannot_be_made_ends_with_one_clear_line(valkey_url: str, tmp_path: Path) -> None:
    worker = CeleryWorker(tmp_path, valkey_url, {"MODEL": "local", "TRAINING_DATA": str(tmp_path / "none.jsonl")})
    told = subprocess.run(
        worker.command(),
        cwd=tmp_path,
        env=worker.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = told.stdout + told.stderr
    assert told.returncode == 1, said
    assert "this worker cannot work: " in said
    assert "none.jsonl: cannot be read" in said
    assert "Traceback" not in said
