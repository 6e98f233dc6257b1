"""One wheel of each kind for the session."""

from pathlib import Path

import pytest

from tests.packaging.declared import ROOT
from tests.packaging.environment import Environment, built


@pytest.fixture(scope="session")
def client_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT / "worker" / "clients", tmp_path_factory.mktemp("client-wheel"))


@pytest.fixture(scope="session")
def server_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT, tmp_path_factory.mktemp("server-wheel"))


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "environment")
