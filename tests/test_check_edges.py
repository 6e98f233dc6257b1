"""What `make check` says of imports of technologies and of edges."""

from pathlib import Path

import pytest

from tests.check_edges import faults_of, main

CORE, EDGE, FOLDER, WIRING = "worker/work/x.py", "worker/lookups/http_x.py", "worker/http/x.py", "worker/cli/x.py"
REDIS = "worker/queue/redis_x.py"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (CORE, EDGE, FOLDER, WIRING, "worker/lookups/sqlite_x.py", "worker/lookups/y.py", REDIS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("file", "source", "says"),
    [
        (CORE, "import httpx", "imports httpx, which is for files named after http"),
        (CORE, "def f():\n    from sqlite3 import connect", "imports sqlite3, which is for files named after sqlite"),
        (CORE, "import urllib.request", "imports urllib.request, which is for wiring"),
        (CORE, "import boto3", "imports boto3, which is for wiring"),
        (
            EDGE,
            "from redis.asyncio import Redis",
            "imports redis, which is for files named after celery or kombu or redis or valkey",
        ),
        (CORE, "from worker.lookups import http_x", "imports the edge worker/lookups/http_x.py"),
        (CORE, "from worker.lookups.http_x import Client", "imports the edge worker/lookups/http_x.py"),
        (REDIS, "from worker.lookups.http_x import Client", "imports the edge worker/lookups/http_x.py"),
        (EDGE, "from .sqlite_x import Table", "imports the edge worker/lookups/sqlite_x.py"),
        (CORE, "from worker.http.x import document", "imports the edge worker/http/x.py"),
    ],
)
def test_an_import_that_is_not_the_files_own_is_a_fault(tree: Path, file: str, source: str, says: str) -> None:
    (fault,) = faults_of(Path(file), source, tree)
    assert says in fault
    assert fault.startswith(f"{file}:{source.count(chr(10)) + 1}: ")


@pytest.mark.parametrize(
    ("file", "source"),
    [
        (CORE, "import json, urllib.parse, pydantic"),
        (CORE, "from worker.lookups.y import Port"),
        (CORE, "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from worker.lookups.http_x import Client"),
        (EDGE, "import httpx"),
        ("worker/queue/celery_x.py", "from worker.queue import redis_x"),
        (EDGE, "from worker.http.x import document"),
        (FOLDER, "from fastapi import APIRouter"),
        (WIRING, "import redis, boto3\nfrom worker.lookups.http_x import Client"),
    ],
)
def test_what_is_the_files_own_is_none(tree: Path, file: str, source: str) -> None:
    assert not list(faults_of(Path(file), source, tree))


def test_faults_are_printed_once_and_fail_the_check(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / CORE).write_text("from worker.lookups.http_x import A, B\n")
    assert main(tree) == 1
    assert capsys.readouterr().err == f"{CORE}:1: imports the edge {EDGE}, which is for wiring\n"
    (tree / CORE).write_text("")
    assert main(tree) == 0
