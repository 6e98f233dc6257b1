"""Wheels built from this checkout, and empty environments that they are installed into."""

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from tests.packaging.declared import required_by

FOREIGN = ("DESKHAND_", "ANTHROPIC_", "OPENAI_", "SENTRY_", "OTEL_", "PYTHON", "VIRTUAL_ENV")
INDEX_URL = re.compile(r"^\S+\.index-url='(.+)'$", re.MULTILINE)


def built(project: Path, folder: Path) -> Path:
    """The wheel of a project, by the build tool that is installed here: nothing is fetched."""
    pip("wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(folder), str(project))
    (wheel,) = folder.glob("*.whl")
    return wheel


def source_of(project: Path, folder: Path) -> Path:
    """The source distribution of a project."""
    run([sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(folder)], project)
    (archive,) = folder.glob("*.tar.gz")
    return archive


def pip(*arguments: str) -> None:
    """Run this environment's pip."""
    run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], Path.cwd())


class Environment:
    """An environment with nothing in it, not even pip."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False)
        self.programs = folder / "bin"
        self.python = self.programs / "python"
        self._packages = next(folder.glob("lib/python*/site-packages"))

    def borrow(self, names: Iterable[str]) -> None:
        """Copy distributions, with all that they require, from the environment of the tests."""
        for name in required_by(names):
            for file in distribution(name).files or ():
                if ".." not in file.parts and "__pycache__" not in file.parts:
                    target = self._packages / file
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(str(file.locate()), target)

    def pip(self, *arguments: str) -> None:
        """Run pip upon this environment."""
        pip("--python", str(self.python), *arguments)

    def json(self, script: Path, *arguments: str) -> Any:
        """What a script prints, run where it lies, as an application would be."""
        return json.loads(run([str(self.python), script.name, *arguments], script.parent))


def clean() -> dict[str, str]:
    """The environment variables without those that would reach the programs under test."""
    return {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}


def index_options() -> list[str]:
    """Options of uv for the package index that pip is configured to use; uv does not read pip's files."""
    listed = run([sys.executable, "-m", "pip", "config", "list"], Path.cwd())
    return [f"--default-index={url}" for url in INDEX_URL.findall(listed)[-1:]]


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """What a program prints. It must succeed."""
    variables = environment or clean()
    ended = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout
