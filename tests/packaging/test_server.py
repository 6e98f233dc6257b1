"""`pip install "deskhand[all]"` without the lock: the newest versions that it allows, and a ticket through them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.packaging.environment import Environment, built, clean, index_options, run
from tests.packaging.outside import office_desk
from tests.services.process import ServerProcess, free_port
from worker import sample

TICKET = {"id": "t-1", "source": "shop", "subject": "", "body": "My card has not arrived, and I ordered it weeks ago."}
UNREACHABLE = "error sending request"
"""What uv says where nobody answers; a package that is missing or does not fit is another fault."""


class Up(ServerProcess):
    """`deskhand up` of an environment: embedded Valkey, a worker and the web process, with the local model."""

    def __init__(self, folder: Path, program: Path, **own: str) -> None:
        super().__init__(folder, free_port())
        self.program = program
        self._own = own
        self._training = folder / "a-fifth.jsonl"  # all of it takes half a minute to learn

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        rows = [{"body": row["body"], "label": row["label"]} for row in sample.rows("train")[::5]]
        self._training.write_text("\n".join(map(json.dumps, rows)))
        return [str(self.program), "up"]

    def environment(self) -> dict[str, str]:
        ours = {"HOME": self.folder / "home", "PORT": self.port, "TRAINING_DATA": self._training, **self._own}
        return clean() | {f"DESKHAND_{name}": str(value) for name, value in ours.items()}

    def run(self, *arguments: str) -> str:
        """What a command of the same environment prints."""
        return run([str(self.program), *arguments], self.folder, self.environment())

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False).is_success
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory, server_wheel: Path) -> Environment:
    """An environment with the server and every optional part, as the package index has them today."""
    environment = Environment(tmp_path_factory.mktemp("newest") / "environment")
    wanted = f"deskhand[all] @ {server_wheel.as_uri()}"
    program = str(Path(sys.executable).parent / "uv")
    command = [program, "pip", "install", "--python", str(environment.python), *index_options(), wanted]
    done = subprocess.run(command, env=clean(), capture_output=True, text=True, check=False)
    if UNREACHABLE in done.stderr:
        pytest.skip(f"no package index can be reached, so {wanted!r} was not tried:\n{done.stderr}")
    assert done.returncode == 0, done.stderr
    environment.pip("check")
    return environment


@pytest.fixture
def up(tmp_path: Path, newest: Environment) -> Iterator[Up]:
    with Up(tmp_path / "up", newest.programs / "deskhand") as up:
        yield up


@pytest.mark.long
@pytest.mark.index
@pytest.mark.timeout(400)
def test_the_newest_allowed_versions_suggest_a_decision_for_a_ticket(tmp_path: Path, up: Up) -> None:
    file = tmp_path / "tickets.jsonl"
    file.write_text(json.dumps(TICKET))
    sent = json.loads(up.run("enqueue", str(file), "--wait", "--timeout", "240", "--json"))
    assert [(found["state"], found["tickets"]) for found in sent["outcomes"]] == [("suggested", 1)], up.log.read_text()
    up.run("audit")


@pytest.mark.long
@pytest.mark.index
def test_a_package_brings_a_tool_and_a_process_and_nothing_of_ours_changes(tmp_path: Path, newest: Environment) -> None:
    wheel = built(office_desk(tmp_path / "project"), tmp_path)
    newest.pip("install", "--no-index", "--no-deps", str(wheel))
    file = tmp_path / "tickets.jsonl"
    file.write_text(json.dumps({"id": "f-1", "source": "scan", "subject": "", "body": "form P60, number 11-22"}))
    own = {"PROCESS": "forms", "TOOL_LOOKUP_FORM_OFFICE": "Leeds", "TOOL_LOOKUP_FORM_TOKEN": "s3cret"}
    with Up(tmp_path / "up", newest.programs / "deskhand", **own) as up:
        sent = json.loads(up.run("enqueue", str(file), "--wait", "--timeout", "120", "--json"))
        assert [found["state"] for found in sent["outcomes"]] == ["suggested"], up.log.read_text()
        found = json.loads(up.run("show", "f-1", "--json"))
        assert (found["decision"]["form"], found["decision"]["tier"]) == ("P60", "form-reader")
        events = up.run("show", "f-1")
        assert "lookup_form" in events
        settings = json.loads(up.run("doctor", "--json"))["settings"]
    shown = {name: value for name, value in settings.items() if name.startswith("DESKHAND_TOOL_")}
    assert shown == {"DESKHAND_TOOL_LOOKUP_FORM_OFFICE": "Leeds", "DESKHAND_TOOL_LOOKUP_FORM_TOKEN": "********"}
