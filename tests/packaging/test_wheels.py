"""What is in the wheels: every file that the repository has of them, and no other."""

import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.packaging.declared import CLIENT_PROJECT, ROOT, SERVER_PROJECT
from tests.packaging.environment import built, source_of

ONLY_ALONE = {f"worker/clients/{name}" for name in ("LICENSE", "README.md", "pyproject.toml")}
"""What the client's own wheel is made with."""


def test_the_server_has_its_scripts_templates_static_files_and_sample(server_wheel: Path) -> None:
    held = contents(server_wheel)
    assert held == kept_in("tasks", "fallbacks", "worker") - ONLY_ALONE
    assert {Path(name).suffix for name in held} > {".lua", ".html", ".css", ".js", ".svg", ".gz", ".jsonl", ".yaml"}


def test_the_client_is_the_folder_under_its_own_name(client_wheel: Path) -> None:
    folder = kept_in("worker/clients") - ONLY_ALONE
    assert contents(client_wheel) == {name.replace("worker/clients/", "deskhand_client/") for name in folder}
    assert "deskhand_client/py.typed" in contents(client_wheel)


def test_both_have_one_version_and_the_license(server_wheel: Path, client_wheel: Path) -> None:
    _, server, *_ = server_wheel.stem.split("-")
    _, client, *_ = client_wheel.stem.split("-")
    assert server == client
    for wheel in (server_wheel, client_wheel):
        with ZipFile(wheel) as archive:
            (text,) = [name for name in archive.namelist() if name.endswith("/licenses/LICENSE")]
            assert archive.read(text) == (ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize("project", [SERVER_PROJECT, CLIENT_PROJECT], ids=["server", "client"])
def test_the_source_distribution_makes_the_same_wheel(
    project: Path, server_wheel: Path, client_wheel: Path, tmp_path: Path
) -> None:
    wheel = server_wheel if project == SERVER_PROJECT else client_wheel
    again = built(source_of(project.parent, tmp_path), tmp_path)
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


def contents(wheel: Path) -> set[str]:
    """The files that an import may find."""
    with ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def kept_in(*folders: str) -> set[str]:
    """The files of the repository, those not committed yet included."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return {name for name in names if (ROOT / name).exists()}
