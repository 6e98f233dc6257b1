"""The archive in a folder: one file per UTC day, appended to under a lock and synced."""

import fcntl
import os
from pathlib import Path


class ArchiveFolder:
    """Implements `fallbacks.ledger.archive.ArchiveTarget`. Several processes of one machine may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def append(self, name: str, data: bytes) -> None:
        """Add to a file and sync it; a file made anew is synced into its folder as well."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        with path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        entry = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(entry)
        finally:
            os.close(entry)

    def names(self) -> list[str]:
        """Archive files, oldest day first."""
        return sorted(path.name for path in self.folder.glob("*.jsonl.gz"))

    def read(self, name: str) -> bytes:
        """A whole file."""
        return (self.folder / name).read_bytes()
