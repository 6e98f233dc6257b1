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


@dataclass(frozen=True, slots=True)
class Index:
    """What the index file holds. current: the name of what works, "" for the model from the training data.

    shadow: the candidate that answers beside it; None for none.
    """

    current: str = ""
    versions: tuple[Version, ...] = ()
    shadow: Version | None = None

    def named(self, name: str) -> Version | None:
        """A promoted version."""
        return next((version for version in self.versions if version.name == name), None)


class Versions:
    """The versions of one state folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "versions"
        self._index = self.folder / "versions.json"

    def all(self) -> list[Version]:
        """Every promoted version, oldest first."""
        return list(self._read().versions)

    def current(self) -> Version | None:
        """The version at work; None: the one from the training data."""
        index = self._read()
        return index.named(index.current)

    def shadow(self) -> Version | None:
        """The candidate whose answers nobody sees yet."""
        return self._read().shadow

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
        with self._locked():
            index = self._read()
            kept = self._keep(parameters, version, index)
            self._write(replace(index, current=kept.name, versions=(*index.versions, kept)))
            return kept

    def keep_shadow(self, parameters: Parameters, version: Version) -> Version:
        """Keep a candidate's weights beside what works; returns it with its name."""
        with self._locked():
            index = self._read()
            kept = self._keep(parameters, version, index)
            self._write(replace(index, shadow=kept))
            return kept

    def promote_shadow(self) -> None:
        """Put the candidate to work. Raises `LocalModelError` where there is none."""
        with self._locked():
            index = self._read()
            if index.shadow is None:
                raise LocalModelError("no candidate answers in the shadow")
            self._write(Index(index.shadow.name, (*index.versions, index.shadow)))

    def drop_shadow(self) -> None:
        """Forget the candidate, if there is one, and delete its weights."""
        with self._locked():
            index = self._read()
            self._write(replace(index, shadow=None))
            if index.shadow is not None and index.named(index.shadow.name) is None:
                self._file(index.shadow.name).unlink(missing_ok=True)

    def rollback(self) -> Version | None:
        """Put the version before to work again and return it, None for the training data's. Nothing is deleted.

        Raises `LocalModelError` where no version has been promoted.
        """
        with self._locked():
            index = self._read()
            current = index.named(index.current)
            if current is None:
                raise LocalModelError("there is nothing to roll back to: the model is the one from the training data")
            self._write(replace(index, current=current.replaces))
        return self.current()

    def forget(self, *, keep_current: bool) -> int:
        """Delete the weights of every version, but perhaps the one at work; how many. There is no way back to them."""
        with self._locked():
            index = self._read()
            current = index.named(index.current) if keep_current else None
            kept = (replace(current, replaces=""),) if current else ()
            self._write(Index(current.name if current else "", kept))
            gone = [version for version in (*index.versions, index.shadow) if version and version != current]
            for version in gone:
                self._file(version.name).unlink(missing_ok=True)
            return len(gone)

    def _keep(self, parameters: Parameters, version: Version, index: Index) -> Version:
        number = len(index.versions) + 1
        name = f"{number:04d}-{hashlib.sha256(parameters.weights.tobytes()).hexdigest()[:8]}"
        local_parameters.save(parameters, self._file(name))
        return replace(version, name=name, replaces=index.current, code=code())

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.npz"

    def _read(self) -> Index:
        try:
            stored = json.loads(self._index.read_text("utf-8"))
            shadow = stored.get("shadow")
            known = tuple(Version(**version) for version in stored["versions"])
            return Index(stored["current"], known, Version(**shadow) if shadow else None)
        except FileNotFoundError:
            return Index()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise LocalModelError(f"{self._index}: cannot be read: {error!r}") from None

    def _write(self, index: Index) -> None:
        text = json.dumps(asdict(index), indent=1)
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
