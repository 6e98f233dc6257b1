"""Cold files in a folder."""

import os
from pathlib import Path


class ColdFolder:
    """Implements `fallbacks.history.cold.documents.ColdFiles`. Several processes may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, data: bytes) -> None:
        """Beside it first, synced, and then in its place."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
        for folder in (path.parent, self.folder):
            _sync(folder)

    def read(self, name: str) -> bytes:
        """See `ColdFiles`."""
        return (self.folder / name).read_bytes()

    def delete(self, name: str) -> None:
        """See `ColdFiles`."""
        (self.folder / name).unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    entry = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(entry)
    finally:
        os.close(entry)
