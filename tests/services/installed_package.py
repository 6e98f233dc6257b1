"""A package that looks installed: a module and the entry points that it declares, on the path."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from worker.config import installed


@contextmanager
def package(folder: Path, name: str, source: str, points: Mapping[str, Mapping[str, str]]) -> Iterator[None]:
    """points: of each group the objects by their names. The module is `name`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(source)
    information = folder / f"{name}-1.2.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.2\n")
    lines = [
        line for group, given in points.items() for line in (f"[{group}]", *(f"{k} = {v}" for k, v in given.items()))
    ]
    (information / "entry_points.txt").write_text("\n".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        installed.forget()
        try:
            yield
        finally:
            installed.forget()
