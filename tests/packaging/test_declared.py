"""What is imported is declared: a locked environment holds more than an upstream's `pip install` brings."""

import importlib
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.packaging.declared import (
    CLIENT_PROJECT,
    ROOT,
    SERVER_PROJECT,
    declared,
    distributions_of,
    every_part,
    imported,
    required_by,
)

PACKAGES = ("tasks", "fallbacks", "worker")
TRANSPORTS = ("kombu.transport.redis", "kombu.transport.pyamqp")
"""Those that we use. kombu imports more in them than it declares."""

SERVER = declared(SERVER_PROJECT, *every_part(SERVER_PROJECT))
NOT_INSTALLED = declared(SERVER_PROJECT, "parquet")
"""What brings more than `all`: the tests go without it."""

CLIENT = declared(CLIENT_PROJECT)
CLIENT_ON_A_QUEUE = declared(CLIENT_PROJECT, "celery")


def test_the_server_declares_what_it_imports() -> None:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert not undeclared(files, SERVER | NOT_INSTALLED, ours=PACKAGES)


@pytest.mark.parametrize("ours", [SERVER, CLIENT_ON_A_QUEUE], ids=["server", "client"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_transport_of_kombu_finds_what_it_imports(ours: set[str], transport: str) -> None:
    file = Path(str(importlib.import_module(transport).__file__))
    needed = imported(file, unconditional=True)
    assert needed
    assert not undeclared([file], required_by(ours), ours=("kombu",), unconditional=True)


def test_the_client_declares_what_it_imports() -> None:
    files = set((ROOT / "worker" / "clients").glob("*.py"))
    on_a_queue = {path for path in files if path.name.startswith("celery_")}
    assert on_a_queue
    assert not undeclared(files - on_a_queue, CLIENT)
    assert not undeclared(on_a_queue, CLIENT_ON_A_QUEUE)


def undeclared(
    files: Iterable[Path], allowed: set[str], *, ours: Iterable[str] = (), unconditional: bool = False
) -> list[tuple[str, str]]:
    """(file, package) of each import that nothing allowed provides."""
    return sorted(
        (path.name, package)
        for path in files
        for package in imported(path, unconditional=unconditional) - set(ours)
        if not distributions_of(package) & allowed
    )
