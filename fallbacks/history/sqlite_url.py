"""Where a history in SQLite lies, by its URL."""

from pathlib import Path
from urllib.parse import unquote

IN_HOME = "sqlite:"
FILE = "history.sqlite"


def sqlite_path(url: str, home: Path) -> Path:
    """`sqlite:` is a file in HOME, `sqlite:///var/lib/x.sqlite` the file /var/lib/x.sqlite. Raises `ValueError`."""
    if url == IN_HOME:
        return home / FILE
    path = url.removeprefix("sqlite://")
    if path == url or not path.startswith("/") or path.endswith("/") or "?" in path:
        raise ValueError("must be sqlite: (a file in HOME), sqlite:///PATH/FILE or postgresql://USER@HOST/DATABASE")
    return Path(unquote(path))
