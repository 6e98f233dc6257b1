"""Valkey on a clock that a test sets. (Debian's Redis does not start under libfaketime.)"""

import os
from pathlib import Path

from tests.services.process import ServiceMissing
from tests.services.valkey import ValkeyServer

LIBRARY = "libfaketime.so.1"


class SteppedValkey(ValkeyServer):
    """`step(7200)`: its clock is two hours ahead from now on. Its monotonic clock goes on as ever."""

    def __init__(self, folder: Path, **config: str | int) -> None:
        super().__init__(folder, **config)
        self._shift = folder / "shift"

    def environment(self) -> dict[str, str]:
        self.step(0)
        settings = {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._shift),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        return dict(os.environ) | settings

    def step(self, seconds: float) -> None:
        """Ahead of the machine's clock by so much; less than before is a step back."""
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self._shift.with_suffix(".new")
        fresh.write_text(f"{seconds:+f}\n")
        fresh.replace(self._shift)


def _library() -> Path:
    for found in Path("/usr/lib").glob(f"*/faketime/{LIBRARY}"):
        return found
    raise ServiceMissing("libfaketime is not installed. Run tests/install-services, or: apt-get install faketime")
