"""The archive in a folder: one file per UTC day, appended to under a lock and synced."""

import fcntl
import os
import shutil
from pathlib import Path

MOST_INODE = 2**63 - 1
"""Some file systems count further than a database does."""


class ArchiveFolder:
    """Implements `fallbacks.ledger.archive_reader.ArchiveFiles`. Several processes of one machine may share it."""

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

    def sizes(self) -> dict[str, tuple[int, int]]:
        """(inode, bytes) of each archive file, oldest day first."""
        found = {path.name: path.stat() for path in sorted(self.folder.glob("*.jsonl.gz"))}
        return {name: (status.st_ino & MOST_INODE, status.st_size) for name, status in found.items()}

    def room(self) -> tuple[int, int]:
        """Bytes that are free on its disk, and that the disk has."""
        there = next(place for place in (self.folder, *self.folder.parents) if place.exists())
        found = shutil.disk_usage(there)
        return found.free, found.total

    def read(self, name: str, start: int, count: int = -1) -> bytes:
        """A file from a byte on, so many bytes; empty where it has gone."""
        try:
            with (self.folder / name).open("rb") as file:
                file.seek(start)
                return file.read(count)
        except FileNotFoundError:
            return b""
