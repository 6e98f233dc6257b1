"""Where a history in SQLite lies, by its URL."""

import shutil
from pathlib import Path
from urllib.parse import unquote

IN_HOME = "sqlite:"
FILE = "history.sqlite"

USUAL = "deskhand"
"""The namespace of a deployment that names none."""


def sqlite_path(url: str, home: Path, namespace: str = USUAL) -> Path:
    """`sqlite:` is a file in HOME, one for each namespace; `sqlite:///var/lib/x.sqlite` the file /var/lib/x.sqlite.

    Raises `ValueError`.
    """
    if url == IN_HOME:
        return home / (FILE if namespace == USUAL else f"{namespace}.{FILE}")
    path = url.removeprefix("sqlite://")
    if path == url or not path.startswith("/") or path.endswith("/") or "?" in path:
        raise ValueError("must be sqlite: (a file in HOME), sqlite:///PATH/FILE or postgresql://USER@HOST/DATABASE")
    return Path(unquote(path))


def room_of(path: Path) -> tuple[int, int]:
    """Bytes that are free on the disk that it is, or will be, on, and that the disk has."""
    there = next(place for place in (path.parent, *path.parents) if place.exists())
    found = shutil.disk_usage(there)
    return found.free, found.total
