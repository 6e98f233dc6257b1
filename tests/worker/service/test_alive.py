"""The health check: a fresh liveness file is life, an old one is none, and without any the web must answer."""

import os
from pathlib import Path

import pytest

from tests.services.http_sink import Answer, HttpSink
from tests.services.process import free_port
from worker.alive import fault
from worker.work.liveness import LIVE, READY, STALE_SECONDS, liveness_file

NOW = 1_000_000.0


def write_liveness(home: Path, state: str, age: float = 0.0, queues: str = "tickets") -> None:
    path = liveness_file(home, queues)
    path.write_text(state)
    os.utime(path, (NOW - age, NOW - age))


@pytest.mark.parametrize(
    ("state", "age", "ready", "found"),
    [
        (READY, 1, True, None),
        (LIVE, 1, False, None),
        (LIVE, 1, True, "does not consume"),
        (READY, STALE_SECONDS + 1, False, "no sign of life"),
    ],
)
def test_the_liveness_file_says_life_by_its_age_and_readiness_by_its_word(
    tmp_path: Path, state: str, age: float, ready: bool, found: str | None
) -> None:
    write_liveness(tmp_path, state, age)
    wrong = fault({"DESKHAND_HOME": str(tmp_path)}, ready=ready, now=NOW)
    assert wrong is None if found is None else wrong is not None and found in wrong


def test_what_an_earlier_worker_left_behind_does_not_count(tmp_path: Path) -> None:
    write_liveness(tmp_path, READY, 10 * STALE_SECONDS, "tickets-handoff")
    write_liveness(tmp_path, READY, 1)
    assert fault({"DESKHAND_HOME": str(tmp_path)}, ready=True, now=NOW) is None


def test_where_no_worker_is_the_web_answers(tmp_path: Path, http_sink: HttpSink) -> None:
    port = http_sink.url.rpartition(":")[2]
    environment = {"DESKHAND_HOME": str(tmp_path), "DESKHAND_PORT": port}
    assert fault(environment, ready=False, now=NOW) is None
    http_sink.answer = Answer(503)
    assert fault(environment, ready=True, now=NOW) == "/readyz answers 503"
    assert [request.path for request in http_sink.received] == ["/healthz", "/readyz"]


def test_nothing_at_all_is_not_alive(tmp_path: Path) -> None:
    environment = {"DESKHAND_HOME": str(tmp_path), "DESKHAND_PORT": str(free_port())}
    assert "nothing answers" in (fault(environment, ready=False, now=NOW) or "")
