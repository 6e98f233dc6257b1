"""A file system of its own (tmpfs), whose free space a test can take away and give back. Mounting needs root."""

import os
import subprocess
from pathlib import Path
from typing import Self

from tests.services.process import ServiceMissing


class SmallDisk:
    """Raises `ServiceMissing` on entering where this process may not mount. Uses the memory of what is written only."""

    def __init__(self, path: Path, megabytes: int = 16) -> None:
        self.path = path
        self._size = f"{megabytes}m"

    def __enter__(self) -> Self:
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._mount(self._size, "nosuid,nodev")
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", None) or str(error)
            raise ServiceMissing(f"cannot mount a tmpfs here, which needs root: {said.strip()}") from error
        return self

    def __exit__(self, *_: object) -> None:
        command = ["umount", "--lazy", str(self.path)]  # lazy: whoever still has a file open must not keep the mount
        subprocess.run(command, check=True, capture_output=True)

    def fill(self) -> None:
        """No free space from now on: the disk is made as small as what lies on it."""
        for _ in range(20):
            now = os.statvfs(self.path)
            used = (now.f_blocks - now.f_bfree) * now.f_frsize // 1024
            try:
                return self._mount(f"{max(used, 4)}k", "remount")
            except subprocess.CalledProcessError:
                continue  # something was written between the look and the change
        raise AssertionError(f"{self.path} grew faster than it could be filled")

    def free(self) -> None:
        self._mount(self._size, "remount")

    def _mount(self, size: str, options: str) -> None:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"{options},size={size}", "deskhand-chaos", str(self.path)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
