"""The client in an application that has a `tasks` and a `worker` of its own, as nearly every Celery project does."""

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.packaging.declared import CLIENT_PROJECT, declared
from tests.packaging.environment import Environment, clean
from tests.services.process import ServerProcess
from tests.worker.cli.direct_ledger import DirectLedger, suggest, working

KEY = "dk_of_the_shop"

APPLICATION = {
    "tasks.py": "def send_invoice() -> str:\n    return 'sent'\n",
    "worker.py": "import tasks\n\nNAME = f'the worker of the shop: {tasks.send_invoice()}'\n",
    "shop.py": """
import json
import sys

import worker

import httpx

before = set(sys.modules)
from deskhand_client import DeskhandClient

loaded = sorted(set(sys.modules) - before)
with DeskhandClient(*sys.argv[1:]) as deskhand:
    accepted = deskhand.accept({"source": "shop", "subject": "", "body": "I do not know", "id": "order-7"})
    ended = deskhand.wait(accepted.id, 60)
label = ended.decision and ended.decision.label
print(json.dumps({"own": worker.NAME, "loaded": loaded, "all": len(sys.modules), "state": ended.state, "label": label}))
""",
}


class WebProcess(ServerProcess):
    """`deskhand serve` as a process of its own."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        super().__init__(folder)
        self._redis_url = redis_url

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "worker.cli", "serve"]

    def environment(self) -> dict[str, str]:
        ours = {"REDIS_URL": self._redis_url, "PORT": str(self.port), "HOME": str(self.folder), "API_KEYS": KEY}
        return clean() | {f"DESKHAND_{name}": value for name, value in ours.items()}

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", trust_env=False).is_success
        except httpx.TransportError:
            return False


@pytest.fixture
def web(tmp_path: Path, valkey_url: str) -> Iterator[WebProcess]:
    with WebProcess(tmp_path / "web", valkey_url) as web:
        yield web


def test_it_works_beside_an_applications_own_tasks_and_worker(
    tmp_path: Path, client_wheel: Path, environment: Environment, web: WebProcess, valkey_url: str
) -> None:
    environment.borrow(declared(CLIENT_PROJECT))
    environment.pip("install", "--no-index", "--no-deps", str(client_wheel))
    environment.pip("check")
    application = tmp_path / "application"
    application.mkdir()
    for name, text in APPLICATION.items():
        (application / name).write_text(text)
    with working(DirectLedger(valkey_url), "order-7", suggest):
        found = environment.json(application / "shop.py", web.url, KEY)
    assert (found["own"], found["state"]) == ("the worker of the shop: sent", "suggested")
    assert found["label"] == "card_arrival"
    print(f"modules loaded: {len(found['loaded'])} of the client and the standard library's, {found['all']} in all")
    others = {name.partition(".")[0] for name in found["loaded"]} - {"deskhand_client"}
    assert others <= sys.stdlib_module_names
