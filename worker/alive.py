"""`python -m worker.alive [--ready]`: the health check of every service, in its container or on its machine.

Exit 0 where the worker of this host has a fresh liveness file; where no worker ever wrote one, the web process must
answer. Needs only the standard library, because it runs every few seconds.
"""

import os
import sys
import time
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path

from worker.work.liveness import READY, STALE_SECONDS, liveness_file

WEB_SECONDS = 3.0


def fault(environment: Mapping[str, str], *, ready: bool, now: float) -> str | None:
    """What is wrong with the services of this host, None when nothing is. now: seconds since the epoch."""
    home = Path(environment.get("DESKHAND_HOME", ".deskhand"))
    files = sorted(home.glob(liveness_file(Path(), "*").name), key=lambda file: file.stat().st_mtime)
    if not files:
        return _web_fault(int(environment.get("DESKHAND_PORT", "8080")), "/readyz" if ready else "/healthz")
    newest = files[-1]
    age = now - newest.stat().st_mtime
    if age > STALE_SECONDS:
        return f"{newest.name}: no sign of life for {age:.0f} s"
    return f"{newest.name}: does not consume" if ready and newest.read_text("ascii") != READY else None


def _web_fault(port: int, path: str) -> str | None:
    connection = HTTPConnection("127.0.0.1", port, timeout=WEB_SECONDS)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except OSError as error:
        return f"no worker writes a liveness file here, and nothing answers on port {port}: {error}"
    finally:
        connection.close()
    return None if status == 200 else f"{path} answers {status}"


def main(arguments: list[str]) -> int:
    """Print what is wrong, if anything. Returns the exit status."""
    wrong = fault(os.environ, ready="--ready" in arguments, now=time.time())
    if wrong:
        sys.stderr.write(f"{wrong}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
