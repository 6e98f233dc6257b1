"""The local model's versions in the state folder: which works, which it replaced. Plain weights and JSON only."""

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from worker.config.errors import LocalModelError
from worker.models.local import parameters as local_parameters
from worker.models.local.parameters import FORM, Parameters


@dataclass(frozen=True, slots=True)
class Version:
    """One trained version.

    name: also its file's name. trained_at: ISO time. learned_from: rows. held_out: rows it was measured on.
    wins, losses: held-out rows that it routed rightly and the one before did not, and the other way round.
    p_value: of the paired test. replaces: the version before, "" for the one from the training data.
    code: of the form in which its weights are read; another release may read them otherwise.
    """

    name: str
    trained_at: str
    learned_from: int
    held_out: int
    right: int
    wins: int
    losses: int
    p_value: float
    replaces: str = ""
    code: str = ""


class Versions:
    """The versions of one state folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "versions"
        self._index = self.folder / "versions.json"

    def all(self) -> list[Version]:
        """Every promoted version, oldest first."""
        return self._read()[1]

    def current(self) -> Version | None:
        """The version at work; None: the one from the training data."""
        name, known = self._read()
        return next((version for version in known if version.name == name), None)

    def load(self, version: Version) -> Parameters:
        """Its weights. Raises `LocalModelError` where they are gone, damaged, or written by another release."""
        again = "train again, or `deskhand train --rollback`"
        if version.code != code():
            raise LocalModelError(f"the local model {version.name} was trained by another release: {again}")
        found = local_parameters.load(self._file(version.name))
        if found is None:
            raise LocalModelError(f"{self._file(version.name)}: missing or damaged: {again}")
        return found

    def promote(self, parameters: Parameters, version: Version) -> Version:
        """Keep the weights and put them to work; returns the version with its name. Atomic: the old one or the new."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked():
            current, known = self._read()
            name = f"{len(known) + 1:04d}-{hashlib.sha256(parameters.weights.tobytes()).hexdigest()[:8]}"
            promoted = replace(version, name=name, replaces=current, code=code())
            local_parameters.save(parameters, self._file(name))
            self._write(name, [*known, promoted])
            return promoted

    def rollback(self) -> Version | None:
        """Put the version before to work again and return it, None for the training data's. Nothing is deleted.

        Raises `LocalModelError` where no version has been promoted.
        """
        with self._locked():
            name, known = self._read()
            current = next((version for version in known if version.name == name), None)
            if current is None:
                raise LocalModelError("there is nothing to roll back to: the model is the one from the training data")
            self._write(current.replaces, known)
        return self.current()

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.npz"

    def _read(self) -> tuple[str, list[Version]]:
        try:
            stored = json.loads(self._index.read_text("utf-8"))
            return stored["current"], [Version(**version) for version in stored["versions"]]
        except FileNotFoundError:
            return "", []
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LocalModelError(f"{self._index}: cannot be read: {error!r}") from None

    def _write(self, current: str, known: list[Version]) -> None:
        text = json.dumps({"current": current, "versions": [asdict(version) for version in known]}, indent=1)
        descriptor, name = tempfile.mkstemp(dir=self.folder, suffix=".tmp")
        with os.fdopen(descriptor, "w", encoding="utf-8") as target:
            target.write(text)
            target.flush()
            os.fsync(target.fileno())
        Path(name).replace(self._index)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def code() -> str:
    """Twelve hex digits of the form in which stored weights are read."""
    return hashlib.sha256(f"weights, form {FORM}".encode()).hexdigest()[:12]
